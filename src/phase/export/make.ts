import { createHash } from "node:crypto";
import type { Descriptor } from "../../oci/descriptor.ts";
import { type DiffId, diffIdOfTar, digestFrom, tarDigestOf } from "../../oci/digest.ts";
import type { Layer } from "../../oci/image.ts";
import { type Family, mediaTypes } from "../../oci/media-type.ts";
import type { BlobStore } from "../../store/contract.ts";
import type { LayerTar } from "../../tar/layer.ts";
import type { Verdict } from "../kept/record.ts";

/** A layer that is to be in an image or a cache. */
export interface LayerRequest {
  /** What messages call it, `<buildpack id>:<layer>`. */
  readonly id: string;
  /** Its line in the image's history. */
  readonly createdBy: string;
  readonly tar: LayerTar;
  /** What a look at the files tells: a tar we know is not made again while the store has it, nor one that was made ahead, one whose files were touched is not hashed first. */
  readonly verdict?: Verdict | undefined;
  /** What an earlier build recorded as its diffID, anything or nothing: when it still is one of them, nothing is written. */
  readonly known: readonly (string | undefined)[];
  /** DiffIDs that are written even when the store has them. */
  readonly damaged: ReadonlySet<string>;
}

/** A layer that now stands in the store; `size` is its tar's length in bytes. */
export interface MadeLayer {
  readonly id: string;
  readonly createdBy: string;
  readonly layer: Layer;
  readonly size: number;
  /** Whether it is what an earlier build recorded. */
  readonly isKnown: boolean;
  /** Whether it was written to the store now. */
  readonly isWritten: boolean;
  /** Whether its files were read for it just now. */
  readonly isRead: boolean;
}

async function measure(tar: LayerTar, signal: AbortSignal | undefined): Promise<{ diffId: DiffId; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of tar.lend(signal)) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { diffId: diffIdOfTar(digestFrom(hash)), size };
}

/** Makes sure a layer's tar is in the store; one that an earlier build recorded is hashed first, as it seldom changes, and then not written again. */
export async function makeLayer(
  store: BlobStore,
  family: Family,
  request: LayerRequest,
  signal?: AbortSignal,
): Promise<MadeLayer> {
  const mediaType = mediaTypes[family].tar;
  const made = ({ size, digest }: Omit<Descriptor, "mediaType">, isWritten: boolean, isRead = true): MadeLayer => ({
    id: request.id,
    createdBy: request.createdBy,
    layer: { diffId: diffIdOfTar(digest), descriptor: { mediaType, size, digest } },
    size,
    isKnown: request.known.includes(digest),
    isWritten,
    isRead,
  });
  const isThere = async (diffId: DiffId) => !request.damaged.has(diffId) && (await store.has(tarDigestOf(diffId)));
  const { tar, verdict, known } = request;
  const isTouched = verdict === "touched";
  if (verdict && !isTouched && "ahead" in verdict) {
    const written = await verdict.ahead;
    if (written !== undefined) return made(written, true, false);
  } else if (verdict && !isTouched && (await isThere(verdict.diffId)))
    return made({ size: verdict.size, digest: tarDigestOf(verdict.diffId) }, false, false);
  if (isTouched || !known.some((sha) => sha && !request.damaged.has(sha)))
    return made(await store.put(mediaType, tar.lend(signal)), true);
  const { diffId, size } = await measure(tar, signal);
  if (await isThere(diffId)) return made({ size, digest: tarDigestOf(diffId) }, false);
  return made(await store.put(mediaType, tar.lend(signal), tarDigestOf(diffId)), true);
}
