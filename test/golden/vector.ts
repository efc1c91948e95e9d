import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The text of an output of the reference lifecycle, by its name in `vectors/`. */
export function vector(name: string): string {
  return readFileSync(fileURLToPath(new URL(`vectors/${name}`, import.meta.url)), "utf8");
}
