import { posix } from "node:path";
import { Fault } from "../std/fault.ts";
import { type ByteString, shown } from "./name.ts";
import { encodeRecord, maxExtension } from "./pax.ts";

/** What an entry is. */
export type EntryType = "file" | "directory" | "symlink" | "hardlink" | "char" | "block" | "fifo";

/** One entry of an archive. */
export interface TarHeader {
  /** As it stands in the archive: layers of the lifecycle begin with a slash and directories do not end with one. */
  readonly name: ByteString;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky; no file type bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Length of the content in bytes; 0 unless `type` is file. */
  readonly size: number;
  /** Seconds since 1970, whole; negative for earlier. */
  readonly mtime: number;
  /** What a symlink or hardlink points to; empty for everything else. */
  readonly link: ByteString;
  readonly uname?: ByteString;
  readonly gname?: ByteString;
  readonly devMajor: number;
  readonly devMinor: number;
  /** Extended attributes by name, as byte strings: known of an entry that was read, not written with it. */
  readonly attributes?: ReadonlyMap<string, string>;
}

/** The length of everything in a tar is a multiple of this many bytes. */
export const blockSize = 512;

const flags: Record<EntryType, string> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  char: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

const ascii = /^[\u0001-\u007f]*$/;

function asciiOf(text: string): string {
  return text.replace(/[^\u0001-\u007f]+/g, "");
}

function fitsOctal(value: number, width: number): boolean {
  return value >= 0 && value < 8 ** (width - 1);
}

function writeText(block: Buffer, offset: number, width: number, text: string): void {
  block.write(text, offset, width, "latin1");
  if (text.length <= width || text[width - 1] !== "/") return;
  // Go ends a cut name before a slash, lest old readers take a file for a directory; it overwrites one byte only.
  const kept = text.slice(0, width - 1).replace(/\/+$/, "");
  block[offset + kept.length] = 0;
}

function writeOctal(block: Buffer, offset: number, width: number, value: number): void {
  const digits = (fitsOctal(value, width) ? value : 0).toString(8).padStart(width - 1, "0");
  block.write(digits, offset, width - 1, "latin1");
}

function finish(block: Buffer): Buffer {
  block.write("ustar\u000000", 257, 8, "latin1");
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (let i = 0; i < blockSize; i++) sum += block[i]!;
  block.write(sum.toString(8).padStart(6, "0"), 148, 6, "latin1");
  block[154] = 0;
  return block;
}

function encodeBlock(header: TarHeader, name: string, prefix: string, link: string): Buffer {
  const block = Buffer.alloc(blockSize);
  writeText(block, 0, 100, name);
  writeOctal(block, 100, 8, header.mode);
  writeOctal(block, 108, 8, header.uid);
  writeOctal(block, 116, 8, header.gid);
  writeOctal(block, 124, 12, header.size);
  writeOctal(block, 136, 12, header.mtime);
  block.write(flags[header.type], 156, 1, "latin1");
  writeText(block, 157, 100, link);
  writeText(block, 265, 32, asciiOf(header.uname ?? ""));
  writeText(block, 297, 32, asciiOf(header.gname ?? ""));
  writeOctal(block, 329, 8, header.devMajor);
  writeOctal(block, 337, 8, header.devMinor);
  block.write(prefix, 345, 155, "latin1");
  return finish(block);
}

/** The name in two parts for the prefix and the name field; undefined when it cannot be cut so. */
function splitName(name: string): { prefix: string; suffix: string } | undefined {
  const length = name.length <= 156 && name.endsWith("/") ? name.length - 1 : Math.min(name.length, 156);
  const slash = name.lastIndexOf("/", length - 1);
  const suffix = name.slice(slash + 1);
  if (slash <= 0 || suffix.length === 0 || suffix.length > 100) return undefined;
  return { prefix: name.slice(0, slash), suffix };
}

