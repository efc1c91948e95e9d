import pLimit from "p-limit";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { Digest } from "../../oci/digest.ts";
import { type Documents, type Image, type Layer, withLayers } from "../../oci/image.ts";
import type { Compressor } from "../../oci/media-type.ts";
import type { Emit } from "../../std/event.ts";
import type { BlobSource, DocumentTexts } from "../contract.ts";
import { documentsFor } from "../document.ts";
import { hasBlob } from "./download.ts";
import { RefusedFault } from "./failure.ts";
import { compressedType, type Freight, freightOf, isForeign, type LayerTypes, onwardFreight } from "./freight.ts";
import type { Located } from "./hosts.ts";
import { putManifest } from "./manifest.ts";
import { mountBlob } from "./mount.ts";
import { addReferrer } from "./referrer.ts";
import { type Session, upload } from "./upload.ts";

/** A repository an image goes to, and under which tags or digests; without any, under its own digest. */
export interface Destination extends Located {
  readonly references: readonly string[];
}

/** How images are pushed. */
export interface PushOptions {
  readonly compression: Compressor;
  readonly layerTypes: LayerTypes;
  readonly chunkSize: number | undefined;
  readonly emit: Emit;
}

/** What is to be pushed. */
export interface Shipment {
  readonly image: Image;
  readonly blobs: BlobSource;
  readonly texts: DocumentTexts | undefined;
}

/** How many layers of one image are looked for, or taken over, at the same time. */
const lookups = 4;
/** Bytes sent between two reports of progress. */
const reportStep = 1 << 20;

class Push {
  readonly #options: PushOptions;
  /** Whether what was seen before this push is relied on. */
  readonly #isTrusting: boolean;

  constructor(options: PushOptions, isTrusting: boolean) {
    this.#options = options;
    this.#isTrusting = isTrusting;
  }

