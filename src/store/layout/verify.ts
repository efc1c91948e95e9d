import type { Descriptor } from "../../oci/descriptor.ts";
import type { Digest } from "../../oci/digest.ts";
import { Fault } from "../../std/fault.ts";
import { nameKey } from "./index-file.ts";
import { reach } from "./reach.ts";
import type { LayoutStore } from "./store.ts";

/** What was read, and what was found wrong. */
export interface Verified {
  readonly blobs: number;
  readonly bytes: number;
  /** One for each image and damaged or missing blob of it. */
  readonly problems: readonly { readonly image: string; readonly fault: Fault }[];
}

async function damageOf(work: () => Promise<unknown>): Promise<Fault | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

/** Reads and hashes every blob the index entries need, each once. */
export async function verifyLayout(store: LayoutStore): Promise<Verified> {
  const damage = new Map<Digest, Fault | undefined>();
  const problems: { image: string; fault: Fault }[] = [];
  let bytes = 0;
  const read = async (blob: Descriptor) => {
    if (!damage.has(blob.digest)) {
      const fault = await damageOf(async () => {
        for await (const part of store.open(blob)) bytes += part.length;
      });
      damage.set(blob.digest, fault);
    }
    return damage.get(blob.digest);
  };
  for (const entry of await store.entries()) {
    const image = entry.annotations?.[nameKey] ?? entry.digest;
    const blobs = new Map<Digest, Descriptor>();
    const fault = await damageOf(() => reach(store, entry, store.root, blobs));
    if (fault) problems.push({ image, fault });
    for (const blob of blobs.values()) {
      const broken = await read(blob);
      if (broken) problems.push({ image, fault: broken });
    }
  }
  return { blobs: damage.size, bytes, problems };
}
