import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { Image } from "../oci/image.ts";
import type { Platform } from "../oci/platform.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { type ByteStream, type Bytes, collect } from "../std/byte.ts";
import type { BlobSource, BlobStore, DocumentTexts, ImageStore } from "./contract.ts";
import { documentsFor, readImage } from "./document.ts";
import { checkNames, nameText } from "./name.ts";
import { bringLayers } from "./transfer.ts";
import { corruptBlob, digestLike, missingBlob, verified } from "./verify.ts";

const place = "memory";

async function* copies(bytes: Bytes): ByteStream {
  for await (const piece of bytes) yield Uint8Array.from(piece);
}

/** A store whose images last as long as it does. */
export function memoryStore(options: { readonly platform?: Platform } = {}): ImageStore & BlobStore {
  const blobs = new Map<Digest, Buffer>();
  const names = new Map<string, Descriptor>();

  const store: ImageStore & BlobStore = {
    has: async (digest) => blobs.has(digest),

    async *open(descriptor) {
      const bytes = blobs.get(descriptor.digest);
      if (bytes === undefined) throw missingBlob(descriptor.digest, place);
      yield* verified([bytes], descriptor, place);
    },

    async put(mediaType: string, bytes: Bytes, expected?: Digest) {
      const content = await collect(copies(bytes));
      const digest = digestLike(expected, content);
      if (expected && digest !== expected)
        throw corruptBlob(expected, place, `the bytes to keep have digest ${digest}`);
      blobs.set(digest, content);
      return { mediaType, size: content.length, digest };
    },

    async read(name: Reference, platform = options.platform) {
      const found = name.digest
        ? [...names.values()].find((descriptor) => descriptor.digest === name.digest)
        : names.get(nameText(name));
      return found && readImage(store, found, formatReference(name), platform);
    },

    async write(image: Image, under: readonly Reference[], from: BlobSource, texts?: DocumentTexts) {
      const documents = documentsFor(image, texts);
      const { identity, manifest } = documents;
      checkNames(under, identity.digest);
      await bringLayers(documents, from, store);
      await store.put(manifest.config.mediaType, [Buffer.from(documents.configText)], manifest.config.digest);
      const kept = await store.put(manifest.mediaType, [Buffer.from(documents.manifestText)], identity.digest);
      for (const name of under) names.set(nameText(name), kept);
      return identity;
    },
  };
  return store;
}
