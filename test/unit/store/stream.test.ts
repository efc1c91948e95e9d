import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Digest, diffIdOfTar, digestOf } from "../../../src/oci/digest.ts";
import { collect } from "../../../src/std/byte.ts";
import type { BlobSource } from "../../../src/store/contract.ts";
import { firstOf } from "../../../src/store/first-of.ts";
import { layerTar, sniffed } from "../../../src/store/layer.ts";
import { verified } from "../../../src/store/verify.ts";

const content = Buffer.from("the content of a blob");
const digest = digestOf(content);

describe("verified", () => {
  it("passes the bytes on", async () => {
    const bytes = verified([content.subarray(0, 3), content.subarray(3)], { digest, size: content.length }, "here");
    expect(await collect(bytes)).toEqual(content);
  });

  it("names the blob and the place, and says what was found", async () => {
    const read = (bytes: Buffer, size: number) => collect(verified([bytes], { digest, size }, "/some/where"));
    const start = `Cannot read blob ${digest} at /some/where: `;
    await expect(read(content, 5)).rejects.toThrow(`${start}it has more than the 5 bytes expected`);
    await expect(read(content, 50)).rejects.toThrow(`${start}it has 21 bytes, expected 50`);
    const other = Buffer.from("THE content of a blob");
    await expect(read(other, 21)).rejects.toThrow(`${start}its content has digest ${digestOf(other)}`);
  });

  it("leaves bytes as they are that are verified for the same already, and only those", async () => {
    const bytes = verified([content], { digest, size: content.length }, "here");
    expect(verified(bytes, { digest, size: content.length }, "there")).toBe(bytes);
    const other = digestOf("other bytes");
    const twice = verified(bytes, { digest: other, size: content.length }, "there");
    await expect(collect(twice)).rejects.toThrow(`Cannot read blob ${other} at there`);
  });

  it("stops at the first byte too many, without taking the rest", async () => {
    let pieces = 0;
    async function* endless() {
      for (;;) {
        pieces++;
        yield content;
      }
    }
    const bytes = verified(endless(), { digest, size: 2 * content.length }, "here");
    await expect(collect(bytes)).rejects.toMatchObject({ code: "blob.corrupt" });
    expect(pieces).toBe(3);
  });
});

describe("the first of several places", () => {
  const place = (bytes: Buffer | undefined): BlobSource => ({
    has: async () => bytes !== undefined,
    async *open() {
      yield bytes ?? Buffer.alloc(0);
    },
  });
  const descriptor = { mediaType: "application/vnd.oci.image.layer.v1.tar", size: content.length, digest };

  it("gives the blob that the first one that has it gives", async () => {
    const all = firstOf(place(undefined), place(content), place(Buffer.from("something else")));
    expect(await all.has(digest)).toBe(true);
    expect(await collect(all.open(descriptor))).toEqual(content);
  });

  it("verifies what a place gives that does not do it itself", async () => {
    const opened = firstOf(place(Buffer.from("THE content of a blob"))).open(descriptor);
    expect(verified(opened, descriptor, "there")).toBe(opened);
    await expect(collect(opened)).rejects.toMatchObject({ code: "blob.corrupt" });
    await expect(collect(firstOf(place(undefined)).open(descriptor))).rejects.toMatchObject({ code: "blob.corrupt" });
  });
});

describe("sniffed", () => {
  it("tells the compression and gives back the same bytes, whatever pieces they come in", () =>
    fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.boolean(),
        fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1 }),
        async (plain, zipped, steps) => {
          const whole = zipped ? gzipSync(plain) : Buffer.concat([Buffer.from("tar"), plain]);
          const pieces: Buffer[] = [];
          for (let at = 0, turn = 0; at < whole.length; turn++) {
            // A step of 0 gives an empty piece; now and then one byte goes through.
            const length = steps[turn % steps.length]! || (turn % 3 === 0 ? 1 : 0);
            pieces.push(whole.subarray(at, at + length));
            at += length;
          }
          const found = await sniffed(pieces);
          expect(found.compression).toBe(zipped ? "gzip" : "none");
          expect(Buffer.compare(await collect(found.bytes), whole)).toBe(0);
        },
      ),
    ));
});

describe("layerTar", () => {
  const blobs = (bytes: Buffer): BlobSource => ({
    has: async () => true,
    open: () => verified([bytes], described(bytes), "x"),
  });
  const described = (bytes: Buffer, mediaType = "application/vnd.oci.image.layer.v1.tar+gzip") => ({
    mediaType,
    size: bytes.length,
    digest: digestOf(bytes),
  });
  const layer = (bytes: Buffer, of: Digest, mediaType?: string) => ({
    diffId: diffIdOfTar(of),
    descriptor: described(bytes, mediaType),
  });

  it("unpacks by what the bytes are, not by what the media type says", async () => {
    for (const bytes of [gzipSync(content), content])
      expect(await collect(layerTar(layer(bytes, digest), blobs(bytes)))).toEqual(content);
  });

  it("refuses a tar that is not the one the config names", async () => {
    const bytes = gzipSync("other");
    await expect(collect(layerTar(layer(bytes, digest), blobs(bytes)))).rejects.toMatchObject({
      code: "layer.corrupt",
    });
  });

  it("refuses what is no layer", async () => {
    const type = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
    await expect(collect(layerTar(layer(content, digest, type), blobs(content)))).rejects.toMatchObject({
      code: "layer.type",
      message: `Cannot unpack layer ${digest}: its media type ${type} is not known`,
    });
  });
});
