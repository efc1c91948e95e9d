import type { Identity } from "../oci/image.ts";
import type { Reference } from "../oci/reference.ts";
import type { ImageStore, StoredImage } from "./contract.ts";

/**
 * Writes an image as it was read to another store: same image ID everywhere, same manifest digest wherever the layers stay as
 * they are (a directory or archive that compresses them, and a Docker archive, make a manifest of their own).
 */
export function copyImage(from: StoredImage, to: ImageStore, names: readonly Reference[]): Promise<Identity> {
  return to.write(from.image, names, from.blobs, from);
}
