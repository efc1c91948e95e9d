import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collect } from "../../../src/std/byte.ts";
import { Fault } from "../../../src/std/fault.ts";
import { guestPath, hostPath } from "../../../src/std/path.ts";
import { removeTree } from "../../../src/std/remove.ts";
import { extractTar } from "../../../src/tar/extract.ts";
import { matcher } from "../../../src/tar/glob.ts";
import { decompress, gzip } from "../../../src/tar/gzip.ts";
import { gzipAsReference } from "../../../src/tar/gzip-reference.ts";
import { type EntryType, encodeHeader, type TarHeader } from "../../../src/tar/header.ts";
import type { ByteString } from "../../../src/tar/name.ts";
import { planSlices } from "../../../src/tar/slice.ts";
import { unpackTar } from "../../../src/tar/unpack.ts";
import { type TarItem, writeTar } from "../../../src/tar/write.ts";
import { archive, blocks, end, entriesOf, pieces, type Sketch } from "../../unit/tar/archive.ts";

/** Any bytes but NUL, one char each; often short, sometimes long, sometimes with slashes. */
const byte = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code));
const letter = fc.constantFrom("a", "b", "/", ".", "-", "\u00e9");
const name = fc.oneof(
  fc.array(byte, { minLength: 1, maxLength: 30 }),
  fc.array(letter, { minLength: 1, maxLength: 300 }),
);
const byteString = name.map((chars) => chars.join("") as ByteString);
const wide = fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.maxSafeInteger());

const header: fc.Arbitrary<TarHeader> = fc
  .record({
    name: byteString,
    type: fc.constantFrom<EntryType>("file", "directory", "symlink", "hardlink", "char", "block", "fifo"),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: wide,
    gid: wide,
    mtime: wide,
    link: byteString,
    uname: fc.option(byteString, { nil: undefined }),
    gname: fc.option(byteString, { nil: undefined }),
    devMajor: fc.integer({ min: 0, max: 0o7777777 }),
    devMinor: fc.integer({ min: 0, max: 0o7777777 }),
  })
  .map(({ uname, gname, ...rest }) => ({
    ...rest,
    size: 0,
    name: (["file", "char", "block", "fifo"].includes(rest.type) ? `${rest.name}x` : rest.name) as ByteString,
    ...(uname !== undefined && { uname }),
    ...(gname !== undefined && { gname }),
  }));

const item: fc.Arbitrary<TarItem & { readonly content: Uint8Array }> = fc
  .tuple(header, fc.uint8Array({ maxLength: 2000 }))
  .map(([found, bytes]) => {
    const content = found.type === "file" ? bytes : new Uint8Array();
    return { header: { ...found, size: content.length }, content };
  });

describe("laws of archives", () => {
  it("what is written is what is read, in whatever pieces", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 5 }), fc.integer({ min: 1, max: 3000 }), async (items, size) => {
        const bytes = await collect(writeTar(items));
        const expected = items.map(({ header, content }) => ({
          header,
          content: Buffer.from(content).toString("latin1"),
        }));
        expect(await entriesOf(pieces(bytes, size))).toEqual(expected);
      }),
    );
  });

  it("an archive is its headers and blocks, and the mark of the end", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 5 }), async (items) => {
        const parts = items.flatMap(({ header, content }) => [encodeHeader(header), blocks(content)]);
        expect((await collect(writeTar(items))).equals(Buffer.concat([...parts, end]))).toBe(true);
      }),
    );
  });

  it("whatever bytes are read, what is wrong with them is a Fault", async () => {
    const good = archive([
      { name: "a".repeat(150), content: "abc", uid: 2 ** 30 },
      { name: "l", link: "t".repeat(120) },
      { name: "d/", mtime: -5 },
    ]);
    const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 6 }), fc.nat(good.length), async (changes, length) => {
        const bytes = Buffer.from(good.subarray(0, length));
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        await entriesOf([bytes]).catch((error) => expect(error).toBeInstanceOf(Fault));
      }),
      { numRuns: 500 },
    );
  });

  it("compressed and decompressed is the same", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 5000 })), async (parts) => {
        const back = await collect(decompress(gzip(parts), "gzip"));
        expect(back.equals(Buffer.concat(parts))).toBe(true);
      }),
    );
  });
});

const text = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 3000 })), { maxLength: 12 })
  .map((runs) => Buffer.concat(runs.map(([bytes, times]) => Buffer.concat(Array(times).fill(bytes)))));

