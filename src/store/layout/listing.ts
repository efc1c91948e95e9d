import { platformOf } from "../../oci/config.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import type { Documents, Identity, Image } from "../../oci/image.ts";

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

/** What tells one entry of an image from another: its annotations; the name is among them unless the image has none. */
export type EntryMarks = Readonly<Record<string, string>>;

/** The index entry of an image; it carries a summary, so that a listing need not read every image. */
export function entryOf(manifest: Descriptor, documents: Documents, image: Image, marks: EntryMarks): Descriptor {
  const { identity, configText } = documents;
  const { created } = image.config;
  const { os, architecture, variant } = platformOf(image.config);
  return {
    ...manifest,
    annotations: {
      ...(created && { [createdKey]: created }),
      ...marks,
      [imageIdKey]: identity.imageId,
      [sizeKey]: String(sizeOf(image, identity, configText)),
    },
    ...(os !== "" && { platform: { architecture, os, variant } }),
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
