import { chmodSync, lstatSync, readdirSync, rmdirSync, type Stats, unlinkSync } from "node:fs";
import { systemPath } from "./name.ts";

/** What stands at a path (a byte string), links not followed; undefined when nothing does. */
export function statOf(path: string): Stats | undefined {
  return lstatSync(systemPath(path), { throwIfNoEntry: false });
}

/**
 * Removes what stands at a path (a byte string) and all in it, also where directories forbid to write in them; links
 * are removed, not followed. Tells each directory that is gone. Nothing there is fine.
 */
export function removeAll(path: string, gone: (directory: string) => void): void {
  const found = statOf(path);
  if (found === undefined) return;
  if (!found.isDirectory()) {
    unlinkSync(systemPath(path));
    return;
  }
  // Only a directory its owner may write in can be emptied.
  if ((found.mode & 0o700) !== 0o700) chmodSync(systemPath(path), 0o700);
  for (const name of readdirSync(systemPath(path), "latin1")) removeAll(`${path}/${name}`, gone);
  rmdirSync(systemPath(path));
  gone(path);
}
