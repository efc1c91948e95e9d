import type { Descriptor } from "../oci/descriptor.ts";
import type { BlobSource } from "./contract.ts";

/** Several places to read blobs from as one: the first that has a blob gives it. */
export function firstOf(...sources: readonly BlobSource[]): BlobSource {
  const find = async (digest: Descriptor["digest"]) => {
    for (const source of sources) if (await source.has(digest)) return source;
    return undefined;
  };
  return {
    has: async (digest) => (await find(digest)) !== undefined,
    async *open(descriptor) {
      const source = (await find(descriptor.digest)) ?? sources[0];
      if (source) yield* source.open(descriptor);
    },
  };
}