  /** Brings every layer to a repository; resolves to the image with its layers as they are there. */
  async bringLayers(to: Destination, image: Image, freights: ReadonlyMap<Digest, Freight>): Promise<Image> {
    const failures: unknown[] = [];
    const brought = new Map<Digest, Descriptor>();
    const bring = async ([digest, freight]: [Digest, Freight]) => {
      if (failures.length > 0) return;
      try {
        brought.set(digest, await this.#bring(to, freight));
      } catch (error) {
        failures.push(error);
      }
    };
    const few = pLimit(lookups);
    await Promise.all([...freights].map((entry) => few(bring, entry)));
    if (failures.length > 0) throw failures[0];
    const layers = image.layers.map(({ diffId, descriptor }): Layer => {
      return { diffId, descriptor: brought.get(descriptor.digest) ?? descriptor };
    });
    return withLayers(image, layers);
  }

  async #bring(to: Destination, freight: Freight): Promise<Descriptor> {
    const { at, presence } = to;
    const { descriptor, layer } = freight;
    if (descriptor && isForeign(descriptor.mediaType)) return descriptor;
    const session = descriptor && (await this.#find(to, descriptor.digest));
    if (session === "there") return descriptor!;
    const loaded = await to.uploads(() => upload(at, freight.cargo, this.#uploadOptions(layer), session));
    presence.sawBlob(at, loaded.digest);
    if (descriptor?.digest === loaded.digest) return descriptor;
    const { compression, layerTypes } = this.#options;
    const { mediaType, ...rest } = layer.descriptor;
    if (compression === "none") return layer.descriptor;
    return { ...rest, mediaType: compressedType(mediaType, compression, layerTypes), ...loaded };
  }

  /** Whether the repository has the blob, asked for or taken over from another; the upload the registry opened instead of that, if it did. */
  async #find(to: Destination, digest: Digest): Promise<"there" | Session | undefined> {
    const { at, presence } = to;
    if (this.#isTrusting && presence.has(at, digest)) return "there";
    const elsewhere = presence.elsewhere(at, digest);
    if (elsewhere !== undefined) {
      const session = await mountBlob(at, digest, elsewhere);
      if (session === undefined) presence.sawBlob(at, digest);
      return session ?? "there";
    }
    if (!(await hasBlob(at, digest, "push"))) return undefined;
    presence.sawBlob(at, digest);
    return "there";
  }

  /** Brings a config to a repository. */
  async bringConfig({ at, presence }: Destination, { identity, manifest, configText }: Documents): Promise<void> {
    if (this.#isTrusting && presence.has(at, identity.imageId)) return;
    const bytes = Buffer.from(configText);
    await upload(
      at,
      {
        expected: manifest.config,
        open: async function* () {
          yield bytes;
        },
      },
      {},
    );
    presence.sawBlob(at, identity.imageId);
  }

  /** Puts a manifest under its names in a repository that has everything it lists. */
  async bringManifest(to: Destination, { identity, manifest, manifestText }: Documents): Promise<void> {
    const { at } = to;
    for (const reference of to.references.length > 0 ? to.references : [identity.digest]) {
      const { isListed } = await putManifest(at, reference, manifest.mediaType, manifestText);
      if (manifest.subject === undefined || isListed) continue;
      const { digest, size } = identity;
      await addReferrer(at, manifest, { mediaType: manifest.mediaType, size, digest });
    }
  }

  #uploadOptions({ diffId }: Layer) {
    const { chunkSize, emit } = this.#options;
    let next = reportStep;
    const onProgress = (done: number) => {
      if (done < next) return;
      next = done + reportStep;
      emit({ type: "progress", task: `push ${diffId.slice(7, 19)}`, done, unit: "byte" });
    };
    return { chunkSize, onProgress };
  }
}

function isBlobUnknown(error: unknown): boolean {
  const codes = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"];
  return error instanceof RefusedFault && error.errors.some((code) => codes.includes(code));
}

async function attempt(
  { image, blobs, texts }: Shipment,
  destinations: readonly [Destination, ...Destination[]],
  options: PushOptions,
  isTrusting: boolean,
  check: (documents: Documents) => void,
): Promise<Documents> {
  const push = new Push(options, isTrusting);
  const [first, ...others] = destinations;
  const known = (layer: Layer) => (isTrusting ? first.presence.layerOf(first.at, layer.diffId) : undefined);
  const freights = new Map(
    image.layers.map((layer) => [layer.descriptor.digest, freightOf(layer, blobs, options.compression, known(layer))]),
  );
  // The config names the tars of layers, whatever they are compressed to, so it need not wait for them.
  const early = documentsFor(image, texts);
  const [layers, config] = await Promise.allSettled([
    push.bringLayers(first, image, freights),
    push.bringConfig(first, early),
  ]);
  if (layers.status === "rejected") throw layers.reason;
  if (config.status === "rejected") throw config.reason;
  const placed = layers.value;
  const isAsItWas = image.layers.every(({ descriptor }, at) => descriptor === placed.layers[at]!.descriptor);
  const documents = isAsItWas ? early : documentsFor(placed, texts);
  check(documents);
  const settled = new Map(
    image.layers.map(({ descriptor: { digest } }, at) => [
      digest,
      onwardFreight(freights.get(digest)!, placed.layers[at]!.descriptor, first),
    ]),
  );
  for (const other of others) {
    await push.bringLayers(other, image, settled);
    await push.bringConfig(other, documents);
  }
  for (const to of destinations) await push.bringManifest(to, documents);
  for (const { at, presence } of destinations) presence.saw(at, placed);
  return documents;
}

/**
 * Pushes an image to repositories: layers, compressed in the stream, and config first, then the manifest, so that no tag ever points to an
 * incomplete image. What was seen in a registry is not asked for again; when it proves to be gone, everything is looked at once more.
 * `check` sees the documents before anything is named.
 */
export async function pushImage(
  shipment: Shipment,
  destinations: readonly [Destination, ...Destination[]],
  options: PushOptions,
  check: (documents: Documents) => void,
): Promise<Documents> {
  try {
    return await attempt(shipment, destinations, options, true, check);
  } catch (error) {
    if (!isBlobUnknown(error)) throw error;
    for (const { at, presence } of destinations) presence.forget(at);
    return await attempt(shipment, destinations, options, false, check);
  }
}
