import { normalizedTime } from "../cnb/app-image.ts";
import { type CacheMetadata, encodeCacheMetadata, parseCacheMetadata } from "../cnb/cache-file.ts";
import { labelNames } from "../cnb/label.ts";
import { labelsOf } from "../oci/config.ts";
import { diffIdOfTar, digestOf } from "../oci/digest.ts";
import type { Image, Layer } from "../oci/image.ts";
import { compressionOf, mediaTypes } from "../oci/media-type.ts";
import type { Reference } from "../oci/reference.ts";
import { logTo } from "../std/event.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import type { BlobSource, ImageStore, StoredImage } from "../store/contract.ts";
import { firstOf } from "../store/first-of.ts";
import { layerTar } from "../store/layer.ts";
import type { Cache, CachePlace } from "./cache.ts";

/** A cache is an image without a base: its layers are what was cached, a label says whose they are. */
function cacheOf(stored: StoredImage): Cache | undefined {
  const metadata = parseCacheMetadata(labelsOf(stored.image.config)[labelNames.cache]);
  if (!metadata) return undefined;
  return {
    metadata,
    diffIds: stored.image.layers.map((layer) => layer.diffId),
    async *open(diffId) {
      const layer = stored.image.layers.find((item) => item.diffId === diffId);
      if (!layer)
        throw new Fault("cache.missing", `Cannot read cached layer ${diffId}: the cache does not hold it`, {
          exit: "restore",
          hint: "--clear-cache builds without it",
        });
      // What is not compressed is verified where it is read.
      const isPlain = compressionOf(layer.descriptor.mediaType) === "none";
      yield* isPlain ? stored.blobs.open(layer.descriptor) : layerTar(layer, stored.blobs);
    },
  };
}

function imageOf(layers: readonly Layer[], metadata: CacheMetadata): Image {
  return {
    family: "oci",
    layers,
    config: {
      architecture: "",
      os: "linux",
      created: normalizedTime,
      history: layers.map(() => ({ created: normalizedTime })),
      diffIds: layers.map((layer) => layer.diffId),
      config: { Labels: { [labelNames.cache]: encodeCacheMetadata(metadata) } },
    },
  };
}

/** A cache kept as an image under a name. */
export function imageCache(images: ImageStore, name: Reference): CachePlace {
  return {
    async read(emit) {
      try {
        const stored = await images.read(name);
        return stored && cacheOf(stored);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        logTo(emit).warn(`Ignoring the layer cache: ${reasonOf(error)}`);
        return undefined;
      }
    },
    async write({ metadata, layers, blobs }) {
      await images.write(imageOf(layers, metadata), [name], blobs);
    },
  };
}

/** A tar without entries, what the reference puts into a cache without layers: some registries take no image without any. */
const emptyTar = Buffer.alloc(1024);

function emptyLayer(): { readonly layer: Layer; readonly blobs: BlobSource } {
  const digest = digestOf(emptyTar);
  const descriptor = { mediaType: mediaTypes.oci.tar, size: emptyTar.length, digest };
  return {
    layer: { diffId: diffIdOfTar(digest), descriptor },
    blobs: {
      has: async (wanted) => wanted === digest,
      async *open() {
        yield emptyTar;
      },
    },
  };
}

/** A cache kept as an image in a registry, in the reference's form: OCI's types, and never without a layer. */
export function registryCache(images: ImageStore, name: Reference): CachePlace {
  const place = imageCache(images, name);
  return {
    read: (emit) => place.read(emit),
    async write(contents) {
      const empty = emptyLayer();
      const layers = contents.layers.map(({ diffId, descriptor }) => ({
        diffId,
        descriptor: { ...descriptor, mediaType: mediaTypes.oci.tar },
      }));
      const isEmpty = layers.length === 0;
      const blobs = isEmpty ? firstOf(empty.blobs, contents.blobs) : contents.blobs;
      await place.write({ ...contents, layers: isEmpty ? [empty.layer] : layers, blobs });
    },
  };
}
