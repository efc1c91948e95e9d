import { parseConfig } from "../oci/config.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { type Documents, documentsOf, type Image, imageOf } from "../oci/image.ts";
import { encodeManifest, type Index, isIndex, type Manifest, manifestLimit, parseManifest } from "../oci/manifest.ts";
import { familyOf, mediaTypes } from "../oci/media-type.ts";
import type { Platform } from "../oci/platform.ts";
import { collect } from "../std/byte.ts";
import { Fault } from "../std/fault.ts";
import type { BlobSource, DocumentTexts, StoredImage, StoredIndex } from "./contract.ts";
import { choosePlatform } from "./platform.ts";
import { digestLike } from "./verify.ts";

/** The longest config we take into memory, in bytes; builders keep long orders in theirs. */
export const configLimit = 4 * manifestLimit;
/** How many indexes may stand above one manifest. */
const indexDepth = 4;

/** The text of a small blob, verified; throws Fault `document.size` when its descriptor promises more than `limit` bytes. */
async function readText(blobs: BlobSource, descriptor: Descriptor, place: string, limit: number): Promise<string> {
  if (descriptor.size > limit)
    throw new Fault("document.size", `Cannot read ${place}: ${descriptor.size} bytes are more than ${limit}`);
  return textOf(await collect(blobs.open(descriptor)), place);
}

/** The text of bytes that must be UTF-8, so that its digest is theirs; throws Fault `document.parse` that names `place`. */
export function textOf(bytes: Uint8Array, place: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new Fault("document.parse", `Cannot read ${place}: it is not UTF-8 text`, { cause });
  }
}

/** The manifest or index a descriptor names, with its text; throws Fault when it is corrupt or not of the type announced. */
export async function readManifest(blobs: BlobSource, descriptor: Descriptor, place: string) {
  const text = await readText(blobs, descriptor, place, manifestLimit);
  const document = parseManifest(text, place);
  if (descriptor.mediaType !== "" && descriptor.mediaType !== document.mediaType) {
    throw new Fault(
      "document.parse",
      `Cannot read ${place}: it was announced as ${descriptor.mediaType} and says ${document.mediaType}`,
    );
  }
  return { text, document };
}

/**
 * The image below a descriptor; an index on the way is resolved by `platform` (see `choosePlatform`).
 * `recall` knows images by their manifest's digest that need not be read again.
 * Throws Fault when a document is missing, corrupt, too large, or not that of a container image.
 */
export async function readImage(
  blobs: BlobSource,
  descriptor: Descriptor,
  place: string,
  platform?: Platform,
  recall?: (digest: Digest) => StoredImage | undefined,
): Promise<StoredImage> {
  let current = descriptor;
  for (let depth = 0; depth < indexDepth; depth++) {
    const known = recall?.(current.digest);
    if (known) return known;
    const { text, document } = await readManifest(blobs, current, `manifest ${current.digest} at ${place}`);
    if (isIndex(document)) {
      current = choosePlatform(document, place, platform);
      continue;
    }
    const configPlace = `config ${document.config.digest} at ${place}`;
    const configText = await readText(blobs, document.config, configPlace, configLimit);
    return {
      image: imageFrom(document, configText, place),
      identity: { imageId: document.config.digest, digest: current.digest, size: current.size },
      manifestText: text,
      configText,
      blobs,
    };
  }
  throw new Fault("document.parse", `Cannot read image at ${place}: more than ${indexDepth} indexes are nested`);
}

/** What a descriptor names, whole: an image, or the index of one for several platforms. Throws as `readImage`. */
export async function readWhole(
  blobs: BlobSource,
  descriptor: Descriptor,
  place: string,
): Promise<StoredImage | StoredIndex> {
  const { text, document } = await readManifest(blobs, descriptor, `manifest ${descriptor.digest} at ${place}`);
  if (!isIndex(document)) return readImage(blobs, descriptor, place);
  return {
    index: document,
    text,
    descriptor: { mediaType: document.mediaType, size: descriptor.size, digest: descriptor.digest },
    read: (entry) => readImage(blobs, entry, place),
  };
}

/** The document to store for an index: `text` as it is when it says the same, else encoded anew. */
export function indexText(index: Index, text: string | undefined): string {
  const encoded = encodeManifest(index);
  return text !== undefined && encodeManifest(parseManifest(text, "index to copy")) === encoded ? text : encoded;
}

/** The descriptor of the manifest of an image that was stored. */
export function manifestDescriptor({ identity, manifest }: Documents): Descriptor {
  return { mediaType: manifest.mediaType, size: identity.size, digest: identity.digest };
}

function imageFrom(manifest: Manifest, configText: string, place: string): Image {
  const family = familyOf(manifest.mediaType);
  if (family === undefined)
    throw new Fault("document.parse", `Cannot read image at ${place}: ${manifest.mediaType} is no image manifest`);
  return imageOf(family, manifest, parseConfig(configText, `config ${manifest.config.digest} at ${place}`), place);
}

/** The manifest with the family and the layers of `image`; the same manifest when they are its own. */
function fitted(manifest: Manifest, image: Image): Manifest {
  const { manifest: mediaType, config } = mediaTypes[image.family];
  const layers = image.layers.map((layer) => layer.descriptor);
  const isSame = (layer: Descriptor, at: number) =>
    layer.digest === layers[at]?.digest && layer.mediaType === layers[at]?.mediaType;
  if (mediaType === manifest.mediaType && layers.length === manifest.layers.length && manifest.layers.every(isSame))
    return manifest;
  return { ...manifest, mediaType, config: { ...manifest.config, mediaType: config }, layers };
}

/**
 * The documents to store for an image: `texts` as they are, or with the layers and media types a store had to give `image`;
 * encoded from `image` when there are no texts. The config's text, and so the image ID, is never changed.
 */
export function documentsFor(image: Image, texts?: DocumentTexts): Documents {
  if (texts === undefined) return documentsOf(image);
  const document = parseManifest(texts.manifestText, "manifest to copy");
  if (isIndex(document) || document.config.digest !== digestLike(document.config.digest, texts.configText))
    throw new Fault("image.mismatch", "Cannot copy image: its manifest does not name its config");
  const manifest = fitted(document, image);
  const manifestText = manifest === document ? texts.manifestText : encodeManifest(manifest);
  return {
    identity: {
      imageId: document.config.digest,
      digest: digestOf(manifestText),
      size: Buffer.byteLength(manifestText),
    },
    manifest,
    manifestText,
    configText: texts.configText,
  };
}
