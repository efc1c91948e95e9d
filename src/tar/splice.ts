import type { ByteStream } from "../std/byte.ts";
import type { Place } from "../std/path.ts";
import { layerItem, type Owner, type ParentDirectory, statusHeader } from "./entry.ts";
import { truncated } from "./fault.ts";
import { blockSize, encodeHeader, headerLength, type TarHeader } from "./header.ts";
import { directories, fileIn, type LayerTar, nameIn } from "./layer.ts";
import { isDirectory, isFile, isLink, type Listed, type TreeList, visitList } from "./list.ts";
import type { ByteString } from "./name.ts";
import { ByteSource } from "./source.ts";
import { writeTar } from "./write.ts";

/** A tree and the layer's place in which it stands, with what stands above. */
export interface Framed {
  readonly place: Place;
  readonly parents: readonly ParentDirectory[];
  readonly owner: Owner;
}

/** Bytes of the former archive, or an entry made anew. */
type Piece = { readonly from: number; readonly to: number } | { readonly entry: Listed };

/** The mode that the layer has for the directory itself, which may not be the one it has on this machine. */
const rootMode = 0o040755;

function headerOf(entry: Listed, { place, owner }: Framed): TarHeader | undefined {
  const status = entry.path === "" ? { ...entry, mode: rootMode } : entry;
  return statusHeader(nameIn(place.guest, entry.path), status, owner, () => entry.target!);
}

function padded(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}

/** Whether both stand for the same entry with the same content, given that the former one was older than the moment it was looked at. */
function isSame(entry: Listed, former: Listed): boolean {
  if (entry.path === "") return true;
  if (entry.mode !== former.mode) return false;
  if (isFile(entry))
    return (
      entry.size === former.size &&
      entry.mtimeMs === former.mtimeMs &&
      entry.ctimeMs === former.ctimeMs &&
      entry.ino === former.ino
    );
  return isDirectory(entry) || (isLink(entry) && entry.target === former.target);
}

interface FormerEntry extends Listed {
  readonly from: number;
  readonly to: number;
}

/** The entries of a list by the bytes of their paths, as the layers of an app have them. */
function sorted(list: TreeList): Listed[] {
  const entries: Listed[] = [];
  visitList(list, (entry) => entries.push({ ...entry }));
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Where the entries of the archive made from a list are in it, by path; `end` is where the last one ends. */
function entriesOf(list: TreeList, framed: Framed, begin: number) {
  const entries = new Map<ByteString, FormerEntry>();
  let end = begin;
  for (const entry of sorted(list)) {
    const header = headerOf(entry, framed);
    if (header === undefined) continue;
    const from = end;
    end += headerLength(header) + padded(header.size);
    entries.set(entry.path, { ...entry, from, to: end });
  }
  return { entries, end };
}

/** What the archive of `now` is put together from, given the one of `former`; undefined when that one does not have `size` bytes. */
function plan(former: TreeList, size: number, now: TreeList, framed: Framed): Piece[] | undefined {
  const begin = directories(framed.parents).reduce((sum, { header }) => sum + encodeHeader(header).length, 0);
  const { entries, end } = entriesOf(former, framed, begin);
  if (end + 2 * blockSize !== size) return undefined;
  const pieces: Piece[] = [];
  let range = { from: 0, to: begin };
  const take = (from: number, to: number) => {
    if (from === range.to) range.to = to;
    else {
      if (range.to > range.from) pieces.push(range);
      range = { from, to };
    }
  };
  for (const entry of sorted(now)) {
    const found = entries.get(entry.path);
    if (found !== undefined && isSame(entry, found)) take(found.from, found.to);
    else {
      pieces.push(range, { entry });
      range = { from: range.to, to: range.to };
    }
  }
  take(end, size);
  return [...pieces, range].filter((piece) => "entry" in piece || piece.to > piece.from);
}

/** A layer made from the one before and from what is new in its tree. */
export interface Spliced {
  readonly tar: LayerTar;
  /** What is made anew. */
  readonly fresh: readonly Listed[];
}

/**
 * The one layer of an app as `appLayers` makes it, the mode of its directory taken for 0755, of which the files that are in `now` what they were in `former` are read from
 * the layer that was made then. `open` gives that layer's bytes; what it throws, also at the end, makes all of the new one worthless. Undefined when they do not belong
 * together.
 */
export function spliceLayer(
  former: { readonly list: TreeList; readonly size: number; open(): ByteStream },
  now: TreeList,
  framed: Framed,
): Spliced | undefined {
  const pieces = plan(former.list, former.size, now, framed);
  if (pieces === undefined) return undefined;
  const { place, owner } = framed;
  const itemOf = (entry: Listed) =>
    layerItem(fileIn(place.host, entry.path), nameIn(place.guest, entry.path), entry, owner);
  const write = async function* (signal: AbortSignal | undefined, lends: boolean): ByteStream {
    const source = new ByteSource(former.open(), truncated);
    try {
      for (const piece of pieces) {
        signal?.throwIfAborted();
        if ("entry" in piece) {
          const item = itemOf(piece.entry);
          if (item !== undefined) yield* writeTar([item], { signal, lends, goesOn: true });
        } else {
          await source.skip(piece.from - source.position);
          yield* source.pieces(piece.to - piece.from);
        }
      }
      await source.drain();
    } finally {
      await source.close();
    }
  };
  return {
    tar: { open: (signal) => write(signal, false), lend: (signal) => write(signal, true) },
    fresh: pieces.flatMap((piece) => ("entry" in piece ? [piece.entry] : [])),
  };
}
