import { mkdir } from "node:fs/promises";
import { formatReport } from "./cnb/report-file.ts";
import type { Identity, Image } from "./oci/image.ts";
import { familiarName, type Reference } from "./oci/reference.ts";
import { distinctNames, type ImagePlace } from "./place.ts";
import { type Emit, logTo } from "./std/event.ts";
import { writeText } from "./std/file.ts";
import { hostPath, under } from "./std/path.ts";
import type { BlobSource, ImageStore } from "./store/contract.ts";

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

/** Writes `report.toml` into a directory, which is made when it is not there (Platform spec, "report.toml"). */
export async function writeReport(directory: string, { identity, names }: Saved): Promise<void> {
  await mkdir(directory, { recursive: true });
  const text = formatReport({ tags: names, digest: identity.digest, manifestSize: identity.size });
  await writeText(under(hostPath(directory), "report.toml"), text);
}
