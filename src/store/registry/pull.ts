import type { Descriptor } from "../../oci/descriptor.ts";
import type { Digest } from "../../oci/digest.ts";
import { familyOf } from "../../oci/media-type.ts";
import type { Platform } from "../../oci/platform.ts";
import { formatReference, type Reference } from "../../oci/reference.ts";
import { type BlobSource, isStoredIndex, type StoredImage, type StoredIndex } from "../contract.ts";
import { readImage, readWhole } from "../document.ts";
import type { Located } from "./hosts.ts";
import { getManifest } from "./manifest.ts";
import { keepConfig, type Nearby } from "./nearby.ts";
import type { Recent } from "./recent.ts";
import { documentSource, repositoryBlobs } from "./source.ts";

/** What images are read with. */
export interface PullOptions {
  readonly nearby: Nearby | undefined;
  readonly recent: Recent;
}

interface Top {
  readonly documents: BlobSource;
  readonly descriptor: Descriptor;
  readonly blobs: BlobSource;
}

async function readTop({ at, flow }: Located, name: Reference, nearby: Nearby | undefined): Promise<Top | undefined> {
  const top = await getManifest(at, name.digest ?? name.tag ?? "latest");
  if (top === undefined) return undefined;
  const blobs = repositoryBlobs(at, flow);
  const { digest, bytes } = top;
  // What else a registry says of a manifest's type is no reason to refuse it.
  const mediaType = familyOf(top.mediaType) === undefined ? "" : top.mediaType;
  const descriptor = { mediaType, digest, size: bytes.length };
  return { documents: documentSource(at, top, nearby), descriptor, blobs };
}

/** Remembers what an image proves to be in its repository, and keeps its config at hand. */
async function seen({ at, presence }: Located, stored: StoredImage, top: Top, { nearby }: PullOptions) {
  await keepConfig(nearby, stored.identity.imageId, stored.configText);
  presence.saw(at, stored.image);
  presence.sawBlob(at, stored.identity.imageId);
  return { ...stored, blobs: top.blobs };
}

/** The image under a name's tag or digest in a repository, undefined when there is none; what the repository was seen to have is remembered. */
export async function pullImage(
  located: Located,
  name: Reference,
  platform: Platform | undefined,
  options: PullOptions,
): Promise<StoredImage | undefined> {
  const top = await readTop(located, name, options.nearby);
  if (top === undefined) return undefined;
  const { recent } = options;
  const recall = (digest: Digest) => recent.recall(digest);
  const stored = await readImage(top.documents, top.descriptor, formatReference(name), platform, recall);
  recent.keep(stored);
  return seen(located, stored, top, options);
}

/** What stands under a name's tag or digest, whole: an image, or the index of one for several platforms; undefined when there is nothing. */
export async function pullWhole(
  located: Located,
  name: Reference,
  options: PullOptions,
): Promise<StoredImage | StoredIndex | undefined> {
  const top = await readTop(located, name, options.nearby);
  if (top === undefined) return undefined;
  const found = await readWhole(top.documents, top.descriptor, formatReference(name));
  if (!isStoredIndex(found)) return seen(located, found, top, options);
  return { ...found, read: async (entry) => seen(located, await found.read(entry), top, options) };
}
