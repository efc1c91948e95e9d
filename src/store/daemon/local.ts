import type { Digest } from "../../oci/digest.ts";
import type { HostPath } from "../../std/path.ts";
import type { BlobSource } from "../contract.ts";
import { blobSize } from "../layout/folder.ts";

/** Blobs on this machine, found by digest without a descriptor. */
export interface LocalBlobs extends BlobSource {
  /** The length of a blob in bytes, undefined when it is not here. */
  sizeOf(digest: Digest): Promise<number | undefined>;
}

/** The blobs of the layout at `root`, which `layout` was opened at; what is found there is held as `layout` holds it. */
export function localBlobs(layout: BlobSource, root: HostPath): LocalBlobs {
  return {
    has: (digest) => layout.has(digest),
    open: (descriptor) => layout.open(descriptor),
    sizeOf: async (digest) => ((await layout.has(digest)) ? blobSize(root, digest) : undefined),
  };
}
