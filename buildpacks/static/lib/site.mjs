// Where the files of a static site are.
import { existsSync } from "node:fs";
import { join } from "node:path";

/** The directory to serve, relative to the app: the one asked for, else the first usual one with an index.html. */
export function siteOf(asked) {
  const usual = ["dist", "build", "out", "_site", "public", "."];
  return (asked ? [asked] : usual).find((directory) => existsSync(join(directory, "index.html")));
}
