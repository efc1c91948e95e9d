import { lstat } from "node:fs/promises";
import type Docker from "dockerode";
import { type HostPath, under } from "../../std/path.ts";
import { fileMark, stateOfTree } from "../../tar/fingerprint.ts";
import type { Ids } from "../account.ts";
import type { Mount } from "../contract.ts";
import { download } from "./download.ts";
import { execute } from "./exec.ts";
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
  let count = 0;
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
    },
    async fetch() {
      for (const mount of mounts.filter(({ access }) => access === "rw")) {
        count += 1;
        await download(container, mount, mounts, under(scratch, `arriving-${count}`));
        known.set(mount, await stateOf(mount.host));
      }
    },
  };
}