describe("laws of the reference's compression", () => {
  it("what it makes, zlib takes back", async () => {
    await fc.assert(
      fc.asyncProperty(text, async (bytes) => {
        expect(gunzipSync(await collect(gzipAsReference([bytes]))).equals(bytes)).toBe(true);
      }),
    );
  });
});

/** Names made to meet each other, to climb and to hide. */
const part = fc.constantFrom("a", "b", "c", "..", ".", "", "outside", ".wh.a", ".wh..wh..opq", ".wh...");
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const target = fc.oneof(
  path,
  path.map((text) => `/${text}`),
  path.map((text) => `../../${text}`),
);
const sketch: fc.Arbitrary<Sketch> = fc.oneof(
  path.map((text) => ({ name: `${text}x`, content: "evil" })),
  path.map((text) => ({ name: text, type: "directory" as const, mode: 0o700 })),
  fc.tuple(path, target).map(([text, link]) => ({ name: text, link, type: "symlink" as const })),
  fc.tuple(path, target).map(([text, link]) => ({ name: text, link, type: "hardlink" as const })),
  fc.tuple(path, fc.integer({ min: 0, max: 0o777 })).map(([text, mode]) => ({ name: `${text}/`, mode })),
);

describe("laws of extraction", () => {
  it("whatever an archive holds, nothing outside of its place changes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sketch, { maxLength: 12 }), fc.boolean(), async (sketches, isLayer) => {
        const parent = hostPath(mkdtempSync(join(tmpdir(), "plinth-law-")));
        try {
          const outside = join(parent, "outside");
          writeFileSync(outside, "untouched", { mode: 0o600 });
          const root = hostPath(join(parent, "root"));
          const bytes = [
            archive(sketches.map((entry) => ({ ...entry, name: isLayer ? `/l/${entry.name}` : entry.name }))),
          ];
          const work = isLayer ? extractTar(bytes, { host: root, guest: guestPath("/l") }) : unpackTar(bytes, root);
          await work.catch((error) => expect(error).toBeInstanceOf(Fault));
          expect(readdirSync(parent).filter((entry) => entry !== "root")).toEqual(["outside"]);
          expect(readFileSync(outside, "utf8")).toBe("untouched");
          expect([lstatSync(outside).mode & 0o777, lstatSync(outside).nlink]).toEqual([0o600, 1]);
          expect(existsSync("/a") || existsSync("/b") || existsSync("/c") || existsSync("/outside")).toBe(false);
        } finally {
          await removeTree(parent);
        }
      }),
      { numRuns: 300 },
    );
  });
});

const leaf = fc.array(fc.constantFrom("a", "b", "a-", "a.b", ".a"), { minLength: 1, maxLength: 4 });
const pattern = fc
  .array(fc.constantFrom("a", "b", "*", "?", "/", "[a-b]", "-"), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(""));

function treeOf(leaves: readonly (readonly string[])[]) {
  const kinds = new Map<string, boolean>([["", true]]);
  for (const parts of leaves)
    parts.forEach((_, index) => {
      const found = parts.slice(0, index + 1).join("/");
      kinds.set(found, index < parts.length - 1 || kinds.get(found) === true);
    });
  return [...kinds].map(([text, isDirectory]) => ({ path: text as ByteString, isDirectory }));
}

describe("laws of slices", () => {
  it("SLICE-006 every path is in a part, files in one only, and every part has what is above its paths", () => {
    fc.assert(
      fc.property(
        fc.array(leaf, { maxLength: 12 }),
        fc.array(fc.array(pattern), { maxLength: 4 }),
        (leaves, slices) => {
          const tree = treeOf(leaves);
          const parts = planSlices(tree, slices);
          expect(parts.length).toBe(slices.length + 1);
          expect(new Set(parts.flat())).toEqual(new Set(tree.map(({ path }) => path)));
          for (const { path, isDirectory } of tree)
            if (!isDirectory) expect(parts.filter((found) => found.includes(path))).toHaveLength(1);
          for (const found of parts.slice(0, -1))
            for (const text of found) if (text !== "") expect(found).toContain(text.split("/").slice(0, -1).join("/"));
        },
      ),
    );
  });

  it("SLICE-002 a pattern without special characters matches itself only", () => {
    fc.assert(
      fc.property(byteString, byteString, (a, b) => {
        const escaped = Buffer.from(a, "latin1")
          .toString("utf8")
          .replace(/[*?[\]\\]/g, "\\$&");
        fc.pre(Buffer.from(escaped).toString("latin1").replace(/\\(.)/gs, "$1") === a);
        expect(matcher(escaped)(a)).toBe(true);
        expect(matcher(escaped)(b)).toBe(a === b);
      }),
    );
  });
});
