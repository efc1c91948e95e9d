import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { Digest } from "../../oci/digest.ts";
import type { Documents, Image } from "../../oci/image.ts";
import type { Index } from "../../oci/manifest.ts";
import type { ByteStream, Bytes } from "../../std/byte.ts";
import { errnoOf, Fault } from "../../std/fault.ts";
import { readText } from "../../std/file.ts";
import type { BlobSource, BlobStore } from "../contract.ts";
import { indexText } from "../document.ts";
import { systemFault } from "../failure.ts";
import { blobsOf, bringLayers } from "../transfer.ts";
import { missingBlob } from "../verify.ts";
import { blobPath, blobSize, flush, openBlob, placeBlob, stageBlob } from "./folder.ts";
import { isLayout, makeLayout, nameKey, readIndex, updateIndex } from "./index-file.ts";
import { type Lease, openLease } from "./lease.ts";
import { type EntryMarks, entryOf } from "./listing.ts";
import { Sink } from "./sink.ts";

/**
 * An OCI image layout on disk that several processes write at once (OCI image spec, "Image Layout"). What it keeps or finds while it
 * is open is safe from a prune until it is disposed of; how, `Lease` tells.
 */
export class LayoutStore implements BlobStore, AsyncDisposable {
  readonly root: string;
  readonly #holds: boolean;
  #lease: Promise<Lease> | undefined;
  readonly #sink = new Sink();
  /** Blobs this store wrote whose bytes may not be on the disk yet. */
  readonly #unflushed = new Set<Digest>();

  /** `holds`: protect what is found too, not only what is written; it takes the right to write. */
  constructor(root: string, holds: boolean) {
    this.root = root;
    this.#holds = holds;
  }

  async has(digest: Digest): Promise<boolean> {
    await this.hold([digest]);
    return (await blobSize(this.root, digest)) !== undefined;
  }

  open(descriptor: Descriptor, options: { readonly lends?: boolean } = {}): ByteStream {
    return openBlob(this.root, descriptor, options.lends);
  }

