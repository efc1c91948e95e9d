import { lstat, readFile } from "node:fs/promises";
import { type Buildpack, parseBuildpack } from "../cnb/buildpack.ts";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";

/** A buildpack on this machine: its descriptor, and the directory that holds `buildpack.toml` and `bin/`. */
export interface Module {
  readonly buildpack: Buildpack;
  readonly root: HostPath;
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return false;
    throw error;
  }
}

/**
 * The directory that belongs to this machine's platform: the root itself when it has `bin/`, else `<os>/<arch>` below it
 * (the layout of packages for several platforms), which then holds `bin/` beside the common `buildpack.toml`.
 */
async function rootFor(directory: HostPath, arch: string): Promise<HostPath> {
  const candidate = under(directory, "linux", arch);
  if (
    !(await exists(under(directory, "bin"))) &&
    (await exists(under(candidate, "bin"))) &&
    (await exists(under(candidate, "buildpack.toml")))
  )
    return candidate;
  return directory;
}

/** Reads the buildpack in a directory (Buildpack spec, "buildpack.toml"); throws Fault `buildpack.missing` when it is none. */
export async function readModule(directory: HostPath, arch: string): Promise<Module> {
  const root = await rootFor(directory, arch);
  const path = under(root, "buildpack.toml");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const found = errnoOf(cause) === "ENOENT" ? "there is no buildpack.toml" : reasonOf(cause);
    throw new Fault("buildpack.missing", `Cannot read buildpack at ${directory}: ${found}`, {
      cause,
      hint: "give the directory that holds buildpack.toml, or a .tgz of it",
    });
  }
  return { buildpack: parseBuildpack(text, path, { hasBinBuild: await exists(under(root, "bin", "build")) }), root };
}
