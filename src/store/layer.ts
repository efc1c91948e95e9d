import { createHash } from "node:crypto";
import { algorithmOf } from "../oci/digest.ts";
import type { Layer } from "../oci/image.ts";
import { compressionOf } from "../oci/media-type.ts";
import type { ByteStream, Bytes } from "../std/byte.ts";
import { Fault } from "../std/fault.ts";
import { type Compression, decompress, sniffCompression } from "../tar/gzip.ts";
import type { BlobSource } from "./contract.ts";

const magicLength = 4;

/** Bytes and how they are compressed, told by their beginning. */
export async function sniffed(
  bytes: Bytes,
): Promise<{ readonly compression: Compression; readonly bytes: ByteStream }> {
  const pieces = Symbol.asyncIterator in bytes ? bytes[Symbol.asyncIterator]() : bytes[Symbol.iterator]();
  let head = Buffer.alloc(0);
  let next = await pieces.next();
  while (!next.done) {
    head = Buffer.concat([head, next.value]);
    if (head.length >= magicLength) break;
    next = await pieces.next();
  }
  async function* all(): ByteStream {
    try {
      if (head.length > 0) yield head;
      for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) yield piece.value;
    } finally {
      await pieces.return?.();
    }
  }
  return { compression: sniffCompression(head), bytes: all() };
}

/**
 * The uncompressed tar of a layer. Its first bytes say how the blob is compressed, for media types were known to be wrong. Throws
 * Fault `layer.type` when the media type is none of a tar, and `layer.corrupt` at the end when the tar is not the one the diffID names.
 */
export async function* layerTar(layer: Layer, blobs: BlobSource): ByteStream {
  const { descriptor, diffId } = layer;
  if (compressionOf(descriptor.mediaType) === undefined)
    throw new Fault("layer.type", `Cannot unpack layer ${diffId}: its media type ${descriptor.mediaType} is not known`);
  const { compression, bytes } = await sniffed(blobs.open(descriptor));
  const hash = createHash(algorithmOf(diffId));
  for await (const part of decompress(bytes, compression)) {
    hash.update(part);
    yield part;
  }
  const found = `${algorithmOf(diffId)}:${hash.digest("hex")}`;
  if (found !== diffId)
    throw new Fault(
      "layer.corrupt",
      `Cannot unpack layer ${diffId} from blob ${descriptor.digest}: its tar has digest ${found}`,
      {
        hint: "the image's config and its layers do not belong together; get it again",
      },
    );
}
