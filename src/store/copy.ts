import type { Descriptor } from "../oci/descriptor.ts";
import type { Identity } from "../oci/image.ts";
import type { Reference } from "../oci/reference.ts";
import type { ImageStore, IndexStore, StoredImage, StoredIndex } from "./contract.ts";

/**
 * Writes an image as it was read to another store: same image ID everywhere, same manifest digest wherever the layers stay as
 * they are (a directory or archive that compresses them, and a Docker archive, make a manifest of their own).
 */
export function copyImage(from: StoredImage, to: ImageStore, names: readonly Reference[]): Promise<Identity> {
  return to.write(from.image, names, from.blobs, from);
}

/** Writes everything an index lists, attestations too, and last the index: with the same digest wherever all manifests keep theirs. */
export async function copyIndex(from: StoredIndex, to: IndexStore, names: readonly Reference[]): Promise<Descriptor> {
  const manifests: Descriptor[] = [];
  for (const entry of from.index.manifests) {
    const stored = await from.read(entry);
    const { mediaType, size, digest } = await to.writePart(stored.image, names, stored.blobs, stored);
    manifests.push({ ...entry, mediaType, size, digest });
  }
  return await to.writeIndex({ ...from.index, manifests }, names, from.text);
}
