import { createReadStream } from "node:fs";
import { lstat, mkdtemp, readdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { checkModule } from "../cnb/builder.ts";
import { type Locator, parseLocator } from "../cnb/locator.ts";
import type { ModuleKind } from "../cnb/module-descriptor.ts";
import type { RegistryChoice, RegistryId } from "../cnb/registry-index.ts";
import type { TargetPattern } from "../cnb/target.ts";
import { formatReference, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import { openArchiveFile } from "../store/archive/open.ts";
import { openArchive } from "../store/archive.ts";
import type { StoredImage } from "../store/contract.ts";
import { sniffed } from "../store/layer.ts";
import { decompress } from "../tar/gzip.ts";
import { unpackTar } from "../tar/unpack.ts";
import { directoryPart } from "./directory.ts";
import { packagedParts } from "./packaged.ts";
import type { PartSet } from "./part.ts";

/** Where modules are looked for. */
export interface Sources {
  /** Relative paths begin here. */
  readonly base: HostPath;
  /** Temporary files; they last as long as what was gathered is used. */
  readonly scratch: HostPath;
  /** The image under a name, for a platform if it is for several. */
  findImage(name: Reference, target: TargetPattern | undefined): Promise<StoredImage | undefined>;
  findInRegistry(id: RegistryId): Promise<RegistryChoice>;
  /** A file with what is at a URL. */
  download(url: string): Promise<HostPath>;
  /** Remembers something to dispose of when what was gathered is no longer used. */
  use<T extends AsyncDisposable>(opened: T): T;
  readonly signal?: AbortSignal | undefined;
}

function missing(kind: ModuleKind, place: string, found: string, cause?: unknown): Fault {
  return new Fault(`${kind}.missing`, `Cannot read ${kind} at ${place}: ${found}`, { exit: "usage", cause });
}

/** The directory of an unpacked archive that holds the module: its root, or the one directory at its top. */
async function rootIn(directory: HostPath, kind: ModuleKind): Promise<HostPath> {
  const entries = await readdir(directory, { withFileTypes: true });
  if (entries.some(({ name }) => name === `${kind}.toml`)) return directory;
  const [only, ...others] = entries.filter((entry) => entry.isDirectory());
  return only && others.length === 0 ? under(directory, only.name) : directory;
}

async function unpacked(file: HostPath, { scratch, signal }: Sources): Promise<HostPath> {
  const directory = hostPath(await mkdtemp(under(scratch, "module-")));
  const { compression, bytes } = await sniffed(createReadStream(file, { highWaterMark: 1 << 20 }));
  await unpackTar(decompress(bytes, compression), directory, signal ? { signal } : {});
  return directory;
}

/** What an archive is: an image in the form of its tool, or the files of a module. */
async function formOf(file: HostPath, scratch: HostPath): Promise<"oci" | "docker" | undefined> {
  const archive = await openArchiveFile(file, scratch);
  if (archive === undefined) return undefined;
  try {
    if (archive.contents.has("oci-layout")) return "oci";
    return archive.contents.has("manifest.json") ? "docker" : undefined;
  } finally {
    await archive[Symbol.asyncDispose]();
  }
}

async function fromArchive(
  file: HostPath,
  kind: ModuleKind,
  target: TargetPattern | undefined,
  sources: Sources,
): Promise<PartSet> {
  const form = await formOf(file, sources.scratch);
  if (form === undefined && file.endsWith(".cnb"))
    throw new Fault(
      "package.form",
      `Cannot read package at ${file}: it is no image, neither an OCI layout nor one of Docker's`,
      {
        hint: "a .cnb is a tar of an OCI image layout; `pack buildpack package --format file` makes one",
      },
    );
  if (form === undefined) {
    const root = await rootIn(await unpacked(file, sources), kind);
    return { main: await directoryPart(root, kind, target), others: [] };
  }
  const images = sources.use(openArchive(file, { form, isFormSaid: true, scratch: sources.scratch }));
  const stored = await images.sole();
  if (stored === undefined) throw missing(kind, file, "the archive holds no image");
  return packagedParts(stored, file, kind);
}

async function fromPath(
  path: HostPath,
  kind: ModuleKind,
  target: TargetPattern | undefined,
  sources: Sources,
): Promise<PartSet> {
  let isDirectory: boolean;
  try {
    isDirectory = (await stat(path)).isDirectory();
  } catch (cause) {
    throw missing(
      kind,
      path,
      errnoOf(cause) === "ENOENT" ? "there is no such file or directory" : reasonOf(cause),
      cause,
    );
  }
  if (!isDirectory) return fromArchive(path, kind, target, sources);
  return { main: await directoryPart(path, kind, target), others: [] };
}

async function fromImage(
  name: Reference,
  kind: ModuleKind,
  target: TargetPattern | undefined,
  sources: Sources,
): Promise<PartSet> {
  const stored = await sources.findImage(name, target);
  if (stored === undefined) throw missing(kind, formatReference(name), "there is no such image");
  return packagedParts(stored, formatReference(name), kind);
}

async function fromLocator(
  locator: Locator,
  text: string,
  kind: ModuleKind,
  target: TargetPattern | undefined,
  sources: Sources,
): Promise<PartSet> {
  if (locator.kind === "path") return fromPath(hostPath(resolve(sources.base, locator.path)), kind, target, sources);
  if (locator.kind === "url") return fromArchive(await sources.download(locator.url), kind, target, sources);
  if (locator.kind === "image") return fromImage(withDefaultTag(parseReference(locator.name)), kind, target, sources);
  if (locator.kind === "registry") {
    const { version, address } = await sources.findInRegistry(locator.id);
    const found = await fromImage(parseReference(address), kind, target, sources);
    const { namespace, name } = locator.id;
    checkModule({ uri: text, id: `${namespace}/${name}`, version }, found.main.descriptor.info);
    return found;
  }
  throw new Fault("locator.builder", `Cannot take ${text}: there is no builder it could come from`, { exit: "usage" });
}

/**
 * The module a locator leads to and those that come with it, for one target. Throws Fault `locator.*`, `registry.*`, `<kind>.missing`,
 * `package.*`, and `builder.module` when a registry's image is not what its index says.
 */
export async function gatherParts(
  text: string,
  kind: ModuleKind,
  target: TargetPattern | undefined,
  sources: Sources,
): Promise<PartSet> {
  const exists = async (path: string) =>
    lstat(resolve(sources.base, path)).then(
      () => true,
      () => false,
    );
  return fromLocator(await parseLocator(text, { exists }), text, kind, target, sources);
}
