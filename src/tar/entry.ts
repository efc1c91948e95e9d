import { constants, readlinkSync } from "node:fs";
import type { GuestPath } from "../std/path.ts";
import { unreadable } from "./fault.ts";
import type { EntryType, TarHeader } from "./header.ts";
import { type ByteString, byteString, systemPath } from "./name.ts";
import type { TarItem } from "./write.ts";

/** Who owns the entries of a layer. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A directory above a layer's own: it stands in the layer with this owner and these permission bits. */
export interface ParentDirectory extends Owner {
  readonly path: GuestPath;
  readonly mode: number;
}

/** The time of every entry: 1980-01-01T00:00:01Z, in seconds since 1970. */
export const layerTime = 315_532_801;

/** A header with the time of layers; `name` is a text, `link` too. */
export function layerHeader(name: string, type: EntryType, mode: number, owner: Owner, link = ""): TarHeader {
  const { uid, gid } = owner;
  return {
    name: byteString(name),
    type,
    mode,
    uid,
    gid,
    size: 0,
    mtime: layerTime,
    link: byteString(link),
    devMajor: 0,
    devMinor: 0,
  };
}

/** What of a file's status matters for its entry. */
export interface Status {
  readonly mode: number;
  readonly size: number;
  readonly rdev: number;
}

const types: Readonly<Record<number, EntryType>> = {
  [constants.S_IFREG]: "file",
  [constants.S_IFDIR]: "directory",
  [constants.S_IFLNK]: "symlink",
  [constants.S_IFCHR]: "char",
  [constants.S_IFBLK]: "block",
  [constants.S_IFIFO]: "fifo",
};

/** Linux keeps both numbers of a device in one. */
function deviceOf(stats: Status): { devMajor: number; devMinor: number } {
  const number = BigInt(stats.rdev);
  return {
    devMajor: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n)),
    devMinor: Number((number & 0xffn) | ((number >> 12n) & 0xffffff00n)),
  };
}

function linkOf(file: string): ByteString {
  try {
    return readlinkSync(systemPath(file), "latin1") as ByteString;
  } catch (error) {
    throw unreadable(file, error);
  }
}

/**
 * The header of what stands for a file in a layer (links not followed, hard links as files of their own); undefined for a socket, which has no place
 * in one. `link` is what a symbolic link leads to.
 */
export function statusHeader(
  name: ByteString,
  stats: Status,
  owner: Owner,
  link: () => ByteString,
): TarHeader | undefined {
  const type = types[stats.mode & constants.S_IFMT];
  if (type === undefined) return undefined;
  return {
    name,
    type,
    // Linux gives every symbolic link this mode; other systems do not, and the bytes must be the same.
    mode: type === "symlink" ? 0o777 : stats.mode & 0o7777,
    uid: owner.uid,
    gid: owner.gid,
    size: type === "file" ? stats.size : 0,
    mtime: layerTime,
    link: type === "symlink" ? link() : ("" as ByteString),
    ...(type === "char" || type === "block" ? deviceOf(stats) : { devMajor: 0, devMinor: 0 }),
  };
}

/** What stands for a file in a layer; `file` is where it is on this machine, `name` what it is called in the layer. */
export function layerItem(file: ByteString, name: ByteString, stats: Status, owner: Owner): TarItem | undefined {
  const header = statusHeader(name, stats, owner, () => linkOf(file));
  return header?.type === "file" ? { header, content: { file } } : header && { header };
}
