import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeHeader, type TarHeader } from "../../../src/tar/header.ts";
import { type ByteString, byteString } from "../../../src/tar/name.ts";

const end = Buffer.alloc(1024);
const file: TarHeader = {
  name: byteString(""),
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 315532801,
  link: byteString(""),
  devMajor: 0,
  devMinor: 0,
};
const directory: TarHeader = { ...file, type: "directory", mode: 0o755 };
const link: TarHeader = { ...file, type: "symlink", mode: 0o777, name: byteString("/l") };
const named = (name: string): TarHeader => ({ ...file, name: byteString(name) });
const p = (count: number) => `/${"p".repeat(count)}`;

/** The inputs behind the vectors, in their order; `tail` is what follows the header. */
const inputs: { readonly header: TarHeader; readonly tail?: Buffer }[] = [
  { header: { ...directory, name: byteString("/layers"), uid: 1000, gid: 1000 } },
  {
    header: { ...named("/layers/a/f"), uid: 1000, gid: 1000, size: 3 },
    tail: Buffer.concat([Buffer.from("abc"), Buffer.alloc(509), end]),
  },
  {
    header: {
      ...link,
      name: byteString("/cnb/process/web"),
      mode: 0o755,
      link: byteString("/cnb/lifecycle/launcher"),
    },
  },
  { header: named(`/${"a".repeat(99)}`) },
  { header: named(`/${"a".repeat(100)}`) },
  { header: named(`${p(100)}/${"b".repeat(100)}`) },
  { header: named(`${p(154)}/${"b".repeat(50)}`) },
  { header: named(`${p(155)}/${"b".repeat(50)}`) },
  { header: named(`/d/${"x".repeat(90)}/${"b".repeat(101)}`) },
  { header: named("/a/é") },
  { header: { ...file, name: "/a/\u00ff\u00fe" as ByteString } },
  { header: { ...directory, name: byteString("/a/dé") } },
  { header: { ...named("/big-uid"), uid: 0o7777777 } },
  { header: { ...named("/big-uid"), uid: 0o10000000 } },
  { header: { ...link, link: byteString("t".repeat(100)) } },
  { header: { ...link, link: byteString("é") } },
  { header: { ...link, link: byteString("d/".repeat(60)) } },
  { header: { ...named("/dev/null"), type: "char", mode: 0o666, devMajor: 1, devMinor: 3 } },
  { header: { ...named("/huge"), size: 2 ** 33 }, tail: Buffer.alloc(0) },
  { header: { ...named("/neg"), uid: -1 } },
];

const text = readFileSync(new URL("../vectors/tar-header-vectors.txt", import.meta.url), "latin1");
const vectors = [...text.matchAll(/^(\d) (\S+) +len=(\d+) sha256=([0-9a-f]{64})$/gm)].map(
  ([, flag, name, length, sha256]) => ({ title: `${flag} ${name}`, length: Number(length), sha256 }),
);

describe("archives of Go's archive/tar", () => {
  it("has an input for every vector", () => {
    expect(vectors.length).toBe(inputs.length);
  });

  it.each(vectors.map((vector, index) => ({ ...vector, index })))("$title ($length bytes)", (vector) => {
    const { header, tail = end } = inputs[vector.index]!;
    const archive = Buffer.concat([encodeHeader(header), tail]);
    expect(archive.length).toBe(vector.length);
    expect(createHash("sha256").update(archive).digest("hex")).toBe(vector.sha256);
  });
});
