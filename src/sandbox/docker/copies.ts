import { lstat } from "node:fs/promises";
import type Docker from "dockerode";
import { isDirectory } from "../../std/file.ts";
import { type HostPath, under } from "../../std/path.ts";
import { fileMark, stateOfTree } from "../../tar/fingerprint.ts";
import type { Ids } from "../account.ts";
import type { Mount } from "../contract.ts";
import { download, downloadEntry } from "./download.ts";
import { execute } from "./exec.ts";
import { changedIn, type Listing, listIn } from "./listing.ts";
import { upload } from "./upload.ts";

/** Keeps a container's copies of mounts and this machine's the same. */
export interface Copies {
  /** Call before a job: what has changed here goes there. Not while another job is running. */
  bring(): Promise<void>;
  /** Call after a job: what may have changed there comes here. */
  fetch(): Promise<void>;
}

/** Nothing to copy: mounts are the machine's own. */
export const noCopies: Copies = { bring: async () => {}, fetch: async () => {} };

async function stateOf(path: HostPath): Promise<string> {
  const stats = await lstat(path);
  return stats.isDirectory() ? (await stateOfTree(path)).digest : fileMark(stats);
}

// Names with a leading dot, too, and no error for patterns that match nothing.
const clear = 'for path; do rm -rf -- "$path"/* "$path"/.[!.]* "$path"/..?* || exit 1; done';

async function clearIn(container: Docker.Container, mounts: readonly Mount[]): Promise<void> {
  const argv = ["/bin/sh", "-c", clear, "sh", ...mounts.map(({ guest }) => guest)];
  await execute(container, { argv, user: "0:0" }, () => {});
}

/** Copies of `mounts`, outermost first; `scratch` is for what is on its way. */
export function copiesOf(container: Docker.Container, mounts: readonly Mount[], user: Ids, scratch: HostPath): Copies {
  const known = new Map<Mount, string>();
  const listings = new Map<Mount, Listing | undefined>();
  const writable = mounts.filter(({ access }) => access === "rw");
  const listingOf = async ({ host, guest }: Mount) =>
    (await isDirectory(host)) ? listIn(container, guest) : undefined;
  let count = 0;
  const fresh = () => {
    count += 1;
    return under(scratch, `arriving-${count}`);
  };
  return {
    async bring() {
      const changed: Mount[] = [];
      for (const mount of mounts) {
        const state = await stateOf(mount.host);
        if (known.get(mount) !== state) changed.push(mount);
        known.set(mount, state);
      }
      if (changed.length === 0) return;
      // What is cleared of one is gone from those inside it.
      const affected = mounts.filter((mount) => changed.some(({ guest }) => `${mount.guest}/`.startsWith(`${guest}/`)));
      await clearIn(container, affected);
      await upload(container, affected, user);
      for (const mount of writable) listings.set(mount, await listingOf(mount));
    },
    async fetch() {
      for (const mount of writable) {
        const [before, after] = [listings.get(mount), await listingOf(mount)];
        listings.set(mount, after);
        // What is not touched here stays what it was, for who knows it by its times.
        if (before === undefined || after === undefined) await download(container, mount, mounts, fresh());
        else
          for (const name of changedIn(before, after))
            await downloadEntry(container, mount, name, after.get(name), mounts, fresh());
        known.set(mount, await stateOf(mount.host));
      }
    },
  };
}
