import type { Descriptor } from "../../oci/descriptor.ts";
import { familyOf } from "../../oci/media-type.ts";
import { type ByteStream, collect } from "../../std/byte.ts";
import { Fault } from "../../std/fault.ts";
import type { BlobSource } from "../contract.ts";
import { missingBlob, verified } from "../verify.ts";
import { hasBlob, openBlob, readBlob } from "./download.ts";
import { getManifest, type StoredDocument } from "./manifest.ts";
import { placeOf, type Repository } from "./repository.ts";

/** The blobs of a repository, as many at a time as `flow` lets through. */
export function repositoryBlobs(at: Repository, flow: (open: () => ByteStream) => ByteStream): BlobSource {
  return {
    has: (digest) => hasBlob(at, digest),
    open: (descriptor) => flow(() => openBlob(at, descriptor)),
  };
}

/** A small blob that is at hand and whole. */
async function readNear(nearby: BlobSource, descriptor: Descriptor): Promise<Buffer | undefined> {
  try {
    return (await nearby.has(descriptor.digest)) ? await collect(nearby.open(descriptor)) : undefined;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/**
 * The documents of an image as a place to read: `top` is at hand, manifests come from where registries keep them, and what `nearby` has
 * is not asked for.
 */
export function documentSource(at: Repository, top: StoredDocument, nearby: BlobSource | undefined): BlobSource {
  async function* open(descriptor: Descriptor): ByteStream {
    const place = placeOf(at);
    if (descriptor.digest === top.digest) {
      yield top.bytes;
    } else if (familyOf(descriptor.mediaType) !== undefined) {
      const found = await getManifest(at, descriptor.digest);
      if (found === undefined) throw missingBlob(descriptor.digest, place);
      yield* verified([found.bytes], descriptor, place);
    } else {
      const near = nearby && (await readNear(nearby, descriptor));
      yield near ?? (await readBlob(at, descriptor));
    }
  }
  return { has: (digest) => hasBlob(at, digest), open };
}

/** Blobs of a mirror; those it fails to begin with come from the registry itself. */
export function mirroredBlobs(mirror: BlobSource, original: BlobSource): BlobSource {
  return {
    has: async (digest) => (await mirror.has(digest).catch(() => false)) || original.has(digest),
    async *open(descriptor) {
      let isBegun = false;
      try {
        for await (const part of mirror.open(descriptor)) {
          isBegun = true;
          yield part;
        }
        return;
      } catch (error) {
        if (isBegun || !(error instanceof Fault)) throw error;
      }
      yield* original.open(descriptor);
    },
  };
}
