import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { errnoOf } from "../std/fault.ts";
import { namesIn } from "../std/file.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";

/** The package lists of earlier runs for one selection of sources. Sets are kept and replaced as a whole. */
export interface ListCache {
  /** Copies the kept set into apt's directory; false when there is none. */
  restore(lists: HostPath): Promise<boolean>;
  /** Keeps the set that is in apt's directory. */
  keep(lists: HostPath): Promise<void>;
}

/** What apt itself keeps beside the lists. */
const furniture = ["lock", "partial", "auxfiles"];

async function copyLists(from: HostPath, to: HostPath): Promise<void> {
  for (const name of await namesIn(from))
    if (!furniture.includes(name)) await copyFile(under(from, name), under(to, name));
}

/** Names a set by the signed documents in it: what they say fixes every list. */
async function nameOf(lists: HostPath): Promise<string> {
  const hash = createHash("sha256");
  for (const name of await namesIn(lists))
    if (/_(In)?Release$/.test(name)) hash.update(name).update(await readFile(under(lists, name)));
  return `set-${hash.digest("hex")}`;
}

/** The lists kept below `cache` for a sources file of this text. */
export function listCache(cache: HostPath, sources: string): ListCache {
  const home = under(cache, "lists", createHash("sha256").update(sources).digest("hex"));
  // A link that is replaced by renaming: a reader resolves it once and never sees half of two sets.
  const current = under(home, "current");
  const currentSet = async () => {
    try {
      return await readlink(current);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw error;
    }
  };
  return {
    async restore(lists) {
      const set = await currentSet();
      if (set === undefined) return false;
      await copyLists(under(home, set), lists);
      return true;
    },
    async keep(lists) {
      const [set, previous] = [await nameOf(lists), await currentSet()];
      if (set === previous) return;
      await mkdir(home, { recursive: true });
      const fresh = hostPath(await mkdtemp(`${home}/new-`));
      try {
        await copyLists(lists, fresh);
        await symlink(set, `${fresh}.link`);
        await rename(fresh, under(home, set)).catch((error: unknown) => {
          // Another run has kept the same set.
          if (errnoOf(error) !== "ENOTEMPTY" && errnoOf(error) !== "EEXIST") throw error;
        });
        await rename(`${fresh}.link`, current);
      } finally {
        await rm(fresh, { recursive: true, force: true });
        await rm(`${fresh}.link`, { force: true });
      }
      for (const name of await namesIn(home))
        if (name.startsWith("set-") && name !== set && name !== previous)
          await rm(under(home, name), { recursive: true, force: true });
    },
  };
}
