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

/** The names in a directory, in the order of their bytes reversed: the last one is the first to visit. */
function namesIn(path: string): string[] {
  try {
    return readdirSync(systemPath(path), "latin1").sort().reverse();
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * Everything at and below `root` in the order of Go's filepath.Walk: a directory before what is in it, names by their
 * bytes. Others get their turn while it works. Throws Fault `tar.read` for what cannot be read or vanishes meanwhile.
 */
export async function* walkTree(root: HostPath, signal?: AbortSignal): AsyncGenerator<TreeEntry> {
  const pause = turns(signal);
  const base = byteString(root);
  const trail: { readonly path: string; readonly names: string[] }[] = [];
  const visit = (path: string): TreeEntry => {
    const full = path === "" ? base : `${base}/${path}`;
    const stats = lstat(full);
    if (stats.isDirectory()) trail.push({ path: path === "" ? "" : `${path}/`, names: namesIn(full) });
    return { path: path as ByteString, stats };
  };
  yield visit("");
  for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
    const name = top.names.pop();
    if (name === undefined) {
      trail.pop();
      continue;
    }
    const wait = pause();
    if (wait !== undefined) await wait;
    yield visit(top.path + name);
  }
}
