import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Locator, parseLocator } from "../cnb/locator.ts";
import { type Coordinates, nameOf } from "../cnb/order-file.ts";
import { parsePackageFile } from "../cnb/package-file.ts";
import type { RegistryId } from "../cnb/registry-index.ts";
import { Fault } from "../std/fault.ts";
import { kindOf, readText } from "../std/file.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import { openArchive } from "../store/archive.ts";
import type { StoredImage } from "../store/contract.ts";
import { sniffed } from "../store/layer.ts";
import { openLayoutDirectory } from "../store/layout-directory.ts";
import { type Location, parseLocation } from "../store/locate.ts";
import { decompress } from "../tar/gzip.ts";
import { readTar } from "../tar/read.ts";
import type { StackedLayer } from "../tar/stacked.ts";
import { type Library, locateModule } from "./locate.ts";
import type { ModuleKind } from "./module.ts";
import { type Located, readPackage } from "./package.ts";

/** What is not simply a file of this machine, and how it is had; each throws a Fault when it cannot be. */
export interface Sources {
  /** The image of a name, from the local store or wherever else it is looked for. */
  image(name: string): Promise<StoredImage>;
  unpack(stored: StoredImage): Promise<readonly StackedLayer[]>;
  /** The name of the image a buildpack registry has under this id, and the version it says that is. */
  registered(id: RegistryId): Promise<{ readonly image: string; readonly version: string }>;
  download(url: string): Promise<HostPath>;
}

/** Where locators are looked up. */
export interface Searching {
  readonly library: Library;
  readonly sources: Sources;
  /** Relative paths begin here. */
  readonly base: HostPath;
  /** What is looked for; buildpacks unless said. */
  readonly kind?: ModuleKind;
  /** What the builder has; nothing where there is no builder. */
  readonly builder?: readonly Coordinates[];
}

/** What a locator means: modules that are brought along, one the builder has, or the builder's whole order. */
export type Finding =
  | { readonly kind: "located"; readonly located: Located }
  | { readonly kind: "builder"; readonly id: string; readonly version?: string }
  | { readonly kind: "builder-order" };

const imageForm = /^(oci|oci-archive|docker-archive):/;
const layoutEntry = /^(?:\.\/)?(?:blobs(?:\/|$)|index\.json$|oci-layout$|manifest\.json$)/;

/** Whether an archive is an image, by the first of its entries: buildpacks have none of these names at their top. */
async function isImageArchive(path: HostPath): Promise<boolean> {
  const { compression, bytes } = await sniffed(createReadStream(path));
  let seen = 0;
  for await (const { header } of readTar(decompress(bytes, compression))) {
    if (layoutEntry.test(header.name)) return true;
    if (++seen === 4) return false;
  }
  return false;
}

async function packageIn(stored: StoredImage, place: string, { sources, kind }: Searching): Promise<Located> {
  return readPackage({ stored, layers: await sources.unpack(stored) }, place, kind);
}

/** The package in a directory or file, which stays open until it is unpacked. */
async function packageAt(location: Location, place: string, searching: Searching): Promise<Located> {
  if (location.kind === "name") throw new RangeError(place);
  const { tag } = location;
  const options = {
    platform: { os: "linux", architecture: searching.library.arch },
    ...(tag !== undefined && { tag }),
  };
  await using images =
    location.kind === "layout"
      ? openLayoutDirectory(location.directory, options)
      : openArchive(location.file, { ...options, form: location.form, isFormSaid: location.isFormSaid });
  const stored = await images.sole();
  if (stored) return await packageIn(stored, place, searching);
  throw new Fault("package.missing", `Cannot read package at ${place}: there is no image`, { exit: "usage" });
}

/** The package a registry has; it must be what it is registered as (Registry spec). */
async function registeredAt(id: RegistryId, text: string, searching: Searching): Promise<Located> {
  const { image, version } = await searching.sources.registered(id);
  const found = await packageIn(await searching.sources.image(image), `${text} (${image})`, searching);
  const { buildpack } = found.main;
  const wanted = nameOf({ id: `${id.namespace}/${id.name}`, version });
  if (nameOf(buildpack) === wanted) return found;
  throw new Fault("registry.package", `Cannot use ${image} as ${wanted} of the registry: it is ${nameOf(buildpack)}`);
}

