import { lstat, readFile } from "node:fs/promises";
import { type Buildpack, parseBuildpack } from "../cnb/buildpack.ts";
import { parseExtension } from "../cnb/extension.ts";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";

/** What a module is; its descriptor is `<kind>.toml`. */
export type ModuleKind = "buildpack" | "extension";

/** A buildpack or extension on this machine: its descriptor, and the directory that holds the descriptor and `bin/`. */
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
async function rootFor(directory: HostPath, arch: string, kind: ModuleKind): Promise<HostPath> {
  const candidate = under(directory, "linux", arch);
  if (
    !(await exists(under(directory, "bin"))) &&
    (await exists(under(candidate, "bin"))) &&
    (await exists(under(candidate, `${kind}.toml`)))
  )
    return candidate;
  return directory;
}

/**
 * Reads the buildpack or extension in a directory (Buildpack spec, "buildpack.toml"; Image Extension spec, "extension.toml"); throws Fault
 * `buildpack.missing` when it is none.
 */
export async function readModule(directory: HostPath, arch: string, kind: ModuleKind = "buildpack"): Promise<Module> {
  const root = await rootFor(directory, arch, kind);
  const path = under(root, `${kind}.toml`);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const found = errnoOf(cause) === "ENOENT" ? `there is no ${kind}.toml` : reasonOf(cause);
    throw new Fault("buildpack.missing", `Cannot read ${kind} at ${directory}: ${found}`, {
      cause,
      hint: `give the directory that holds ${kind}.toml, or a .tgz of it`,
    });
  }
  const has = (script: string) => exists(under(root, "bin", script));
  if (kind === "buildpack") return { buildpack: parseBuildpack(text, path, { hasBinBuild: await has("build") }), root };
  const hasScripts = (await has("detect")) || (await has("generate"));
  return { buildpack: parseExtension(text, path, { hasScripts }), root };
}
