import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { Identity, Image } from "../oci/image.ts";
import type { Index } from "../oci/manifest.ts";
import type { Platform } from "../oci/platform.ts";
import type { Reference } from "../oci/reference.ts";
import type { ByteStream, Bytes } from "../std/byte.ts";

/** Where blobs can be read. */
export interface BlobSource {
  /** Whether `open` would find the blob. */
  has(digest: Digest): Promise<boolean>;
  /**
   * The bytes of a blob. The stream throws Fault `blob.missing` at its beginning, and `blob.corrupt` at the latest at its
   * end when digest or size do not match. With `lends` a piece may be used again by the source once the next one is asked for.
   */
  open(descriptor: Descriptor, options?: { readonly lends?: boolean }): ByteStream;
}

/** Where blobs can be kept. */
export interface BlobStore extends BlobSource {
  /**
   * Keeps bytes under their sha256 digest. When it resolves, the content is stored, by this call or an earlier one; when it
   * rejects, nothing of it is visible. `expected` makes it refuse other bytes (Fault `blob.corrupt`). A piece of `bytes` is not used any more
   * once the next one is asked for.
   */
  put(mediaType: string, bytes: Bytes, expected?: Digest): Promise<Descriptor>;
}

/** The two documents of an image as they stand somewhere, byte for byte. */
export interface DocumentTexts {
  readonly manifestText: string;
  readonly configText: string;
}

/** An image found in a store, with the place its blobs can be read. */
export interface StoredImage extends DocumentTexts {
  readonly image: Image;
  readonly identity: Identity;
  readonly blobs: BlobSource;
}

/** Where images live: a layout, an archive, memory, a registry, a daemon. */
export interface ImageStore {
  /**
   * The image under this name (or digest), its documents verified; undefined when there is none. Of an image for several platforms the one for
   * `platform`, the store's own choice unless said. Throws Fault for a corrupt one.
   */
  read(name: Reference, platform?: Platform): Promise<StoredImage | undefined>;
  /**
   * Stores the image under every name: first the blobs it lacks (read from `blobs`, verified), then the documents, the names last;
   * so a name never points to an incomplete image, and a failure leaves the names as they were.
   * `texts` are the documents `image` was read from: a copy passes them so that its digests stay, whatever another tool wrote
   * into them; left out, the documents are encoded from `image`.
   */
  write(image: Image, names: readonly Reference[], blobs: BlobSource, texts?: DocumentTexts): Promise<Identity>;
}

/** An image for several platforms, found in a store: the index that lists one manifest for each. */
export interface StoredIndex {
  readonly index: Index;
  /** The document `index` was read from, byte for byte. */
  readonly text: string;
  readonly descriptor: Descriptor;
  /** The image of one entry, its documents verified. Throws Fault for a corrupt one. */
  read(entry: Descriptor): Promise<StoredImage>;
}

/** Where images for several platforms live: a registry, a layout. */
export interface IndexStore {
  /** What stands under this name, whole: an index, or an image when it is for one platform; undefined when there is nothing. Without a name, what a directory means by itself. */
  readWhole(name?: Reference): Promise<StoredImage | StoredIndex | undefined>;
  /** Stores an image without a name, for an index under these names to list it. */
  writePart(image: Image, names: readonly Reference[], blobs: BlobSource, texts?: DocumentTexts): Promise<Descriptor>;
  /** Stores an index, whose images are there already, under every name; as `text`, when that says the same, so that the digest of a copy stays. */
  writeIndex(index: Index, names: readonly Reference[], text?: string): Promise<Descriptor>;
}

/** Whether what was found is for several platforms. */
export function isStoredIndex(found: StoredImage | StoredIndex): found is StoredIndex {
  return "index" in found;
}
