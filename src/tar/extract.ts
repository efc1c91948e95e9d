import { symlinkSync } from "node:fs";
import type { Bytes } from "../std/byte.ts";
import type { Place } from "../std/path.ts";
import { escaping, unsupported, unwritable } from "./fault.ts";
import { byteString, systemPath } from "./name.ts";
import { putFile, writing } from "./put.ts";
import { readTar, type TarEntry } from "./read.ts";
import { statOf } from "./remove.ts";
import { HostTree, partsOf } from "./tree.ts";
import { turns } from "./turn.ts";

/** The parts of a name below those of `base`; "above" on the way to it, undefined for anywhere else. */
function partsBelow(parts: readonly string[], base: readonly string[]): readonly string[] | "above" | undefined {
  const shared = Math.min(parts.length, base.length);
  if (!base.slice(0, shared).every((part, index) => part === parts[index])) return undefined;
  return parts.length < base.length ? "above" : parts.slice(base.length);
}

function existing(name: string): never {
  throw unwritable(name, Object.assign(new Error(), { code: "EEXIST" }));
}

async function extractEntry(
  tree: HostTree,
  parts: readonly string[],
  entry: TarEntry,
  pause: () => Promise<void> | undefined,
): Promise<void> {
  const { name, type, mode, link } = entry.header;
  const last = parts.at(-1);
  if (last === undefined && type !== "directory") throw escaping(name, "it would take the place of the whole layer");
  const above = () => tree.directoryAt(parts.slice(0, -1), name);
  const path = last === undefined ? tree.root : `${writing(name, above)}/${last}`;
  if (type === "file") {
    const clear = () => (statOf(path)?.isDirectory() ? existing(name) : tree.remove(path));
    await putFile(path, entry, { owner: false, time: false }, clear, pause);
  } else if (type === "symlink") writing(name, () => symlinkSync(systemPath(link), systemPath(path)));
  else if (type !== "directory") throw unsupported(name, `a ${type} has no place in the layer of a buildpack`);
  else if (!writing(name, () => tree.makeDirectory(path))) existing(name);
  else if (tree.isNew(path)) writing(name, () => tree.setMode(path, mode));
}

/**
 * Restores the layer a tar holds: every entry at or below `at.guest` appears below `at.host`, with its exact mode,
 * owned by whoever runs this. Directories that are there already stay as they are, files are replaced, a symbolic link
 * stands in nobody's way. Directories above `at.guest` are passed over; any other entry, a way that leads over a link,
 * and a hard link, pipe or device is a Fault (`tar.escape`, `tar.unsupported`). After a Fault what has been written
 * stays: remove `at.host`.
 */
export async function extractTar(
  bytes: Bytes,
  at: Place,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const pause = turns(options.signal);
  const base = partsOf(byteString(at.guest));
  const tree = writing(byteString(at.host), () => new HostTree(at.host, "refuse"));
  try {
    for await (const entry of readTar(bytes)) {
      const wait = pause();
      if (wait !== undefined) await wait;
      const parts = partsBelow(partsOf(entry.header.name), base);
      if (parts === undefined || (parts === "above" && entry.header.type !== "directory"))
        throw escaping(entry.header.name, `it lies outside of ${at.guest}`);
      if (parts !== "above") await extractEntry(tree, parts, entry, pause);
    }
  } finally {
    writing(byteString(at.host), () => tree.close());
  }
}
