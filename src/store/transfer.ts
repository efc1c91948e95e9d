import pLimit from "p-limit";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Documents } from "../oci/image.ts";
import type { BlobSource, BlobStore } from "./contract.ts";

/** How many blobs move at the same time. */
const width = 4;

/** All blobs an image consists of below its manifest, each once, in the manifest's order. */
export function blobsOf(documents: Documents): Descriptor[] {
  const { config, layers } = documents.manifest;
  return [...new Map([...layers, config].map((descriptor) => [descriptor.digest, descriptor])).values()];
}

/** Brings the blobs of the image's layers that `into` lacks; throws what the first failing one threw, once none is moving any more. */
export async function bringLayers(
  documents: Documents,
  from: BlobSource,
  into: BlobStore,
  isThere: (descriptor: Descriptor) => Promise<boolean> = (descriptor) => into.has(descriptor.digest),
): Promise<void> {
  const limit = pLimit(width);
  const layers = [...new Map(documents.manifest.layers.map((layer) => [layer.digest, layer])).values()];
  const failures: unknown[] = [];
  const bring = async (layer: Descriptor) => {
    if (failures.length > 0) return;
    try {
      if (!(await isThere(layer))) await into.put(layer.mediaType, from.open(layer, { lends: true }), layer.digest);
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(layers.map((layer) => limit(bring, layer)));
  if (failures.length > 0) throw failures[0];
}
