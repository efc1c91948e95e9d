import { familyOf } from "../../oci/media-type.ts";
import type { Platform } from "../../oci/platform.ts";
import { formatReference, type Reference } from "../../oci/reference.ts";
import type { StoredImage } from "../contract.ts";
import { readImage } from "../document.ts";
import type { Located } from "./hosts.ts";
import { getManifest } from "./manifest.ts";
import { keepConfig, type Nearby } from "./nearby.ts";
import { documentSource, repositoryBlobs } from "./source.ts";

/** How images are read. */
export interface PullOptions {
  readonly platform: Platform | undefined;
  readonly nearby: Nearby | undefined;
}

/** The image under a name's tag or digest in a repository, undefined when there is none; what the repository was seen to have is remembered. */
export async function pullImage(
  { at, presence, flow }: Located,
  name: Reference,
  { platform, nearby }: PullOptions,
): Promise<StoredImage | undefined> {
  const top = await getManifest(at, name.digest ?? name.tag ?? "latest");
  if (top === undefined) return undefined;
  const blobs = repositoryBlobs(at, flow);
  const { digest, bytes } = top;
  // What else a registry says of a manifest's type is no reason to refuse it.
  const mediaType = familyOf(top.mediaType) === undefined ? "" : top.mediaType;
  const documents = documentSource(at, top, blobs, nearby);
  const place = formatReference(name);
  const stored = await readImage(documents, { mediaType, digest, size: bytes.length }, place, platform);
  await keepConfig(nearby, stored.identity.imageId, stored.configText);
  presence.saw(at, stored.image);
  presence.sawBlob(at, stored.identity.imageId);
  return { ...stored, blobs };
}