/** What a `package.toml` beside a buildpack brings along: the components of a composite (as pack does with a directory). */
async function dependenciesOf(directory: HostPath, searching: Searching): Promise<Located[]> {
  const path = under(directory, "package.toml");
  const text = await readText(path);
  if (text === undefined) return [];
  const { uri, dependencies } = parsePackageFile(text, path);
  const base = hostPath(resolve(directory, uri));
  return Promise.all(
    dependencies.map(async (dependency) => {
      const found = await find(dependency, { library: searching.library, sources: searching.sources, base }, false);
      if (found.kind === "located") return found.located;
      throw new Fault("package.file", `Cannot use dependency ${dependency} at ${path}: it names the builder`, {
        exit: "usage",
      });
    }),
  );
}

async function directoryAt(path: HostPath, searching: Searching, isFirst: boolean): Promise<Located> {
  if ((await kindOf(under(path, "oci-layout"))) === "file")
    return packageAt({ kind: "layout", directory: path }, path, searching);
  const main = await locateModule(path, searching.library, searching.kind);
  const brought = isFirst && searching.kind !== "extension" ? await dependenciesOf(path, searching) : [];
  return { main, others: brought.flatMap((located) => [located.main, ...located.others]) };
}

async function pathAt(path: HostPath, searching: Searching, isFirst: boolean): Promise<Located> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return directoryAt(path, searching, isFirst);
  const isImage = found?.isFile() && (path.endsWith(".cnb") || (await isImageArchive(path)));
  if (isImage) return packageAt({ kind: "archive", file: path, form: "oci", isFormSaid: false }, path, searching);
  return { main: await locateModule(path, searching.library, searching.kind), others: [] };
}

/** The id in a text that speaks of a version the builder does not have. */
function knownId(text: string, builder: readonly Coordinates[]): string | undefined {
  const id = text.slice(0, text.indexOf("@"));
  return builder.some((one) => one.id === id) ? id : undefined;
}

async function locatorOf(text: string, base: HostPath, builder: readonly Coordinates[] = []): Promise<Locator> {
  // What is written as a path is one, whether anything is there or not.
  if (/^\.{0,2}\//.test(text)) return { kind: "path", path: text };
  const exists = async (path: string) => (await stat(resolve(base, path)).catch(() => undefined)) !== undefined;
  try {
    return await parseLocator(text, { exists, builder });
  } catch (error) {
    const id = error instanceof Fault ? knownId(text, builder) : undefined;
    if (id === undefined) throw error;
    return { kind: "builder", id, version: text.slice(id.length + 1) };
  }
}

async function find(text: string, searching: Searching, isFirst: boolean): Promise<Finding> {
  const { base, builder, sources } = searching;
  if (text.startsWith("docker-daemon:"))
    return { kind: "located", located: await packageIn(await sources.image(text), text, searching) };
  if (imageForm.test(text))
    return { kind: "located", located: await packageAt(parseLocation(text, base), text, searching) };
  const locator = await locatorOf(text, base, builder);
  const located = async (): Promise<Located> => {
    switch (locator.kind) {
      case "path":
        return pathAt(hostPath(resolve(base, locator.path)), searching, isFirst);
      case "url":
        return pathAt(await sources.download(locator.url), searching, isFirst);
      case "image":
        return packageIn(await sources.image(locator.name), locator.name, searching);
      case "registry": {
        return registeredAt(locator.id, text, searching);
      }
      default:
        throw new RangeError(locator.kind);
    }
  };
  if (locator.kind === "builder" || locator.kind === "builder-order") return locator;
  return { kind: "located", located: await located() };
}

/**
 * What a locator leads to: a directory, an archive of one, a package as a file, directory or image, a URL, an id of the builder or of a registry.
 * Throws Fault `locator.parse`, and those of what it leads to.
 */
export function findModules(text: string, searching: Searching): Promise<Finding> {
  return find(text, searching, true);
}
