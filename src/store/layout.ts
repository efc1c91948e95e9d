import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { Image } from "../oci/image.ts";
import type { Platform } from "../oci/platform.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";
import type { HostPath } from "../std/path.ts";
import type { BlobSource, BlobStore, DocumentTexts, ImageStore, IndexStore } from "./contract.ts";
import { documentsFor, manifestDescriptor, readImage, readWhole } from "./document.ts";
import { nameKey } from "./layout/index-file.ts";
import { type Summary, sizeOf, summaryIn } from "./layout/listing.ts";
import { type Pruned, type PruneOptions, prune } from "./layout/prune.ts";
import { LayoutStore } from "./layout/store.ts";
import { type Verified, verifyLayout } from "./layout/verify.ts";
import { checkNames, nameText } from "./name.ts";

/** One image of a layout with all of its names. */
export interface ListedImage extends Summary {
  /** Full names in the order the index has them; none for an image another tool left unnamed. */
  readonly names: readonly string[];
  readonly digest: Digest;
}

/** The store on this machine: an OCI image layout that keeps images under their full names. */
export interface Layout extends ImageStore, IndexStore, BlobStore, AsyncDisposable {
  /** Every image, in the order the index has them; entries another tool made that are no images, or damaged ones, are left out. */
  list(): Promise<readonly ListedImage[]>;
  /** Takes names away, by a digest all names of that image; the blobs stay until a prune. Resolves to the full names that were there. */
  remove(names: readonly Reference[]): Promise<readonly string[]>;
  /** Keeps digests from every prune while the layout is open: of blobs, or of what is kept by digest beside it (`PruneOptions.also`). */
  hold(digests: Iterable<Digest>): Promise<void>;
  /** Deletes the blobs no image, no running writer and none of `options.keep` needs. */
  prune(options?: PruneOptions): Promise<Pruned>;
  /** Reads and hashes every blob that images need. */
  verify(): Promise<Verified>;
}

/** How a layout is opened. */
export interface LayoutOptions {
  /** Which image of a multi-platform one is meant. */
  readonly platform?: Platform;
  /** Keep what is read from being pruned until the layout is disposed of, as a build needs it; it takes the right to write. */
  readonly hold?: boolean;
}

function isNamed(entry: Descriptor, name: Reference): boolean {
  return name.digest ? entry.digest === name.digest : entry.annotations?.[nameKey] === nameText(name);
}

function namesToMarks(names: readonly Reference[]) {
  return [...new Set(names.map(nameText))].map((name) => ({ [nameKey]: name }));
}

/** Opens the layout at `root`; it need not exist, the first write makes it. Dispose of it to release what it holds. */
export function openLayout(root: HostPath, options: LayoutOptions = {}): Layout {
  const store = new LayoutStore(root, options.hold ?? false);

  const summaryOf = async (entry: Descriptor): Promise<Summary | undefined> => {
    const found = summaryIn(entry);
    if (found) return found;
    try {
      const { image, identity, configText } = await readImage(store, entry, root, options.platform);
      const { created } = image.config;
      return { imageId: identity.imageId, size: sizeOf(image, identity, configText), ...(created && { created }) };
    } catch (error) {
      if (error instanceof Fault) return undefined;
      throw error;
    }
  };

  return {
    has: (digest) => store.has(digest),
    open: (descriptor, how) => store.open(descriptor, how),
    put: (mediaType, bytes, expected) => store.put(mediaType, bytes, expected),

    async read(name, platform = options.platform) {
      const entry = (await store.entries()).find((candidate) => isNamed(candidate, name));
      if (!entry) return undefined;
      await store.hold([entry.digest]);
      const found = await readImage(store, entry, `${root} (${formatReference(name)})`, platform);
      await store.hold([found.identity.imageId, ...found.image.layers.map((layer) => layer.descriptor.digest)]);
      return found;
    },

    async write(image: Image, names: readonly Reference[], blobs: BlobSource, texts?: DocumentTexts) {
      const documents = documentsFor(image, texts);
      checkNames(names, documents.identity.digest);
      await store.write(image, documents, namesToMarks(names), blobs);
      return documents.identity;
    },

    async readWhole(name) {
      const entry = name && (await store.entries()).find((candidate) => isNamed(candidate, name));
      if (!entry) return undefined;
      await store.hold([entry.digest]);
      return readWhole(store, entry, `${root} (${formatReference(name)})`);
    },

    async writePart(image, _names, blobs, texts) {
      const documents = documentsFor(image, texts);
      await store.write(image, documents, [], blobs);
      return manifestDescriptor(documents);
    },

    async writeIndex(index, names, text) {
      return store.writeIndex(index, namesToMarks(names), text);
    },

    async list() {
      const images = new Map<Digest, ListedImage>();
      for (const entry of await store.entries()) {
        const name = entry.annotations?.[nameKey];
        const known = images.get(entry.digest);
        const summary = known ?? (await summaryOf(entry));
        const names = [...(known?.names ?? []), ...(name === undefined ? [] : [name])];
        if (summary) images.set(entry.digest, { ...summary, digest: entry.digest, names });
      }
      return [...images.values()];
    },

    async remove(names) {
      const removed: string[] = [];
      const isMeant = (entry: Descriptor) => names.some((name) => isNamed(entry, name));
      if (!(await store.entries()).some(isMeant)) return removed;
      await store.update(async (entries) => {
        const kept = entries.filter((entry) => !isMeant(entry));
        if (kept.length === entries.length) return entries;
        for (const entry of entries)
          if (!kept.includes(entry)) removed.push(entry.annotations?.[nameKey] ?? entry.digest);
        return kept;
      });
      return removed;
    },

    hold: (digests) => store.pin(digests),
    prune: (pruneOptions = {}) => prune(store, pruneOptions),
    verify: () => verifyLayout(store),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
