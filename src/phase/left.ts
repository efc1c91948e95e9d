import { lstat, readFile, realpath, stat } from "node:fs/promises";
import { errnoOf, Fault } from "../std/fault.ts";
import type { HostPath } from "../std/path.ts";

/** No TOML, SBOM or env file of a buildpack may be longer than this, in bytes. */
const limit = 64 * 1024 * 1024;

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error) => {
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return false;
      throw error;
    },
  );
}

/** The path with links resolved, undefined when nothing is there; throws Fault `layer.escape` when it leads out of `root`. */
async function resolved(root: HostPath, path: HostPath): Promise<string | undefined> {
  const escaping = () =>
    new Fault("layer.escape", `Cannot read ${path}: it is a link that leads out of ${root}`, {
      exit: "build",
      hint: "a buildpack must leave files, or links to files in its own layers",
    });
  try {
    const real = await realpath(path);
    if (real !== root && !real.startsWith(`${await realpath(root)}/`)) throw escaping();
    return real;
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
    // A link to a path that only the sandbox knows ends up here too.
    if (await isThere(path)) throw escaping();
    return undefined;
  }
}

/**
 * The text of a file a buildpack left below `root`, undefined when there is none. What buildpacks leave is not trusted: links out of
 * `root` are Fault `layer.escape`; what is no file or too long is Fault `layer.file`.
 */
export async function readLeft(root: HostPath, path: HostPath): Promise<string | undefined> {
  const real = await resolved(root, path);
  if (real === undefined) return undefined;
  const found = await stat(real);
  if (!found.isFile()) throw new Fault("layer.file", `Cannot read ${path}: it is not a file`, { exit: "build" });
  if (found.size > limit)
    throw new Fault("layer.file", `Cannot read ${path}: it is longer than ${limit} bytes`, { exit: "build" });
  return readFile(real, "utf8");
}

/** What a path a buildpack left leads to, links followed as long as they stay below `root`. */
export async function leftKind(root: HostPath, path: HostPath): Promise<"directory" | "file" | "other" | undefined> {
  const real = await resolved(root, path);
  if (real === undefined) return undefined;
  const found = await stat(real);
  return found.isDirectory() ? "directory" : found.isFile() ? "file" : "other";
}
