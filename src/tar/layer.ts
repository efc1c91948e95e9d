import { statSync } from "node:fs";
import type { ByteStream } from "../std/byte.ts";
import { Fault } from "../std/fault.ts";
import type { GuestPath, HostPath, Place } from "../std/path.ts";
import { layerHeader, layerItem, type Owner, type ParentDirectory } from "./entry.ts";
import { unreadable } from "./fault.ts";
import { type ByteString, byteString } from "./name.ts";
import { planSlices, type SlicePath } from "./slice.ts";
import { walkTree } from "./walk.ts";
import { type TarItem, writeTar } from "./write.ts";

/**
 * A layer as an uncompressed tar: the same bytes each time it is opened, as long as the files behind it stay the same.
 */
export interface LayerTar {
  /**
   * The bytes in pieces of 1 MiB. Throws Fault `tar.read` or `tar.changed`, and the signal's reason once it is aborted.
   */
  open(signal?: AbortSignal): ByteStream;
  /** The same bytes for who is done with a piece before the next one is asked for: it costs no memory for each. */
  lend(signal?: AbortSignal): ByteStream;
}

function tarOf(items: (signal?: AbortSignal) => AsyncIterable<TarItem> | Iterable<TarItem>): LayerTar {
  return {
    open: (signal) => writeTar(items(signal), { signal }),
    lend: (signal) => writeTar(items(signal), { signal, lends: true }),
  };
}

const root: Owner = { uid: 0, gid: 0 };
const launcherPath = "/cnb/lifecycle/launcher";

/** The entries of the directories above a layer's own. */
export function directories(parents: readonly ParentDirectory[]): TarItem[] {
  return parents.map((parent) => ({ header: layerHeader(parent.path, "directory", parent.mode, parent) }));
}

/** What a path below a directory is called in its layer. */
export function nameIn(guest: GuestPath, path: string): ByteString {
  const base = guest === "/" ? "" : byteString(guest);
  return (path === "" ? byteString(guest) : `${base}/${path}`) as ByteString;
}

/** Where a path below a directory is on this machine. */
export function fileIn(host: HostPath, path: string): ByteString {
  return (path === "" ? byteString(host) : `${byteString(host)}/${path}`) as ByteString;
}

/** A directory and all in it, in walk order, every entry owned by `owner`; sockets are left out. */
export async function* directoryItems(place: Place, owner: Owner, signal?: AbortSignal): AsyncGenerator<TarItem> {
  for await (const { path, stats } of walkTree(place.host, signal)) {
    const item = layerItem(fileIn(place.host, path), nameIn(place.guest, path), stats, owner);
    if (item !== undefined) yield item;
  }
}

/**
 * A directory and all in it, in walk order, every entry owned by `owner`; before it `parents` (outermost first) with
 * owners and modes of their own. Sockets are left out.
 */
export function directoryLayer(layer: {
  readonly place: Place;
  readonly parents: readonly ParentDirectory[];
  readonly owner: Owner;
}): LayerTar {
  const { place, parents, owner } = layer;
  async function* items(signal?: AbortSignal): AsyncGenerator<TarItem> {
    yield* directories(parents);
    yield* directoryItems(place, owner, signal);
  }
  return tarOf(items);
}

/** The layer that holds the program behind every process: `/cnb/lifecycle/launcher`, mode 0755, owned by root. */
export function launcherLayer(launcher: Uint8Array | HostPath): LayerTar {
  function* items(): Generator<TarItem> {
    yield { header: layerHeader("/cnb", "directory", 0o755, root) };
    yield { header: layerHeader("/cnb/lifecycle", "directory", 0o755, root) };
    const header = layerHeader(launcherPath, "file", 0o755, root);
    if (typeof launcher !== "string") yield { header: { ...header, size: launcher.length }, content: launcher };
    else yield { header: { ...header, size: sizeOf(launcher) }, content: { file: byteString(launcher), follow: true } };
  }
  return tarOf(items);
}

function sizeOf(file: HostPath): number {
  try {
    return statSync(file).size;
  } catch (error) {
    throw unreadable(byteString(file), error);
  }
}

function checkProcessType(type: string): void {
  const refuse = (found: string) =>
    new Fault("process.type", `Cannot add process type ${JSON.stringify(type)} to the image: ${found}`, {
      exit: "export",
    });
  if (type === "") throw refuse("a type is required for all processes");
  const bad = /[/><:|&\\\0]/.exec(type)?.[0];
  if (bad !== undefined) throw refuse(`${JSON.stringify(bad)} has no place in the name of a program`);
}

/**
 * The layer of `/cnb/process/<type>`, one symbolic link to the launcher for each type, in the order given. Throws Fault
 * `process.type` for an empty type and for one that holds any of `/ > < : | & \`.
 */
export function processTypesLayer(types: readonly string[]): LayerTar {
  types.forEach(checkProcessType);
  const items: TarItem[] = [
    { header: layerHeader("/cnb", "directory", 0o755, root) },
    { header: layerHeader("/cnb/process", "directory", 0o755, root) },
    ...types.map((type) => ({ header: layerHeader(`/cnb/process/${type}`, "symlink", 0o755, root, launcherPath) })),
  ];
  return tarOf(() => items);
}

/**
 * The app directory as one layer for each slice and one for the rest, the same as `planSlices` deals it out. A layer
 * without files is an empty archive; `parents` (none unless said) stand in every other one.
 */
export async function appLayers(
  app: {
    readonly place: Place;
    readonly slices: readonly (readonly string[])[];
    readonly owner: Owner;
    readonly parents?: readonly ParentDirectory[];
  },
  signal?: AbortSignal,
): Promise<LayerTar[]> {
  const { place, slices, owner, parents = [] } = app;
  const tree: SlicePath[] = [];
  const items = new Map<ByteString, TarItem>();
  for await (const { path, stats } of walkTree(place.host, signal)) {
    tree.push({ path, isDirectory: stats.isDirectory() });
    const item = layerItem(fileIn(place.host, path), nameIn(place.guest, path), stats, owner);
    if (item !== undefined) items.set(path, item);
  }
  return planSlices(tree, slices).map((paths) => {
    const above = paths.length === 0 ? [] : directories(parents);
    const own = paths.map((path) => items.get(path)).filter((item) => item !== undefined);
    return tarOf(() => [...above, ...own]);
  });
}