/** The PAX records of what has no room in a USTAR block, in byte order of their keys. */
function recordsOf(header: TarHeader): string {
  const text = (key: string, value: string, width: number) =>
    ascii.test(value) && value.length <= width ? "" : encodeRecord(key, value);
  const number = (key: string, value: number, width: number) =>
    fitsOctal(value, width) ? "" : encodeRecord(key, String(value));
  return (
    number("gid", header.gid, 8) +
    text("gname", header.gname ?? "", 32) +
    text("linkpath", header.link, 100) +
    number("mtime", header.mtime, 12) +
    text("path", header.name, 100) +
    number("size", header.size, 12) +
    number("uid", header.uid, 8) +
    text("uname", header.uname ?? "", 32)
  );
}

function isUstar(header: TarHeader): boolean {
  const { uname = "", gname = "" } = header;
  return (
    header.link.length <= 100 &&
    uname.length <= 32 &&
    gname.length <= 32 &&
    ascii.test(header.name) &&
    ascii.test(header.link) &&
    ascii.test(uname) &&
    ascii.test(gname) &&
    fitsOctal(header.uid, 8) &&
    fitsOctal(header.gid, 8) &&
    fitsOctal(header.size, 12) &&
    fitsOctal(header.mtime, 12)
  );
}

function encodeExtension(name: string, records: string): Buffer {
  if (records.length > maxExtension) refuse(name, `its name is ${records.length} bytes long`);
  const slash = name.lastIndexOf("/") + 1;
  const joined = posix.join(name.slice(0, slash), "PaxHeaders.0", name.slice(slash));
  const shown = asciiOf(joined).slice(0, 100).replace(/\/+$/, "");
  const padded = Math.ceil(records.length / blockSize) * blockSize;
  const bytes = Buffer.alloc(blockSize + padded);
  const block = bytes.subarray(0, blockSize);
  writeText(block, 0, 100, shown);
  for (const offset of [100, 108, 116]) writeOctal(block, offset, 8, 0);
  writeOctal(block, 124, 12, records.length);
  writeOctal(block, 136, 12, 0);
  block.write("x", 156, 1, "latin1");
  finish(block);
  bytes.write(records, blockSize, "latin1");
  return bytes;
}

function refuse(name: string, found: string): never {
  throw new Fault("tar.header", `Cannot write archive entry "${shown(name)}": ${found}`);
}

function check(header: TarHeader): void {
  const { name, link, uname = "", gname = "", mode, uid, gid, size, mtime, devMajor, devMinor } = header;
  if (`${name}${link}${uname}${gname}`.includes("\0")) refuse(name, "a name contains a NUL byte");
  if (![mode, uid, gid, size, mtime, devMajor, devMinor].every(Number.isSafeInteger))
    refuse(name, "a number is not a whole number");
  if (size < 0) refuse(name, `its size is ${size}`);
  if (![mode, devMajor, devMinor].every((value) => fitsOctal(value, 8)))
    refuse(name, "its mode or device number has no room in a tar header");
  if (name.endsWith("/") && ["file", "char", "block", "fifo"].includes(header.type))
    refuse(name, "only a directory may end with a slash");
}

/**
 * The header of one entry, byte for byte as Go's archive/tar writes it: one USTAR block when everything fits, else a
 * PAX extension before it, which begins with the records of `more`. Its length is a multiple of 512. Throws Fault
 * `tar.header` for what a tar cannot hold.
 */
export function encodeHeader(header: TarHeader, more = ""): Buffer {
  check(header);
  if (more === "" && isUstar(header)) {
    if (header.name.length <= 100) return encodeBlock(header, header.name, "", header.link);
    const split = splitName(header.name);
    if (split !== undefined) return encodeBlock(header, split.suffix, split.prefix, header.link);
  }
  const block = encodeBlock(header, asciiOf(header.name), "", asciiOf(header.link));
  return Buffer.concat([encodeExtension(header.name, more + recordsOf(header)), block]);
}

/** How many bytes `encodeHeader` takes. */
export function headerLength(header: TarHeader): number {
  return isUstar(header) && header.name.length <= 100 ? blockSize : encodeHeader(header).length;
}
