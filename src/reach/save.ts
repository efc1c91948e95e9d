import { mkdir } from "node:fs/promises";
import { formatReport } from "../cnb/report-file.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { hexOf } from "../oci/digest.ts";
import { documentsOf, type Identity, type Image } from "../oci/image.ts";
import type { Index } from "../oci/manifest.ts";
import { familiarName, type Reference } from "../oci/reference.ts";
import { type Emit, logTo } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import { writeText } from "../std/file.ts";
import { hostPath, under } from "../std/path.ts";
import type { BlobSource, ImageStore, StoredImage } from "../store/contract.ts";
import type { Outside } from "./outside.ts";
import { distinctNames, type ImagePlace } from "./place.ts";

/** An image that has been made, and where it goes. */
export interface Saving {
  readonly image: Image;
  readonly blobs: BlobSource;
  readonly target: ImagePlace;
  /** More names: in the target's store, or in the local one when the target is a directory or file. */
  readonly tags: readonly Reference[];
  readonly local: ImageStore;
  readonly emit: Emit;
}

/** What stands where now; `names` are as people write them. */
export interface Saved {
  readonly identity: Identity;
  readonly names: readonly string[];
}

/** Writes an image under all of its names and says so in the reference's words. */
export async function saveImage({ image, blobs, target, tags, local, emit }: Saving): Promise<Saved> {
  const log = logTo(emit);
  const isNamed = target.kind !== "exchange";
  const names = distinctNames([...target.names, ...(isNamed ? tags : [])]);
  log.info(`Saving ${target.text}...`);
  const identity = await target.images.write(image, names, blobs);
  if (!isNamed && tags.length > 0) await local.write(image, tags, blobs);
  const shown = isNamed ? names.map(familiarName) : [target.text, ...tags.map(familiarName)];
  const id =
    target.kind === "registry" ? identity.digest : identity.imageId.slice("sha256:".length, "sha256:".length + 12);
  log.info(`*** Images (${id}):`);
  for (const name of shown) log.info(`      ${name}`);
  log.debug(`*** Digest: ${identity.digest}`);
  return { identity, names: shown };
}

/** An image for several platforms that has been made, and where it goes. */
export interface IndexSaving extends Pick<Saving, "target" | "tags" | "emit"> {
  readonly images: readonly Pick<Saving, "image" | "blobs">[];
  /** Images that are in it as they were. */
  readonly others: readonly StoredImage[];
  /** The index of images with these descriptors, in the order of `images` and then of `others`. */
  readonly listed: (descriptors: readonly Descriptor[]) => Index;
}

/** What stands where now; of the index only the digest, and of each of `images` its identity. */
export interface SavedIndex extends Saved {
  readonly images: readonly Identity[];
}

/** Writes the images of an index, then the index under all of its names. Throws Fault `index.place` where no index can be kept. */
export async function saveIndex({ target, tags, emit, images, others, listed }: IndexSaving): Promise<SavedIndex> {
  const log = logTo(emit);
  const { indexes } = target;
  if (!indexes || (target.kind === "exchange" && tags.length > 0))
    throw new Fault("index.place", `Cannot write ${target.text}: an image for several platforms has no place there`, {
      hint: "a registry, the local store or oci:DIR keep them",
    });
  const names = distinctNames([...target.names, ...tags]);
  log.info(`Saving ${target.text}...`);
  const saved: Identity[] = [];
  const descriptors: Descriptor[] = [];
  for (const { image, blobs } of images) {
    const descriptor = await indexes.writePart(image, names, blobs);
    descriptors.push(descriptor);
    const { imageId } = documentsOf(image).identity;
    saved.push({ imageId, digest: descriptor.digest, size: descriptor.size });
  }
  for (const other of others) descriptors.push(await indexes.writePart(other.image, names, other.blobs, other));
  const { digest, size } = await indexes.writeIndex(listed(descriptors), names);
  const shown = target.kind === "exchange" ? [target.text] : names.map(familiarName);
  log.info(`*** Images (${digest}):`);
  for (const name of shown) log.info(`      ${name}`);
  return { identity: { imageId: saved[0]!.imageId, digest, size }, names: shown, images: saved };
}

/**
 * Writes `report.toml` into a directory, which is made when it is not there (Platform spec, "report.toml"). An image that a daemon keeps has what the daemon calls it
 * there and no digest.
 */
export async function writeReport(
  directory: string,
  saved: Saved,
  kind: ImagePlace["kind"],
  outside: Outside,
): Promise<void> {
  const { identity, names } = saved;
  await mkdir(directory, { recursive: true });
  const text = formatReport({
    tags: names,
    ...(kind === "daemon"
      ? { imageId: hexOf((await outside.daemon()).idOf(identity)) }
      : { digest: identity.digest, manifestSize: identity.size }),
  });
  await writeText(under(hostPath(directory), "report.toml"), text);
}
