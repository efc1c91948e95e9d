import type { Image } from "../oci/image.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import type { HostPath } from "../std/path.ts";
import { asOci } from "./compress.ts";
import type { BlobSource, DocumentTexts } from "./contract.ts";
import { documentsFor, readImage } from "./document.ts";
import { type Exchange, type ExchangeOptions, findEntry, marksFor, soleEntry } from "./exchange.ts";
import { LayoutStore } from "./layout/store.ts";
import { checkNames } from "./name.ts";

/**
 * An OCI image layout for other tools (skopeo's `oci:DIR[:tag]`): names are tags, layers are compressed. Several processes may
 * write it at once.
 */
export function openLayoutDirectory(directory: HostPath, options: ExchangeOptions = {}): Exchange {
  const { tag, platform, compression = "gzip" } = options;
  const store = new LayoutStore(directory, false);
  return {
    async read(name) {
      const entry = findEntry(await store.entries(), name, tag);
      return entry && readImage(store, entry, `${directory} (${tag ?? formatReference(name)})`, platform);
    },
    async sole() {
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
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
