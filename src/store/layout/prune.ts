import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "../../oci/descriptor.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import { errnoOf, Fault, reasonOf } from "../../std/fault.ts";
import { systemFault } from "../failure.ts";
import { blobPath, blobSize } from "./folder.ts";
import { isLayout, nameKey } from "./index-file.ts";
import { clearDeadLeases, pinnedIn, whilePruning } from "./lease.ts";
import type { Held } from "./lock.ts";
import { reach } from "./reach.ts";
import type { LayoutStore } from "./store.ts";

/** What a prune keeps and whether it deletes. */
export interface PruneOptions {
  /** More blobs to keep; asked for when no writer can add to them unseen any more, so read them from the disk only then. */
  readonly keep?: () => Promise<Iterable<Digest>>;
  /** Clears up what is kept by digest beside the blobs; `pinned` says what running processes rely on, and nobody comes to rely on more meanwhile. */
  readonly also?: (pinned: ReadonlySet<Digest>) => Promise<void>;
  /** Only count. */
  readonly dryRun?: boolean;
}

/** What a prune deleted, or would delete. */
export interface Pruned {
  readonly blobs: number;
  readonly bytes: number;
}

async function namesAt(path: string): Promise<string[]> {
  return readdir(path).catch((error) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw systemFault("read image layout", path, error);
  });
}

async function allBlobs(root: string): Promise<Digest[]> {
  const found: Digest[] = [];
  for (const algorithm of await namesAt(join(root, "blobs"))) {
    for (const hex of await namesAt(join(root, "blobs", algorithm))) {
      const digest = `${algorithm}:${hex}`;
      if (isDigest(digest)) found.push(digest);
    }
  }
  return found;
}

async function needed(store: LayoutStore): Promise<Map<Digest, Descriptor>> {
  const seen = new Map<Digest, Descriptor>();
  for (const entry of await store.entries()) {
    try {
      await reach(store, entry, store.root, seen);
    } catch (cause) {
      const name = entry.annotations?.[nameKey] ?? entry.digest;
      throw new Fault("store.prune", `Cannot prune ${store.root}: what ${name} needs is unknown (${reasonOf(cause)})`, {
        cause,
        hint: `write ${name} again or remove it, then prune`,
      });
    }
  }
  return seen;
}

/** Deletes the blobs that neither an index entry, nor a running writer, nor `keep` needs. */
export async function prune(store: LayoutStore, options: PruneOptions): Promise<Pruned> {
  const { root } = store;
  if (!(await isLayout(root))) return { blobs: 0, bytes: 0 };
  const sweep = async (held?: Held): Promise<Pruned> => {
    // Pins before names: a writer drops its pins only after its names are written.
    const pinned = await pinnedIn(root);
    if (!options.dryRun) await options.also?.(pinned);
    const kept = new Set(options.keep ? await options.keep() : []);
    const reachable = await needed(store);
    let blobs = 0;
    let bytes = 0;
    for (const digest of await allBlobs(root)) {
      if (pinned.has(digest) || kept.has(digest) || reachable.has(digest)) continue;
      if (held?.isLost()) break;
      const size = await blobSize(root, digest);
      if (size === undefined) continue;
      if (!options.dryRun) await rm(blobPath(root, digest), { force: true });
      blobs += 1;
      bytes += size;
    }
    return { blobs, bytes };
  };
  if (options.dryRun) return sweep();
  return whilePruning(root, async (held) => {
    await clearDeadLeases(root);
    return sweep(held);
  });
}