  async put(mediaType: string, bytes: Bytes, expected?: Digest): Promise<Descriptor> {
    return this.#under(await this.#writing(), async (lease) => {
      const staged = await stageBlob(this.#sink, join(lease.folder, randomUUID()), bytes, expected);
      await lease.pin([staged.digest]);
      await placeBlob(this.root, staged);
      this.#unflushed.add(staged.digest);
      return { mediaType, size: staged.size, digest: staged.digest };
    });
  }

  /** The entries of the index; none when there is no layout yet. */
  async entries(): Promise<readonly Descriptor[]> {
    return (await readIndex(this.root)).manifests;
  }

  /** Keeps blobs from being pruned while this store is open, when it was opened to hold what it finds or has written already. */
  async hold(digests: Iterable<Digest>): Promise<void> {
    if (this.#lease === undefined && !(this.#holds && (await isLayout(this.root)))) return;
    const lease = await this.#writing();
    await lease.pin(digests);
  }

  /** Keeps digests from being pruned while this store is open, whether anything has them or not; it takes the right to write. */
  async pin(digests: Iterable<Digest>): Promise<void> {
    await this.#under(await this.#writing(), (lease) => lease.pin(digests));
  }

  /** Stores an image after all of its blobs, an index entry for each of `marks`: annotations, the name among them. */
  async write(image: Image, documents: Documents, marks: readonly EntryMarks[], from: BlobSource): Promise<void> {
    const { manifest, identity } = documents;
    const blobs = blobsOf(documents);
    const digests = [identity.digest, ...blobs.map((blob) => blob.digest)];
    await this.#under(await this.#writing(), (lease) => lease.pin(digests));
    const isWhole = async (blob: Descriptor) => (await blobSize(this.root, blob.digest)) === blob.size;
    const kept = {
      mediaType: manifest.mediaType,
      size: Buffer.byteLength(documents.manifestText),
      digest: identity.digest,
    };
    const fresh = marks.map((mark) => entryOf(kept, documents, image, mark));
    if (await this.#isWritten(documents, fresh, [kept, ...blobs])) return;
    await bringLayers(documents, from, this, isWhole);
    await this.put(manifest.config.mediaType, [Buffer.from(documents.configText)], manifest.config.digest);
    await this.put(kept.mediaType, [Buffer.from(documents.manifestText)], kept.digest);
    await this.#flush([kept, ...blobs]);
    const names = new Set(marks.map((mark) => mark[nameKey]));
    await this.update(async (entries) => {
      for (const blob of [kept, ...blobs])
        if (!(await isWhole(blob))) throw missingBlob(blob.digest, blobPath(this.root, blob.digest));
      return [...entries.filter((entry) => !names.has(entry.annotations?.[nameKey])), ...fresh];
    });
  }

  /** Stores an index whose manifests are here, an entry for each of `marks`. */
  async writeIndex(index: Index, marks: readonly EntryMarks[], text?: string): Promise<Descriptor> {
    const digests = index.manifests.map((manifest) => manifest.digest);
    await this.#under(await this.#writing(), (lease) => lease.pin(digests));
    const kept = await this.put(index.mediaType, [Buffer.from(indexText(index, text))]);
    await this.#flush([kept, ...index.manifests]);
    const names = new Set(marks.map((mark) => mark[nameKey]));
    const fresh = marks.map((mark): Descriptor => ({ ...kept, annotations: mark }));
    await this.update(async (entries) => {
      for (const { digest } of index.manifests)
        if ((await blobSize(this.root, digest)) === undefined) throw missingBlob(digest, blobPath(this.root, digest));
      return [...entries.filter((entry) => !names.has(entry.annotations?.[nameKey])), ...fresh];
    });
    return kept;
  }

  /** Changes the entries of the index in one step; see `updateIndex`. */
  async update(change: (entries: readonly Descriptor[]) => Promise<readonly Descriptor[]>): Promise<void> {
    const lease = await this.#writing();
    await updateIndex(this.root, lease.folder, async (entries) => {
      if (await lease.isHeld()) return change(entries);
      throw this.#lostLease();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    await this.#sink[Symbol.asyncDispose]();
    await (await lease?.catch(() => undefined))?.release();
  }

  /** Runs a step that relies on the lease; when it fails because the lease is gone, the fault says that instead. */
  async #under<T>(lease: Lease, step: (lease: Lease) => Promise<T>): Promise<T> {
    try {
      return await step(lease);
    } catch (error) {
      const isSystems = error instanceof Fault && error.code === "store.system";
      throw isSystems && !(await lease.isHeld()) ? this.#lostLease(error) : error;
    }
  }

  #lostLease(cause?: unknown): Fault {
    const found = "this process did not move for so long that another cleared up after it";
    return new Fault("store.lease", `Cannot write image layout at ${this.root}: ${found}`, {
      cause,
      hint: "start again",
    });
  }

  /** Whether all of an image is here already, under its names and no others of theirs, and on the disk. */
  async #isWritten(documents: Documents, fresh: readonly Descriptor[], blobs: readonly Descriptor[]): Promise<boolean> {
    if (blobs.some(({ digest }) => this.#unflushed.has(digest))) return false;
    const names = new Set(fresh.map((entry) => entry.annotations?.[nameKey]));
    const found = (await this.entries()).filter((entry) => names.has(entry.annotations?.[nameKey]));
    // What is undefined in an entry is not in the file.
    const wanted = JSON.parse(JSON.stringify(fresh)) as Descriptor[];
    const isSame =
      found.length === wanted.length && wanted.every((entry) => found.some((one) => isDeepStrictEqual(one, entry)));
    if (!isSame) return false;
    for (const { digest, size } of blobs) if ((await blobSize(this.root, digest)) !== size) return false;
    const texts = [documents.manifestText, documents.configText];
    const digests = [documents.identity.digest, documents.manifest.config.digest];
    const there = await Promise.all(digests.map((digest) => readText(blobPath(this.root, digest))));
    return there.every((text, at) => text === texts[at]);
  }

  #writing(): Promise<Lease> {
    this.#lease ??= this.#begin().catch((error) => {
      this.#lease = undefined;
      throw systemFault("write image layout", this.root, error);
    });
    return this.#lease;
  }

  async #begin(): Promise<Lease> {
    await isLayout(this.root);
    const lease = await openLease(this.root);
    await makeLayout(this.root, lease.folder);
    return lease;
  }

  async #flush(blobs: readonly Descriptor[]): Promise<void> {
    const fresh = blobs
      .filter((blob) => this.#unflushed.has(blob.digest))
      .map((blob) => blobPath(this.root, blob.digest));
    const folders = new Set(fresh.map((path) => join(path, "..")));
    try {
      for (const path of [...fresh, ...folders]) await flush(path);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw systemFault("write blobs", this.root, error);
    }
    for (const blob of blobs) this.#unflushed.delete(blob.digest);
  }
}
