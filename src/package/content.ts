import { escapedId } from "../cnb/buildpack.ts";
import type { HostPath } from "../std/path.ts";
import { layerHeader, layerItem } from "../tar/entry.ts";
import { type ByteString, byteString } from "../tar/name.ts";
import { walkTree } from "../tar/walk.ts";
import type { TarItem } from "../tar/write.ts";
import type { Part } from "./part.ts";

const root = { uid: 0, gid: 0 };
const scripts = new Set(["bin/build", "bin/detect", "bin/generate"]);

/** Where modules of a kind stand in an image. */
export const moduleFolder = { buildpack: "/cnb/buildpacks", extension: "/cnb/extensions" } as const;

/** The directory of a module's versions, and the one of this version (Distribution spec, "Buildpackage"). */
export function modulePlace({ descriptor }: Part): { readonly id: string; readonly version: string } {
  const id = `${moduleFolder[descriptor.kind]}/${escapedId(descriptor.info.id)}`;
  return { id, version: `${id}/${descriptor.info.version}` };
}

/** Modes say one thing only, whether something can be executed: umask and platform make no difference. */
function modeOf(path: string, { header }: TarItem): number {
  if (header.type === "directory") return 0o755;
  return scripts.has(path) || (header.mode & 0o111) !== 0 ? 0o755 : 0o644;
}

/** Whether the clone a module is packaged from would get into it: it differs with every clone. */
function isClone(path: string): boolean {
  return path === ".git" || path.startsWith(".git/");
}

/**
 * What stands in a layer for a module in a directory, its own two directories first, as pack lays it out: owned by root, of the time of layers, in
 * the order of names.
 */
export async function* directoryItems(
  part: Part,
  {
    root: directory,
    descriptor,
  }: { readonly root: HostPath; readonly descriptor: { readonly name: string; readonly text: string } },
  signal?: AbortSignal,
): AsyncGenerator<TarItem> {
  const place = modulePlace(part);
  yield { header: layerHeader(place.id, "directory", 0o755, root) };
  yield { header: layerHeader(place.version, "directory", 0o755, root) };
  const bytes = Buffer.from(descriptor.text);
  const own: TarItem = {
    header: { ...layerHeader(`${place.version}/${descriptor.name}`, "file", 0o644, root), size: bytes.length },
    content: bytes,
  };
  let isDue = true;
  const base = byteString(directory);
  for await (const { path, stats } of walkTree(directory, signal)) {
    if (path === "" || path === descriptor.name || isClone(path)) continue;
    if (isDue && path.split("/", 1)[0]! > descriptor.name) {
      yield own;
      isDue = false;
    }
    const name = `${byteString(place.version)}/${path}` as ByteString;
    const item = layerItem(`${base}/${path}` as ByteString, name, stats, root);
    if (item === undefined) continue;
    yield { ...item, header: { ...item.header, mode: modeOf(path, item) } };
  }
  if (isDue) yield own;
}
