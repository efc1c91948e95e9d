import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rename, stat } from "node:fs/promises";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import { decompress, sniffCompression } from "../tar/gzip.ts";
import { unpackTar } from "../tar/unpack.ts";
import { type Module, type ModuleKind, readModule } from "./module.ts";

/** Where modules are found and unpacked. */
export interface Library {
  /** Archives are unpacked below this directory, once per content. */
  readonly cache: HostPath;
  /** The architecture buildpacks run on, in OCI's words. */
  readonly arch: string;
}

async function digestOfFile(path: HostPath): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function headOf(path: HostPath): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The directory inside an unpacked archive that holds the module: the root, or the one directory at its top. */
async function moduleRoot(directory: HostPath, kind: ModuleKind): Promise<HostPath> {
  const entries = await readdir(directory, { withFileTypes: true });
  if (entries.some((entry) => entry.name === `${kind}.toml`)) return directory;
  const [only, ...others] = entries.filter((entry) => entry.isDirectory());
  return only && others.length === 0 ? under(directory, only.name) : directory;
}

async function unpackOnce(archive: HostPath, cache: HostPath): Promise<HostPath> {
  const target = under(cache, await digestOfFile(archive));
  try {
    await stat(target);
    return target;
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const fresh = hostPath(await mkdtemp(`${cache}/.unpack-`));
  try {
    const compression = sniffCompression(await headOf(archive));
    await unpackTar(decompress(createReadStream(archive, { highWaterMark: 1 << 20 }), compression), fresh);
    await rename(fresh, target);
  } catch (error) {
    await removeTree(fresh);
    // Another build unpacked the same bytes meanwhile: theirs is as good as ours.
    if (errnoOf(error) === "ENOTEMPTY" || errnoOf(error) === "EEXIST") return target;
    throw error;
  }
  return target;
}

/**
 * The buildpack or extension at a path: a directory, or a tar archive of one (`.tgz`, `.tar.gz`, `.tar`).
 * Throws Fault `buildpack.missing` when the path is not there, and the archive's own faults.
 */
export async function locateModule(path: HostPath, library: Library, kind: ModuleKind = "buildpack"): Promise<Module> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return await readModule(path, library.arch, kind);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const because = errnoOf(cause) === "ENOENT" ? "there is no such file or directory" : reasonOf(cause);
    throw new Fault("buildpack.missing", `Cannot read ${kind} at ${path}: ${because}`, { cause, exit: "usage" });
  }
  return readModule(await moduleRoot(await unpackOnce(path, library.cache), kind), library.arch, kind);
}
