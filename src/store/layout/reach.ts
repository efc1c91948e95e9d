import type { Descriptor } from "../../oci/descriptor.ts";
import type { Digest } from "../../oci/digest.ts";
import { isIndex } from "../../oci/manifest.ts";
import type { BlobSource } from "../contract.ts";
import { readManifest } from "../document.ts";

/**
 * Every blob an index entry needs, itself included, into `seen`; what is there already is not read again.
 * Throws Fault when a manifest on the way cannot be read.
 */
export async function reach(
  blobs: BlobSource,
  entry: Descriptor,
  place: string,
  seen: Map<Digest, Descriptor>,
): Promise<void> {
  if (seen.has(entry.digest)) return;
  const { document } = await readManifest(blobs, entry, `manifest ${entry.digest} at ${place}`);
  if (isIndex(document)) for (const child of document.manifests) await reach(blobs, child, place, seen);
  else for (const blob of [document.config, ...document.layers]) seen.set(blob.digest, blob);
  seen.set(entry.digest, entry);
}
