import type { Descriptor } from "../oci/descriptor.ts";
import type { ByteStream } from "../std/byte.ts";
import type { BlobSource } from "./contract.ts";
import { noteVerified, verified } from "./verify.ts";

/** Several places to read blobs from as one: the first that has a blob gives it. */
export function firstOf(first: BlobSource, ...others: readonly BlobSource[]): BlobSource {
  const find = async (digest: Descriptor["digest"]) => {
    for (const source of [first, ...others]) if (await source.has(digest)) return source;
    return undefined;
  };
  async function* read(descriptor: Descriptor, options: { readonly lends?: boolean } | undefined): ByteStream {
    const source = (await find(descriptor.digest)) ?? first;
    yield* verified(source.open(descriptor, options), descriptor, "its source");
  }
  return {
    has: async (digest) => (await find(digest)) !== undefined,
    open: (descriptor, options) => noteVerified(read(descriptor, options), descriptor),
  };
}
