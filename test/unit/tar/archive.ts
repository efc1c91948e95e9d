import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Bytes, collect } from "../../../src/std/byte.ts";
import { type HostPath, hostPath } from "../../../src/std/path.ts";
import { removeTree } from "../../../src/std/remove.ts";
import { type EntryType, encodeHeader, type TarHeader } from "../../../src/tar/header.ts";
import type { ByteString } from "../../../src/tar/name.ts";
import { readTar } from "../../../src/tar/read.ts";

/** An entry of a test: its header as far as it matters, and its content. */
export interface Sketch extends Partial<Omit<TarHeader, "name" | "link" | "size" | "type">> {
  /** Bytes, one char each. */
  readonly name: string;
  readonly link?: string;
  readonly content?: string;
  /** A directory when the name ends with a slash, a symlink when there is a link, else a file. */
  readonly type?: EntryType;
}

/** The header a sketch stands for. */
export function headerOf({ name, link = "", content = "", type, ...rest }: Sketch): TarHeader {
  const guessed = name.endsWith("/") ? "directory" : link === "" ? "file" : "symlink";
  const kind = type ?? guessed;
  return {
    name: name as ByteString,
    type: kind,
    mode: kind === "directory" ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    size: content.length,
    mtime: 0,
    link: link as ByteString,
    devMajor: 0,
    devMinor: 0,
    ...rest,
  };
}

/** Content as it stands in an archive: filled up to whole blocks. */
export function blocks(content: string | Uint8Array): Buffer {
  const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : Buffer.from(content);
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** The mark of an archive's end. */
export const end = Buffer.alloc(1024);

/** A whole archive. */
export function archive(sketches: readonly Sketch[]): Buffer {
  const parts = sketches.flatMap((sketch) => [encodeHeader(headerOf(sketch)), blocks(sketch.content ?? "")]);
  return Buffer.concat([...parts, end]);
}

/** A block with some of its bytes changed and the checksum made right again. */
export function patched(block: Uint8Array, changes: Readonly<Record<number, string>>): Buffer {
  const copy = Buffer.from(block);
  for (const [offset, text] of Object.entries(changes)) copy.write(text, Number(offset), "latin1");
  copy.fill(0x20, 148, 156);
  const sum = copy.reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return copy;
}

/** An extension block of this type flag with its content, as it comes before an entry. */
export function extension(flag: string, content: string): Buffer {
  const block = encodeHeader(headerOf({ name: "extension", content }));
  return Buffer.concat([patched(block, { 156: flag }), blocks(content)]);
}

/** Every entry of an archive with its whole content. */
export async function entriesOf(bytes: Bytes): Promise<{ header: TarHeader; content: string }[]> {
  const found = [];
  for await (const { header, content } of readTar(bytes))
    found.push({ header, content: (await collect(content)).toString("latin1") });
  return found;
}

/** The same bytes in pieces of `size`. */
export function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A directory of the test's own, gone after it. */
export function temporary(): HostPath {
  const path = hostPath(mkdtempSync(join(tmpdir(), "plinth-tar-")));
  onTestFinished(() => removeTree(path));
  return path;
}
