import { closeSync, constants, fchmodSync, fchownSync, futimesSync, openSync, writeSync } from "node:fs";
import { errnoOf } from "../std/fault.ts";
import { unwritable } from "./fault.ts";
import { systemPath } from "./name.ts";
import type { TarEntry } from "./read.ts";

const exclusive = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Runs `work`; what the system refuses in it is Fault `tar.write` for the entry called `name`. */
export function writing<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw errnoOf(error) === undefined ? error : unwritable(name, error);
  }
}

/** Does `attempt`; when something stands in its way, does `clear` and tries once more. */
export function replacing<T>(attempt: () => T, clear: () => void): T {
  try {
    return attempt();
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    clear();
    return attempt();
  }
}

/** What of a header becomes true of a file beyond its mode. */
export interface Keep {
  readonly owner: boolean;
  readonly time: boolean;
}

/**
 * Writes a new file at `path`, after `clear` where something stands there. Its mode is exact, whatever the umask, and
 * with the bits that a write takes away. Others get their turn by `pause`.
 */
export async function putFile(
  path: string,
  { header, content }: TarEntry,
  keep: Keep,
  clear: () => void,
  pause: () => Promise<void> | undefined,
): Promise<void> {
  const open = () => openSync(systemPath(path), exclusive, 0o600);
  const fd = writing(header.name, () => replacing(open, clear));
  try {
    for await (const part of content) {
      writing(header.name, () => {
        for (let at = 0; at < part.length; ) at += writeSync(fd, part, at);
      });
      const wait = pause();
      if (wait !== undefined) await wait;
    }
    writing(header.name, () => {
      if (keep.owner) fchownSync(fd, header.uid, header.gid);
      fchmodSync(fd, header.mode);
      if (keep.time) futimesSync(fd, header.mtime, header.mtime);
    });
  } finally {
    closeSync(fd);
  }
}
