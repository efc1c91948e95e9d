import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { type Image, type Layer, withLayers } from "../oci/image.ts";
import { type Compressor, compressionBy, compressionOf, mediaTypes } from "../oci/media-type.ts";
import type { ByteStream, Bytes } from "../std/byte.ts";
import { gzip, zstd } from "../tar/gzip.ts";
import { gzipAsReference } from "../tar/gzip-reference.ts";
import type { BlobSource } from "./contract.ts";
import { verified } from "./verify.ts";

/** Docker's layer types in OCI's words; others stay. */
function ociType(mediaType: string): string {
  for (const compression of ["tar", "gzip", "zstd"] as const)
    if (mediaType === mediaTypes.docker[compression]) return mediaTypes.oci[compression];
  const foreign = /^application\/vnd\.docker\.image\.rootfs\.foreign\.diff\.tar(?:[.+](gzip))?$/.exec(mediaType);
  if (!foreign) return mediaType;
  return `application/vnd.oci.image.layer.nondistributable.v1.tar${foreign[1] ? "+gzip" : ""}`;
}

/** The blob of a layer that is stored uncompressed, verified and then compressed. */
export function compressedLayer(
  descriptor: Descriptor,
  compressor: Exclude<Compressor, "none">,
  from: BlobSource,
): ByteStream {
  // zstd's stream keeps pieces that it has not come to.
  const tar = verified(from.open(descriptor, { lends: compressor !== "zstd" }), descriptor, "its source");
  if (compressor === "reference") return gzipAsReference(tar);
  return compressor === "gzip" ? gzip(tar) : zstd(tar);
}

/**
 * The image as other tools take it from an OCI image layout: with OCI's media types throughout, for skopeo and umoci know no others
 * there, and with every layer that is stored uncompressed compressed into a store. Compressed layers stay as they came.
 */
export async function asOci(
  image: Image,
  compressor: Compressor,
  from: BlobSource,
  put: (mediaType: string, bytes: Bytes) => Promise<Descriptor>,
): Promise<Image> {
  const done = new Map<Digest, Descriptor>();
  const compress = async (descriptor: Descriptor): Promise<Descriptor> => {
    if (compressor === "none" || compressionOf(descriptor.mediaType) !== "none") return descriptor;
    const compressed =
      done.get(descriptor.digest) ??
      (await put(mediaTypes.oci[compressionBy(compressor)], compressedLayer(descriptor, compressor, from)));
    done.set(descriptor.digest, compressed);
    return { ...descriptor, ...compressed };
  };
  const layers: Layer[] = [];
  // One after the other: compressing a single layer keeps the processors busy already.
  for (const { descriptor, diffId } of image.layers) {
    const { mediaType, ...rest } = await compress(descriptor);
    layers.push({ diffId, descriptor: { mediaType: ociType(mediaType), ...rest } });
  }
  return { ...withLayers(image, layers), family: "oci" };
}
