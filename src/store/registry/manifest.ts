import type { Digest } from "../../oci/digest.ts";
import { isDigest } from "../../oci/digest.ts";
import { manifestLimit } from "../../oci/manifest.ts";
import { mediaTypes } from "../../oci/media-type.ts";
import { corruptBlob, digestLike } from "../verify.ts";
import { oddFault } from "./failure.ts";
import { headerOf } from "./reply.ts";
import { actionOn, ask, placeOf, type Repository } from "./repository.ts";

const { oci, docker } = mediaTypes;
const accepted = [oci.manifest, oci.index, docker.manifest, docker.index].join(", ");

/** A manifest or index as the registry has it, verified. */
export interface StoredDocument {
  readonly digest: Digest;
  readonly bytes: Buffer;
  /** As the registry says, without parameters. */
  readonly mediaType: string;
}

/**
 * The manifest or index under a tag or digest, undefined when there is none. Throws Fault `blob.corrupt` when its bytes are not those the
 * digest asked for, or the one the registry announced, stands for.
 */
export async function getManifest(at: Repository, reference: string | Digest): Promise<StoredDocument | undefined> {
  const request = {
    method: "GET",
    to: `manifests/${reference}`,
    headers: { accept: accepted },
    hold: manifestLimit,
  } as const;
  const reply = await ask(at, "pull", request, [200, 404]);
  if (reply.status === 404) return undefined;
  const bytes = reply.body;
  const own = digestLike(undefined, bytes);
  for (const wanted of [reference, headerOf(reply, "docker-content-digest")]) {
    if (wanted === undefined || wanted === own || !isDigest(wanted)) continue;
    const found = digestLike(wanted, bytes);
    if (found !== wanted) throw corruptBlob(wanted, placeOf(at), `its content has digest ${found}`);
  }
  const mediaType = (headerOf(reply, "content-type") ?? "").replace(/;.*$/, "").trim();
  return { digest: isDigest(reference) ? reference : own, bytes, mediaType };
}

/**
 * Puts a manifest or index under a tag or its digest; what it names must be there. Resolves to whether the registry itself lists it among
 * the referrers of its subject (distribution spec, "Pushing Manifests with Subject").
 */
export async function putManifest(
  at: Repository,
  reference: string | Digest,
  mediaType: string,
  text: string,
): Promise<{ readonly isListed: boolean }> {
  const reply = await ask(
    at,
    "push",
    { method: "PUT", to: `manifests/${reference}`, headers: { "content-type": mediaType }, body: Buffer.from(text) },
    [200, 201, 202],
  );
  const announced = headerOf(reply, "docker-content-digest");
  if (announced !== undefined && isDigest(announced) && announced !== digestLike(announced, text))
    throw oddFault(actionOn(at, "push"), `it stored the manifest as ${announced}, which is not what was sent`);
  return { isListed: headerOf(reply, "oci-subject") !== undefined };
}
