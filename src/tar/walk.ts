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

/** As many entries are visited between two looks at the clock. */
const stride = 16;

/** What is still to be visited of a tree. */
class Trail {
  readonly #frames: Frame[] = [];
  readonly #pause: () => Promise<void> | undefined;
  readonly #signal: AbortSignal | undefined;
  #count = 0;

  readonly #without: string | undefined;

  constructor(signal: AbortSignal | undefined, without?: string) {
    this.#signal = signal;
    this.#pause = turns(signal);
    this.#without = without;
  }

  /** Calls `visit` with the entry at `full`, and remembers what is in it. */
  visit<T>(full: string, path: string, visit: (path: ByteString, stats: Stats, full: string) => T): T {
    const stats = lstat(full);
    const above = path === "" ? "" : `${path}/`;
    if (stats.isDirectory()) {
      const all = namesIn(full);
      const names = path === "" && this.#without !== undefined ? all.filter((name) => name !== this.#without) : all;
      this.#frames.push({ full: `${full}/`, path: above, names, at: 0 });
    }
    return visit(path as ByteString, stats, full);
  }

  /** The directory that has the next name; undefined at the end. */
  next(): Frame | undefined {
    const frames = this.#frames;
    let top = frames.at(-1);
    while (top !== undefined && top.at === top.names.length) {
      frames.pop();
      top = frames.at(-1);
    }
    return top;
  }

  /** A promise to wait for when others have waited long enough. */
  pause(): Promise<void> | undefined {
    this.#signal?.throwIfAborted();
    this.#count += 1;
    return this.#count % stride === 0 ? this.#pause() : undefined;
  }
}

/**
 * Everything at and below `root` in the order of Go's filepath.Walk: a directory before what is in it, names by their
 * bytes. Others get their turn while it works. Throws Fault `tar.read` for what cannot be read or vanishes meanwhile.
 */
export async function* walkTree(root: HostPath, signal?: AbortSignal): AsyncGenerator<TreeEntry> {
  const trail = new Trail(signal);
  const entry = (path: ByteString, stats: Stats): TreeEntry => ({ path, stats });
  yield trail.visit(byteString(root), "", entry);
  for (let top = trail.next(); top !== undefined; top = trail.next()) {
    const name = top.names[top.at++]!;
    const wait = trail.pause();
    if (wait !== undefined) await wait;
    yield trail.visit(top.full + name, top.path + name, entry);
  }
}

/**
 * Calls `visit` with all that `walkTree` would give, but for the name `without` in the root, and with its full path, a byte string; at half the cost, for
 * it waits for nobody in between.
 */
export async function visitTree(
  root: HostPath,
  visit: (path: ByteString, stats: Stats, full: string) => void,
  { signal, without }: { readonly signal?: AbortSignal | undefined; readonly without?: string | undefined } = {},
): Promise<void> {
  const trail = new Trail(signal, without);
  trail.visit(byteString(root), "", visit);
  for (let top = trail.next(); top !== undefined; top = trail.next()) {
    const name = top.names[top.at++]!;
    const wait = trail.pause();
    if (wait !== undefined) await wait;
    trail.visit(top.full + name, top.path + name, visit);
  }
}
