import type { Image } from "../oci/image.ts";
import { mediaTypes } from "../oci/media-type.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import type { HostPath } from "../std/path.ts";
import { asOci } from "./compress.ts";
import type { BlobSource, DocumentTexts, IndexStore } from "./contract.ts";
import { documentsFor, manifestDescriptor, readImage, readWhole } from "./document.ts";
import { type Exchange, type ExchangeOptions, findEntry, marksFor, soleEntry } from "./exchange.ts";
import { LayoutStore } from "./layout/store.ts";
import { checkNames } from "./name.ts";

/**
 * An OCI image layout for other tools (skopeo's `oci:DIR[:tag]`): names are tags, layers are compressed. Several processes may
 * write it at once.
 */
export function openLayoutDirectory(directory: HostPath, options: ExchangeOptions = {}): Exchange & IndexStore {
  const { tag, compression = "gzip" } = options;
  const store = new LayoutStore(directory, false);
  return {
    async read(name, platform = options.platform) {
      const entry = findEntry(await store.entries(), name, tag);
      return entry && readImage(store, entry, `${directory} (${tag ?? formatReference(name)})`, platform);
    },
    async sole(platform = options.platform) {
      const entry = soleEntry(await store.entries(), directory, tag, platform);
      return entry && readImage(store, entry, directory, platform);
    },
    async write(image: Image, names: readonly Reference[], blobs: BlobSource, texts?: DocumentTexts) {
      const compressed = await asOci(image, compression, blobs, (type, bytes) => store.put(type, bytes));
      const documents = documentsFor(compressed, texts);
      checkNames(names, documents.identity.digest);
      await store.write(compressed, documents, marksFor(names, tag), blobs);
      return documents.identity;
    },
    async readWhole(name) {
      const entries = await store.entries();
      const entry = name ? findEntry(entries, name, tag) : soleEntry(entries, directory, tag, options.platform);
      return entry && readWhole(store, entry, directory);
    },
    async writePart(image, _names, blobs, texts) {
      const compressed = await asOci(image, compression, blobs, (type, bytes) => store.put(type, bytes));
      const documents = documentsFor(compressed, texts);
      await store.write(compressed, documents, [], blobs);
      return manifestDescriptor(documents);
    },
    async writeIndex(index, names, text) {
      return store.writeIndex({ ...index, mediaType: mediaTypes.oci.index }, marksFor(names, tag), text);
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
