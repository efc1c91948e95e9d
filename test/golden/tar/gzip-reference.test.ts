import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { collect } from "../../../src/std/byte.ts";
import { gzipAsReference } from "../../../src/tar/gzip-reference.ts";
import { pieces } from "../../unit/tar/archive.ts";
import { vector } from "../vector.ts";

/** Marsaglia's xorshift: the low byte of each state, or a letter among the first `modulus`. */
function random(length: number, seed: number, modulus?: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, state = seed; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = modulus === undefined ? state : 97 + ((state >>> 0) % modulus);
  }
  return bytes;
}

/** The input behind each vector, by its name. */
const inputs: Record<string, Buffer> = {
  empty: Buffer.alloc(0),
  zeros1024: Buffer.alloc(1024),
  "a*1": Buffer.alloc(1, "a"),
  "a*16": Buffer.alloc(16, "a"),
  "a*17": Buffer.alloc(17, "a"),
  "a*127": Buffer.alloc(127, "a"),
  "a*128": Buffer.alloc(128, "a"),
  "a*1000": Buffer.alloc(1000, "a"),
  hello: Buffer.from(Array(6).fill("hello").join(" ")),
  zeros65535: Buffer.alloc(65535),
  zeros65536: Buffer.alloc(65536),
  zeros200000: Buffer.alloc(200_000),
  rnd100000: random(100_000, 1),
  rnd200000mod4: random(200_000, 7, 4),
  rnd200000mod20: random(200_000, 9, 20),
  "abc..*70000": Buffer.from("The quick brown fox jumps over the lazy dog. ".repeat(5000)),
  mixed: Buffer.concat([random(70_000, 3), Buffer.from("xyz".repeat(30_000)), random(40_000, 5, 8), random(70_000, 3)]),
};

const rows = vector("gzip-level1-vectors-go1.26.txt").matchAll(
  /^(\S+) +in=(\d+) insha=([0-9a-f]{64}) out=(\d+) sha256=([0-9a-f]{64})$/gm,
);
const vectors = [...rows].map(([, name, , input, length, output]) => ({
  name: name!,
  input,
  length: Number(length),
  output,
}));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("gzip of Go up to 1.26 at level 1", () => {
  it("has an input for every vector", () => {
    expect(vectors.map(({ name }) => name).sort()).toEqual(Object.keys(inputs).sort());
    expect(vectors.map(({ name, input }) => [name, input])).toEqual(
      vectors.map(({ name }) => [name, sha256(inputs[name]!)]),
    );
  });

  it.each(vectors)("$name", async ({ name, length, output }) => {
    const input = inputs[name]!;
    const zipped = await collect(gzipAsReference([input]));
    expect(gunzipSync(zipped).equals(input)).toBe(true);
    expect([zipped.length, sha256(zipped)]).toEqual([length, output]);
  });

  it("is the same in whatever pieces the bytes come", async () => {
    const { mixed } = inputs;
    const whole = await collect(gzipAsReference([mixed!]));
    for (const size of [1000, 65_534, 65_535, 65_536])
      expect((await collect(gzipAsReference(pieces(mixed!, size)))).equals(whole)).toBe(true);
  });
});
