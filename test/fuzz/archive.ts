import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { guestPath, hostPath } from "../../src/std/path.ts";
import { removeTree } from "../../src/std/remove.ts";
import { extractTar } from "../../src/tar/extract.ts";
import { decompress, sniffCompression } from "../../src/tar/gzip.ts";
import { encodeHeader } from "../../src/tar/header.ts";
import type { ByteString } from "../../src/tar/name.ts";
import { readTar } from "../../src/tar/read.ts";
import { unpackTar } from "../../src/tar/unpack.ts";
import type { Chance } from "../support/chance.ts";
import type { FuzzTarget } from "../support/fuzz.ts";

const blockSize = 512;
const checksumAt = 148;

/** The archive with the checksum of everything that looks like a header made right. */
function withChecksums(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = 0; at + blockSize <= copy.length; at += blockSize) {
    const block = copy.subarray(at, at + blockSize);
    if (block.toString("latin1", 257, 262) !== "ustar") continue;
    block.fill(0x20, checksumAt, checksumAt + 8);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, "0")}\0 `, checksumAt, "latin1");
  }
  return copy;
}

const names = [
  "a",
  "a/b",
  "a/b/c",
  "d",
  "l",
  "l/x",
  "../out",
  "/abs",
  "a/../../out",
  "l/../..",
  ".",
  "..",
  "",
  "a//b",
  ".wh.a",
  "a/.wh..wh..opq",
  ".wh.",
  ".wh...",
  "\xff\xfe",
  "A",
  "n".repeat(300),
  "layers/x/y",
  "layers/x/y/l",
  "layers",
  "layers/x",
];
const links = ["a", "..", "/", "../../..", "l", "", "a/b", "/etc", "../out", "\xff", "x".repeat(200), "layers/x/y/l"];
const types = ["file", "directory", "symlink", "hardlink", "char", "block", "fifo"] as const;

function entry(chance: Chance): Buffer {
  const type = chance.pick(types);
  const content = type === "file" ? Buffer.alloc(chance.below(700), "content ") : Buffer.alloc(0);
  const header = encodeHeader({
    name: chance.pick(names) as ByteString,
    type,
    mode: chance.below(0o10000),
    uid: chance.pick([0, 1000, 2 ** 31, 2 ** 40]),
    gid: 0,
    size: content.length,
    mtime: chance.pick([0, 315532801, 2 ** 40]),
    link: (type === "symlink" || type === "hardlink" ? chance.pick(links) : "") as ByteString,
    devMajor: chance.below(8),
    devMinor: chance.below(8),
  });
  const padding = Buffer.alloc((blockSize - (content.length % blockSize)) % blockSize);
  return Buffer.concat([header, content, padding]);
}

function inventTar(chance: Chance): Buffer {
  const entries = Array.from({ length: 1 + chance.below(8) }, () => entry(chance));
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}

const tarWords = [
  "ustar\0" + "00",
  "ustar  \0",
  "\x80\0\0\0\0\0\0\0\x7f\xff\xff\xff",
  "77777777777\0",
  "x",
  "g",
  "L",
  "K",
  "S",
  "30 path=../../out\n",
  "20 size=9999999999\n",
  "27 mtime=1.999999999999999\n",
  "\0".repeat(512),
];
const seed = Buffer.concat([
  encodeHeader({
    name: "a/b" as ByteString,
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 5,
    mtime: 1,
    link: "" as ByteString,
    devMajor: 0,
    devMinor: 0,
  }),
  Buffer.from("hello".padEnd(512, "\0")),
  encodeHeader({
    name: "\xe9".repeat(120) as ByteString,
    type: "symlink",
    mode: 0o777,
    uid: 2 ** 30,
    gid: 0,
    size: 0,
    mtime: 1,
    link: "\xe9/a" as ByteString,
    devMajor: 0,
    devMinor: 0,
  }),
  Buffer.alloc(1024),
]);

const base = { seeds: [seed], words: tarWords, repair: withChecksums, invent: (chance: Chance) => inventTar(chance) };

/** Takes an archive into a directory of its own and throws when something else changed. */
async function within(take: (directory: string) => Promise<unknown>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "plinth-fuzz-"));
  try {
    writeFileSync(join(root, "guard"), "untouched");
    let failure: unknown;
    await take(join(root, "in")).catch((error) => {
      failure = error;
    });
    const around = readdirSync(root).filter((name) => name !== "in");
    if (around.join() !== "guard") throw new Error(`wrote beside its directory: ${around}`);
    if (failure) throw failure;
  } finally {
    await removeTree(hostPath(root)).catch(() => rmSync(root, { recursive: true, force: true }));
  }
}

/** Everything that reads archives. */
export const archiveTargets: readonly FuzzTarget[] = [
  {
    ...base,
    name: "tar",
    async take(input) {
      let total = 0;
      for await (const { content } of readTar([input])) for await (const part of content) total += part.length;
      if (total > input.length) throw new Error(`gave ${total} bytes of ${input.length}`);
    },
  },
  {
    ...base,
    name: "unpack",
    take: (input) =>
      within(async (directory) => {
        const { mkdirSync } = await import("node:fs");
        mkdirSync(directory);
        await unpackTar([input], hostPath(directory));
      }),
  },
  {
    ...base,
    name: "extract",
    take: (input) =>
      within((directory) => extractTar([input], { host: hostPath(directory), guest: guestPath("/layers/x") })),
  },
  {
    name: "gzip",
    seeds: [gzipSync("hello hello hello"), Buffer.concat([gzipSync("a"), gzipSync(Buffer.alloc(70_000))])],
    words: ["\x1f\x8b\x08\0", "\x28\xb5\x2f\xfd", "\x08", "\x04", "\xff\xff"],
    async take(input) {
      let total = 0;
      for await (const part of decompress([input], sniffCompression(input))) {
        total += part.length;
        // Whoever takes the bytes may stop at any time: nothing more is made than is asked for.
        if (total > 16 << 20) break;
      }
    },
  },
];
