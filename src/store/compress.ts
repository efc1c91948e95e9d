import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { type Image, type Layer, withLayers } from "../oci/image.ts";
import { type Compression, compressionOf, type Family, mediaTypes } from "../oci/media-type.ts";
import type { ByteStream, Bytes } from "../std/byte.ts";
import { gzip, zstd } from "../tar/gzip.ts";
import type { BlobSource } from "./contract.ts";
import { verified } from "./verify.ts";

/**
 * The media type of a tar under a compression. A Docker manifest knows Docker's types only; in an OCI manifest a layer keeps the family its
 * type had, as the reference writes Docker's types into OCI manifests.
 */
function layerType(manifest: Family, mediaType: string, compression: "gzip" | "zstd"): string {
  const isOci = manifest === "oci" && mediaType !== mediaTypes.docker.tar;
  return mediaTypes[isOci ? "oci" : "docker"][compression];
}

/** The image with every layer that is stored uncompressed compressed into a store; the others stay as they came. */
export async function compressLayers(
  image: Image,
  compression: Compression,
  from: BlobSource,
  put: (mediaType: string, bytes: Bytes) => Promise<Descriptor>,
): Promise<Image> {
  if (compression === "none") return image;
  const done = new Map<Digest, Descriptor>();
  const layers: Layer[] = [];
  // One after the other: compressing a single layer keeps the processors busy already.
  for (const layer of image.layers) {
    const { descriptor } = layer;
    if (compressionOf(descriptor.mediaType) !== "none") {
      layers.push(layer);
      continue;
    }
    const known = done.get(descriptor.digest);
    const tar: ByteStream = verified(from.open(descriptor), descriptor, "its source");
    const bytes = () => (compression === "gzip" ? gzip(tar) : zstd(tar));
    const compressed = known ?? (await put(layerType(image.family, descriptor.mediaType, compression), bytes()));
    done.set(descriptor.digest, compressed);
    layers.push({ ...layer, descriptor: { ...compressed, ...annotationsOf(descriptor) } });
  }
  return withLayers(image, layers);
}

function annotationsOf(descriptor: Descriptor) {
  return descriptor.annotations ? { annotations: descriptor.annotations } : {};
}
