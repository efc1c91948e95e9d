import { createHash, randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { ImageConfig } from "../../../src/oci/config.ts";
import type { Descriptor } from "../../../src/oci/descriptor.ts";
import { type DiffId, type Digest, diffIdOfTar, digestOf } from "../../../src/oci/digest.ts";
import type { Image, Layer } from "../../../src/oci/image.ts";
import { type Compression, type Family, mediaTypes } from "../../../src/oci/media-type.ts";
import type { BlobSource } from "../../../src/store/contract.ts";

/** An image in memory and the bytes of its layers. */
export interface Sample {
  readonly image: Image;
  readonly blobs: BlobSource & { readonly contents: Map<Digest, Buffer> };
}

/** A tar with one file, small but real, so that peers can unpack it. */
export function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)]);
}

/** Blobs in memory, by digest. */
export function blobsOf(contents: Map<Digest, Buffer>): Sample["blobs"] {
  return {
    contents,
    has: async (digest) => contents.has(digest),
    async *open(descriptor: Descriptor) {
      const content = contents.get(descriptor.digest);
      if (content === undefined) throw new Error(`no blob ${descriptor.digest}`);
      for (let at = 0; at < content.length; at += 65536) yield content.subarray(at, at + 65536);
    },
  };
}

/** What a sample image is made of. */
export interface Recipe {
  readonly family?: Family;
  readonly compression?: Exclude<Compression, "zstd">;
  /** The content of one file per layer. */
  readonly files?: readonly Buffer[];
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

/** An image whose layers hold one file each (`/file-<n>`). */
export function sampleImage(recipe: Recipe = {}): Sample {
  const { family = "oci", compression = "none", files = [Buffer.from("one"), randomBytes(3000)] } = recipe;
  const contents = new Map<Digest, Buffer>();
  const layers = files.map((file, at): Layer => {
    const tar = tarOf(`file-${at}`, file);
    const blob = compression === "gzip" ? gzipSync(tar) : tar;
    const digest = digestOf(blob);
    contents.set(digest, blob);
    const mediaType = mediaTypes[family][compression === "gzip" ? "gzip" : "tar"];
    return { diffId: diffIdOfTar(digestOf(tar)), descriptor: { mediaType, size: blob.length, digest } };
  });
  const config: ImageConfig = {
    architecture: "amd64",
    os: "linux",
    created: "1980-01-01T00:00:01Z",
    history: layers.map((_, at) => ({ created: "1980-01-01T00:00:01Z", created_by: `layer ${at}` })),
    diffIds: layers.map((layer): DiffId => layer.diffId),
    config: { Env: ["PATH=/bin"], ...(recipe.labels && { Labels: recipe.labels }) },
  };
  return {
    image: { family, config, layers, ...(recipe.annotations && { annotations: recipe.annotations }) },
    blobs: blobsOf(contents),
  };
}

/** The sha256 of bytes in hex, for comparisons. */
export function hexDigest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
