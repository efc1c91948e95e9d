import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import type { Documents, Image } from "../oci/image.ts";
import { type Index, type Manifest, parseManifest } from "../oci/manifest.ts";
import { type Compressor, compressionOf } from "../oci/media-type.ts";
import type { Platform } from "../oci/platform.ts";
import { formatReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import { logTo } from "../std/event.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import type { BlobSource, DocumentTexts, ImageStore, IndexStore, StoredImage } from "./contract.ts";
import { indexText, manifestDescriptor, textOf } from "./document.ts";
import { checkNames } from "./name.ts";
import type { LayerTypes } from "./registry/freight.ts";
import { type HostSettings, Hosts, type Located } from "./registry/hosts.ts";
import { getManifest, putManifest } from "./registry/manifest.ts";
import { type Mirrors, mirrorsOf } from "./registry/mirror.ts";
import { keepConfig, type Nearby } from "./registry/nearby.ts";
import { type PullOptions, pullImage, pullWhole } from "./registry/pull.ts";
import { type Destination, type PushOptions, pushImage } from "./registry/push.ts";
import { Recent } from "./registry/recent.ts";
import { addReferrer, listReferrers } from "./registry/referrer.ts";
import { mirroredBlobs, repositoryBlobs } from "./registry/source.ts";
import { listTags } from "./registry/tag.ts";
import { tryUpload } from "./registry/upload.ts";

/** How registries are used; everything has a default. */
export interface RegistryOptions extends HostSettings {
  readonly mirrors?: Mirrors;
  /** Which image of a multi-platform one is meant. */
  readonly platform?: Platform;
  /** How layers that are uncompressed are pushed, `gzip` unless said; compressed ones go as they are. */
  readonly compression?: Compressor;
  /** The media types of layers compressed for the registry, `docker` unless said: the reference gives them to new layers of either family. */
  readonly layerTypes?: LayerTypes;
  /** The most bytes one request of an upload carries; without it a blob goes in one request. */
  readonly chunkSize?: number;
  /** Where configs may be at hand: those found there are not asked for, and those that were read or written are kept there. */
  readonly nearby?: Nearby;
}

/** A manifest or index as it stands in a registry. */
export interface FoundDocument {
  readonly document: Manifest | Index;
  readonly text: string;
  readonly descriptor: Descriptor;
}

/** All registries as one image store: the host of a name says which one is meant. */
export interface Registry extends ImageStore, IndexStore, AsyncDisposable {
  /** The tags of a name's repository; undefined when there is no such repository. */
  tags(name: Reference): Promise<readonly string[] | undefined>;
  /** Proves to a registry who we are; false when it asks nobody. Throws Fault `registry.denied` or `registry.auth` when it does not believe it. */
  greet(registry: string): Promise<boolean>;
  /** Begins an upload into every name's repository and takes it back. Throws Fault `registry.denied` or another one where that is refused. */
  ensureWritable(names: readonly Reference[]): Promise<void>;
  /** What refers to the manifest with this digest (signatures, bills of materials), of one artifact type if that is given. */
  referrers(name: Reference, digest: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
  /** The manifest or index under a name, as it is; undefined when there is none. */
  readDocument(name: Reference): Promise<FoundDocument | undefined>;
}

function referenceOf(name: Reference): string {
  return name.tag ?? name.digest ?? "latest";
}

class Registries implements Registry {
  readonly #options: RegistryOptions;
  readonly #hosts: Hosts;
  readonly #pull: PullOptions;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#hosts = new Hosts(options);
    this.#pull = { nearby: options.nearby, recent: new Recent() };
  }

  async read(name: Reference, platform = this.#options.platform): Promise<StoredImage | undefined> {
    const { mirrors, emit, signal } = this.#options;
    for (const mirror of mirrorsOf(name, mirrors ?? {})) {
      try {
        const stored = await pullImage(await this.#hosts.locate(mirror), mirror, platform, this.#pull);
        if (stored) return { ...stored, blobs: mirroredBlobs(stored.blobs, this.#lateBlobs(name)) };
      } catch (error) {
        signal?.throwIfAborted();
        logTo(emit ?? (() => {})).debug(`Mirror ${mirror.registry} is no help: ${reasonOf(error)}`);
      }
    }
    return pullImage(await this.#hosts.locate(name), withDefaultTag(name), platform, this.#pull);
  }

  async readWhole(name?: Reference) {
    if (name === undefined) return undefined;
    return pullWhole(await this.#hosts.locate(name), withDefaultTag(name), this.#pull);
  }

  async write(image: Image, names: readonly Reference[], blobs: BlobSource, texts?: DocumentTexts) {
    const { identity } = await this.#push(image, await this.#destinations(names), blobs, texts, names);
    return identity;
  }

  async writePart(image: Image, names: readonly Reference[], blobs: BlobSource, texts?: DocumentTexts) {
    const repositories = (await this.#destinations(names)).map((to) => ({ ...to, references: [] }));
    return manifestDescriptor(await this.#push(image, repositories, blobs, texts, []));
  }

  async #push(
    image: Image,
    [first, ...others]: readonly Destination[],
    blobs: BlobSource,
    texts: DocumentTexts | undefined,
    names: readonly Reference[],
  ): Promise<Documents> {
    if (first === undefined)
      throw new Fault("registry.name", "Cannot push image: it has no name that says where to", { exit: "usage" });
    await this.#learnLayers(first, image);
    const { compression = "gzip", layerTypes = "docker", chunkSize, emit = () => {} } = this.#options;
    const options: PushOptions = { compression, layerTypes, chunkSize, emit };
    const documents = await pushImage({ image, blobs, texts }, [first, ...others], options, ({ identity }) =>
      checkNames(names, identity.digest),
    );
    await keepConfig(this.#options.nearby, documents.identity.imageId, documents.configText);
    return documents;
  }

  async tags(name: Reference) {
    return listTags((await this.#hosts.locate(name)).at);
  }

  async greet(registry: string) {
    const { client } = (await this.#hosts.locate({ registry, repository: "" })).at;
    await client.expect({ method: "GET", to: "/v2/", scopes: [] }, "log in to", "", [200]);
    return client.isChallenged;
  }

  async ensureWritable(names: readonly Reference[]) {
    await Promise.all((await this.#destinations(names)).map(({ at }) => tryUpload(at)));
  }

  async referrers(name: Reference, digest: Digest, artifactType?: string) {
    return listReferrers((await this.#hosts.locate(name)).at, digest, artifactType);
  }

  async readDocument(name: Reference): Promise<FoundDocument | undefined> {
    const { at } = await this.#hosts.locate(name);
    const found = await getManifest(at, name.digest ?? referenceOf(name));
    if (found === undefined) return undefined;
    const place = `manifest at ${formatReference(name)}`;
    const text = textOf(found.bytes, place);
    const document = parseManifest(text, place);
    const { mediaType } = document;
    return { document, text, descriptor: { mediaType, size: found.bytes.length, digest: found.digest } };
  }

  async writeIndex(index: Index, names: readonly Reference[], said?: string): Promise<Descriptor> {
    const text = indexText(index, said);
    const descriptor = { mediaType: index.mediaType, size: Buffer.byteLength(text), digest: digestOf(text) };
    checkNames(names, descriptor.digest);
    for (const { at, references } of await this.#destinations(names)) {
      for (const reference of references) {
        const { isListed } = await putManifest(at, reference, index.mediaType, text);
        if (!isListed) await addReferrer(at, index, descriptor);
      }
    }
    return descriptor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hosts[Symbol.asyncDispose]();
  }

  /** The names by repository, each reference once. */
  async #destinations(names: readonly Reference[]): Promise<Destination[]> {
    const found = new Map<string, { located: Located; references: Set<string> }>();
    for (const name of names) {
      const key = `${name.registry}/${name.repository}`;
      const entry = found.get(key) ?? { located: await this.#hosts.locate(name), references: new Set() };
      entry.references.add(referenceOf(name));
      found.set(key, entry);
    }
    return [...found.values()].map(({ located, references }) => ({ ...located, references: [...references] }));
  }

  /** Looks at the image that is there now, when layers of the new one may have been compressed for it already. */
  async #learnLayers({ at, presence, references }: Destination, image: Image): Promise<void> {
    if (this.#options.compression === "none" || references[0] === undefined) return;
    const isNew = (layer: Image["layers"][number]) =>
      compressionOf(layer.descriptor.mediaType) === "none" && presence.layerOf(at, layer.diffId) === undefined;
    if (presence.isKnown(at) || !image.layers.some(isNew)) return;
    const name = { registry: at.client.registry, repository: at.name, tag: references[0] };
    try {
      await pullImage(await this.#hosts.locate(name), name, this.#options.platform, this.#pull);
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      // Whatever is wrong with what is there, it is going to be replaced.
      logTo(this.#options.emit ?? (() => {})).debug(
        `Reusing no layers of ${formatReference(name)}: ${reasonOf(error)}`,
      );
    }
  }

  /** The blobs of a name's own registry, which is not spoken to before one is needed. */
  #lateBlobs(name: Reference): BlobSource {
    const blobs = async () => {
      const { at, flow } = await this.#hosts.locate(name);
      return repositoryBlobs(at, flow);
    };
    return {
      has: async (digest) => (await blobs()).has(digest),
      open: async function* (descriptor) {
        yield* (await blobs()).open(descriptor);
      },
    };
  }
}

/**
 * Opens the registries of the world, over the OCI distribution protocol 1.1. Nothing is sent before something is read or written; dispose
 * of it to close its connections.
 */
export function openRegistry(options: RegistryOptions = {}): Registry {
  return new Registries(options);
}
