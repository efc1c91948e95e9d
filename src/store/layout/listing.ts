import type { Descriptor } from "../../oci/descriptor.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import type { Documents, Identity, Image } from "../../oci/image.ts";
import type { Platform } from "../../oci/platform.ts";
import { nameKey } from "./index-file.ts";

const createdKey = "org.opencontainers.image.created";
const imageIdKey = "plinth.image.id";
const sizeKey = "plinth.image.size";

/** What a listing says of an image without reading it. */
export interface Summary {
  readonly imageId: Digest;
  /** Bytes of all its blobs as stored, the manifest included. */
  readonly size: number;
  readonly created?: string;
}

/** Bytes of all blobs of an image as its descriptors give them, the manifest included. */
export function sizeOf(image: Image, identity: Identity, configText: string): number {
  const layers = image.layers.reduce((sum, layer) => sum + layer.descriptor.size, 0);
  return layers + Buffer.byteLength(configText) + identity.size;
}

/** The index entry of an image under a name, or without one; it carries a summary, so that a listing need not read every image. */
export function entryOf(
  manifest: Descriptor,
  documents: Documents,
  image: Image,
  platform: Platform,
  name?: string,
): Descriptor {
  const { identity, configText } = documents;
  const { created } = image.config;
  return {
    ...manifest,
    annotations: {
      ...(created && { [createdKey]: created }),
      ...(name !== undefined && { [nameKey]: name }),
      [imageIdKey]: identity.imageId,
      [sizeKey]: String(sizeOf(image, identity, configText)),
    },
    ...(platform.os !== "" && {
      platform: { architecture: platform.architecture, os: platform.os, variant: platform.variant },
    }),
  };
}

/** The summary an index entry carries, undefined when another tool wrote the entry. */
export function summaryIn(entry: Descriptor): Summary | undefined {
  const imageId = entry.annotations?.[imageIdKey] ?? "";
  const size = Number(entry.annotations?.[sizeKey]);
  const created = entry.annotations?.[createdKey];
  if (!isDigest(imageId) || !Number.isSafeInteger(size)) return undefined;
  return { imageId, size, ...(created && { created }) };
}
