import type { Descriptor } from "../../oci/descriptor.ts";
import { algorithmOf, type Digest, hexOf } from "../../oci/digest.ts";
import {
  encodeManifest,
  type Index,
  isIndex,
  type Manifest,
  manifestLimit,
  parseManifest,
} from "../../oci/manifest.ts";
import { mediaTypes } from "../../oci/media-type.ts";
import { getManifest, putManifest } from "./manifest.ts";
import { headerOf, type Reply } from "./reply.ts";
import { ask, placeOf, type Repository } from "./repository.ts";
import { nextPage } from "./tag.ts";

/** The tag under which registries that know no referrers keep those of a digest (distribution spec, "Referrers Tag Schema"). */
export function referrersTag(digest: Digest): string {
  return `${algorithmOf(digest)}-${hexOf(digest)}`.slice(0, 128);
}

function manifestsIn(text: string, place: string): readonly Descriptor[] {
  const document = parseManifest(text, place);
  return isIndex(document) ? document.manifests : [];
}

async function readTagged(at: Repository, digest: Digest): Promise<readonly Descriptor[]> {
  const found = await getManifest(at, referrersTag(digest));
  return found === undefined ? [] : manifestsIn(found.bytes.toString(), `referrers of ${placeOf(at, digest)}`);
}

/**
 * The manifests whose subject is this digest, of one artifact type if that is given: as the registry lists them, or as the tag for
 * registries that do not (distribution spec, "Listing Referrers").
 */
export async function listReferrers(
  at: Repository,
  digest: Digest,
  artifactType?: string,
): Promise<readonly Descriptor[]> {
  const query = artifactType === undefined ? "" : `?${new URLSearchParams({ artifactType })}`;
  const isWanted = (found: Descriptor) => artifactType === undefined || found.artifactType === artifactType;
  const listed: Descriptor[] = [];
  let to: string | URL | undefined = `referrers/${digest}${query}`;
  while (to !== undefined && listed.length < manifestLimit) {
    const request = { method: "GET", to, headers: { accept: mediaTypes.oci.index }, hold: manifestLimit } as const;
    const reply: Reply = await ask(at, "pull", request, [200, 400, 404, 405, 501]);
    const isList = reply.status === 200 && (headerOf(reply, "content-type") ?? "").startsWith(mediaTypes.oci.index);
    if (!isList) return (await readTagged(at, digest)).filter(isWanted);
    listed.push(...manifestsIn(reply.body.toString(), `referrers of ${placeOf(at, digest)}`));
    to = nextPage(reply);
  }
  return listed.filter(isWanted);
}

/** Adds a manifest to the tag that lists the referrers of its subject, for registries that do not list them themselves. */
export async function addReferrer(at: Repository, document: Manifest | Index, own: Descriptor): Promise<void> {
  if (document.subject === undefined) return;
  const present = await readTagged(at, document.subject.digest);
  if (present.some((found) => found.digest === own.digest)) return;
  const artifactType = document.artifactType ?? (isIndex(document) ? undefined : document.config.mediaType);
  const entry: Descriptor = {
    ...own,
    ...(document.annotations && { annotations: document.annotations }),
    ...(artifactType !== undefined && { artifactType }),
  };
  const index: Index = { mediaType: mediaTypes.oci.index, manifests: [...present, entry] };
  await putManifest(at, referrersTag(document.subject.digest), index.mediaType, encodeManifest(index));
}
