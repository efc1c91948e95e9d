import type { Digest } from "../../oci/digest.ts";
import { mediaTypes } from "../../oci/media-type.ts";
import { Fault } from "../../std/fault.ts";
import type { BlobSource, BlobStore } from "../contract.ts";

/** A place on this machine where configs may be at hand; without `put` nothing is added to it. */
export type Nearby = BlobSource & Partial<Pick<BlobStore, "put">>;

/** Keeps a config for the next time somebody asks for its image: it is not fetched again then. A place that cannot take it does no harm. */
export async function keepConfig(nearby: Nearby | undefined, digest: Digest, text: string): Promise<void> {
  if (nearby?.put === undefined || (await nearby.has(digest))) return;
  try {
    await nearby.put(mediaTypes.oci.config, [Buffer.from(text)], digest);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}
