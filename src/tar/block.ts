import { corrupt } from "./fault.ts";
import type { EntryType, TarHeader } from "./header.ts";
import type { ByteString } from "./name.ts";

/** A header block as it stands, before PAX records and long names apply. */
export interface RawHeader extends Omit<TarHeader, "type"> {
  /** The type flag; `x`, `g`, `L` and `K` announce extensions of the next entry. */
  readonly flag: string;
}

const types: Record<string, EntryType> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "directory",
  "6": "fifo",
};

/**
 * What a type flag stands for; undefined for kinds we do not know. A file of the oldest tars that ends with a slash is
 * a directory.
 */
export function typeOf(flag: string, name: string): EntryType | undefined {
  return flag === "\0" && name.endsWith("/") ? "directory" : types[flag];
}

/** The bytes of a field up to its first NUL. */
function textAt(block: Buffer, offset: number, width: number): ByteString {
  const text = block.toString("latin1", offset, offset + width);
  const end = text.indexOf("\0");
  return (end < 0 ? text : text.slice(0, end)) as ByteString;
}

/** GNU's form of a number that octal digits cannot hold: the first bit set, then two's complement. */
function binaryAt(block: Buffer, offset: number, width: number): number {
  let value = BigInt(block[offset]! & 0x3f) - BigInt(block[offset]! & 0x40);
  for (let i = 1; i < width; i++) value = value * 256n + BigInt(block[offset + i]!);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw corrupt(`the number ${value} in a header is too large`);
  return number;
}

/** Octal digits between spaces and NULs, or GNU's form; an empty field is 0. */
function numberAt(block: Buffer, offset: number, width: number): number {
  if (block[offset]! >= 0x80) return binaryAt(block, offset, width);
  let value = 0;
  let started = false;
  for (let i = offset; i < offset + width; i++) {
    const byte = block[i]!;
    const blank = byte === 0x20 || byte === 0;
    if (blank && started) break;
    if (blank) continue;
    if (byte < 0x30 || byte > 0x37) throw corrupt("a number in a header is not octal");
    value = value * 8 + byte - 0x30;
    started = true;
  }
  return value;
}

function isChecked(block: Buffer): boolean {
  const expected = numberAt(block, 148, 8);
  let unsigned = 256;
  let signed = 256;
  for (let i = 0; i < 512; i++) {
    if (i === 148) i = 156;
    const byte = block[i]!;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  return expected === unsigned || expected === signed;
}

/** Whether all 512 bytes are zero: the mark of an archive's end. */
export function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

/** One block of 512 bytes to its fields: USTAR, PAX, GNU, star and the form before them. Throws Fault `tar.corrupt`. */
export function decodeBlock(block: Buffer): RawHeader {
  if (!isChecked(block)) throw corrupt("the checksum of a header is wrong");
  const magic = block.toString("latin1", 257, 265);
  const modern = magic.startsWith("ustar");
  // GNU tar keeps times where USTAR has the prefix; star shortens it and says so at the end.
  const star = block.toString("latin1", 508, 512) === "tar\0";
  const prefix = magic.startsWith("ustar\0") ? textAt(block, 345, star ? 131 : 155) : "";
  const name = textAt(block, 0, 100);
  const uname = modern ? textAt(block, 265, 32) : "";
  const gname = modern ? textAt(block, 297, 32) : "";
  return {
    flag: block.toString("latin1", 156, 157),
    name: (prefix === "" ? name : `${prefix}/${name}`) as ByteString,
    mode: numberAt(block, 100, 8) & 0o7777,
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    size: numberAt(block, 124, 12),
    mtime: numberAt(block, 136, 12),
    link: textAt(block, 157, 100),
    ...(uname !== "" && { uname: uname as ByteString }),
    ...(gname !== "" && { gname: gname as ByteString }),
    devMajor: modern ? numberAt(block, 329, 8) : 0,
    devMinor: modern ? numberAt(block, 337, 8) : 0,
  };
}
