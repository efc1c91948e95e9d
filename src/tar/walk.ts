import { lstatSync, readdirSync, type Stats } from "node:fs";
import type { HostPath } from "../std/path.ts";
import { unreadable } from "./fault.ts";
import { type ByteString, byteString, systemPath } from "./name.ts";
import { turns } from "./turn.ts";

/** Something in a directory tree, links not followed. */
export interface TreeEntry {
  /** Below the root, without a leading slash; empty for the root itself. */
  readonly path: ByteString;
  readonly stats: Stats;
}

function lstat(path: string): Stats {
  try {
    return lstatSync(systemPath(path));
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The names in a directory, in the order of their bytes. */
function namesIn(path: string): string[] {
  try {
    return readdirSync(systemPath(path), "latin1").sort();
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A directory being walked: what stands before its names on this machine and in the tree, and how far it is done. */
interface Frame {
  readonly full: string;
  readonly path: string;
  readonly names: readonly string[];
  at: number;
}

/**
 * Everything at and below `root` in the order of Go's filepath.Walk: a directory before what is in it, names by their
 * bytes. Others get their turn while it works. Throws Fault `tar.read` for what cannot be read or vanishes meanwhile.
 */
export async function* walkTree(root: HostPath, signal?: AbortSignal): AsyncGenerator<TreeEntry> {
  const pause = turns(signal);
  const frames: Frame[] = [];
  const enter = (full: string, path: string): TreeEntry => {
    const stats = lstat(full);
    if (stats.isDirectory())
      frames.push({ full: `${full}/`, path: path === "" ? "" : `${path}/`, names: namesIn(full), at: 0 });
    return { path: path as ByteString, stats };
  };
  yield enter(byteString(root), "");
  for (let top = frames.at(-1); top !== undefined; top = frames.at(-1)) {
    const name = top.names[top.at++];
    if (name === undefined) {
      frames.pop();
      continue;
    }
    const wait = pause();
    if (wait !== undefined) await wait;
    yield enter(top.full + name, top.path + name);
  }
}
