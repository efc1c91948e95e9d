import { randomUUID } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { check } from "proper-lockfile";
import { type Digest, isDigest } from "../../oci/digest.ts";
import { errnoOf } from "../../std/fault.ts";
import { systemFault } from "../failure.ts";
import { type Held, signOfLife, withLock } from "./lock.ts";

/** After how long without a sign of life a lease counts as that of a killed process, in milliseconds. */
export const leaseStaleAfter = 60_000;
const lockEnd = ".lock";

const leasesIn = (root: string) => join(root, "lease");
const pruneLockIn = (root: string) => join(root, "prune.lock");

/**
 * What a writer relies on while it runs. A lease is a folder (`lease/<id>`, beside it a lock as a sign of life) that holds the
 * writer's temporary files and the list of its pins: digests that a prune must keep although no name leads to them yet.
 *
 * A pin is written down first, and only then the writer looks whether a prune is running; a prune takes its lock first, and only then
 * reads the pins. So whichever comes second sees the other: the prune keeps the blob, or the writer waits and then finds out what is left.
 */
export interface Lease {
  readonly folder: string;
  /** Resolves once the digests are safe from every prune, running or to come. */
  pin(digests: Iterable<Digest>): Promise<void>;
  /** Whether the lease still protects anything: false once another process took it for one of a killed writer. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

async function beginLease(root: string, folder: string) {
  for (let attempt = 1; ; attempt++) {
    await mkdir(leasesIn(root), { recursive: true });
    try {
      return await signOfLife(folder + lockEnd, leaseStaleAfter);
    } catch (error) {
      // The last lease to end removes the folder of leases; it may do so between our two steps.
      if (errnoOf(error) !== "ENOENT" || attempt === 20) throw error;
    }
  }
}

/** Opens a lease in a store and removes those of killed processes. */
export async function openLease(root: string): Promise<Lease> {
  const folder = join(leasesIn(root), randomUUID());
  const life = await beginLease(root, folder);
  await mkdir(folder);
  await clearDeadLeases(root);
  const pinned = new Set<Digest>();
  return {
    folder,
    async pin(digests) {
      const fresh = [...new Set(digests)].filter((digest) => !pinned.has(digest));
      // What is pinned was safe from the prunes that ran then, and later ones read of it.
      if (fresh.length === 0) return;
      try {
        await appendFile(join(folder, "pins"), fresh.map((digest) => `${digest}\n`).join(""));
        if (await exists(pruneLockIn(root))) await withLock(pruneLockIn(root), async () => undefined);
      } catch (error) {
        throw systemFault("write image layout", root, error);
      }
      for (const digest of fresh) pinned.add(digest);
    },
    isHeld: async () => !life.isLost() && (await exists(folder)),
    async release() {
      await rm(folder, { recursive: true, force: true });
      await life.release();
      await rmdir(leasesIn(root)).catch(() => undefined);
    },
  };
}

async function leases(root: string): Promise<{ readonly id: string; readonly isAlive: boolean }[]> {
  const names = await readdir(leasesIn(root)).catch((error) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  const ids = [...new Set(names.map((name) => (name.endsWith(lockEnd) ? name.slice(0, -lockEnd.length) : name)))];
  return Promise.all(
    ids.map(async (id) => {
      const path = join(leasesIn(root), id) + lockEnd;
      return { id, isAlive: await check(path, { lockfilePath: path, realpath: false, stale: leaseStaleAfter }) };
    }),
  );
}

/** Removes the leases of killed processes, with the temporary files they left. */
export async function clearDeadLeases(root: string): Promise<void> {
  for (const { id, isAlive } of await leases(root)) {
    if (isAlive) continue;
    const folder = join(leasesIn(root), id);
    await rm(folder, { recursive: true, force: true });
    await rm(folder + lockEnd, { recursive: true, force: true });
  }
}

/** The digests that running writers rely on. */
export async function pinnedIn(root: string): Promise<Set<Digest>> {
  const pinned = new Set<Digest>();
  for (const { id, isAlive } of await leases(root)) {
    if (!isAlive) continue;
    const text = await readFile(join(leasesIn(root), id, "pins"), "utf8").catch((error) => {
      if (errnoOf(error) === "ENOENT") return "";
      throw error;
    });
    for (const line of text.split("\n")) if (isDigest(line)) pinned.add(line);
  }
  return pinned;
}

/** Runs `work` while no writer can come to rely on a blob it did not rely on before. */
export function whilePruning<T>(root: string, work: (held: Held) => Promise<T>): Promise<T> {
  return withLock(pruneLockIn(root), work);
}
