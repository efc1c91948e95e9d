import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../../oci/digest.ts";
import type { HostPath } from "../../std/path.ts";
import type { BlobSource } from "../contract.ts";
import { firstOf } from "../first-of.ts";
import { blobSize } from "../layout/folder.ts";
import { verified } from "../verify.ts";

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

/** The tars of a directory in the form of the reference's launch cache, `committed/<diffID>.tar`, verified where they are read. */
export function launchBlobs(root: HostPath): LocalBlobs {
  const pathOf = (digest: Digest) => join(root, "committed", `${digest}.tar`);
  const sizeOf = async (digest: Digest) => {
    const found = await stat(pathOf(digest)).catch(() => undefined);
    return found?.isFile() ? found.size : undefined;
  };
  return {
    has: async (digest) => (await sizeOf(digest)) !== undefined,
    open: (descriptor) => verified(createReadStream(pathOf(descriptor.digest)), descriptor, root),
    sizeOf,
  };
}

/** Several places as one: the first that has a blob gives it. */
export function firstLocal(first: LocalBlobs, ...others: readonly LocalBlobs[]): LocalBlobs {
  return {
    ...firstOf(first, ...others),
    async sizeOf(digest) {
      for (const place of [first, ...others]) {
        const size = await place.sizeOf(digest);
        if (size !== undefined) return size;
      }
      return undefined;
    },
  };
}
