import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { HostPath } from "../std/path.ts";
import { unreadable } from "./fault.ts";
import { column, isDirectory, isFile, isLink, type Listed, listHere, type TreeList, width } from "./list.ts";
import { systemPath } from "./name.ts";

/** What a look at a directory tree, without reading its files, tells of their content. */
export interface TreeState {
  /**
   * Equal for two looks only when a layer made from the tree would have the same bytes, as long as each look was `settledBefore` the moment it
   * began.
   */
  readonly digest: string;
  /** The youngest change time of a file, in milliseconds since 1970 by the file system's clock; -Infinity when there is no file. */
  readonly youngest: number;
  /** Whether unpacking a layer made from the tree would give the same tree: files with one name each, directories and links, all of the caller's. */
  readonly isPlain: boolean;
}

/** What a file's mark is made of. */
export type Marked = Pick<Listed, "mode" | "size" | "mtimeMs" | "ctimeMs" | "ino">;

/**
 * What changes when a file's content, mode or place on the disk does. The change time is the kernel's own: no program can set it, and every
 * write, also through a mapping, moves it. The content of a directory is seen by walking, of a link by reading it.
 */
export function fileMark(stats: Marked): string {
  return `${stats.mode.toString(8)} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs} ${stats.ino}`;
}

/**
 * Whether a file last changed at `youngest` must show a later change time after any further change, given a file time `moment` from before it was looked
 * at: two changes within one tick of the file system's clock look the same, so what is not older than the moment tells nothing.
 */
export function settledBefore(moment: number, youngest: number): boolean {
  return youngest < moment;
}

/** A file longer than this, in bytes, is never read for a fingerprint. */
const readable = 4096;

/** How a tree is looked at. */
export interface LookOptions {
  /** Directories of it whose files count by their content, as they are often written again with the same one; only those of at most 4 KiB are read. */
  readonly reads?: readonly string[];
}

function contentOf(path: string): string {
  try {
    return readFileSync(systemPath(path), "latin1");
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The contents that count, by where their files stand in the table. */
function contentsOf({ root, paths, table }: TreeList, directories: readonly string[]): ReadonlyMap<number, string> {
  const contents = new Map<number, string>();
  if (!directories.some((name) => paths.includes(`\0${name}/`))) return contents;
  for (const [row, path] of paths.split("\0").entries()) {
    if (!directories.some((name) => path.startsWith(`${name}/`))) continue;
    const at = row * width;
    const isRead = isFile({ mode: table[at + column.mode]! }) && table[at + column.size]! <= readable;
    if (isRead) contents.set(at, contentOf(`${root}/${path}`));
  }
  return contents;
}

/**
 * What a list of a tree tells. Times of directories are left out, as what they would tell is told by what is in them. Throws Fault `tar.read` for a file that is
 * to be read and cannot be.
 */
export function stateOf(list: TreeList, { reads = [] }: LookOptions = {}): TreeState {
  const user = process.geteuid?.();
  const contents = contentsOf(list, reads);
  // What counts, hashed in one piece: a word for each entry would cost more than to look at its file did.
  const table = list.table.slice();
  const device = table[column.dev];
  let youngest = Number.NEGATIVE_INFINITY;
  let isPlain = true;
  for (let at = 0; at < table.length; at += width) {
    const mode = table[at + column.mode]!;
    isPlain &&= table[at + column.uid] === user && table[at + column.dev] === device;
    const isOfFile = isFile({ mode });
    // A number too large for its type may stand for several.
    isPlain &&= isOfFile
      ? table[at + column.nlink] === 1 && Number.isSafeInteger(table[at + column.ino])
      : isDirectory({ mode }) || isLink({ mode });
    if (isOfFile && !contents.has(at)) youngest = Math.max(youngest, table[at + column.ctimeMs]!);
    else table.fill(0, at + column.size, at + column.rdev);
  }
  const numbers = createHash("sha256").update(table);
  const words = createHash("sha256").update(JSON.stringify([list.paths.length, [...contents]]));
  words.update(list.paths, "latin1").update(list.targets, "latin1");
  return { digest: words.digest("hex") + numbers.digest("hex"), youngest, isPlain };
}

/** Looks at everything at and below `root`. Throws Fault `tar.read`. */
export async function stateOfTree(root: HostPath, options: LookOptions = {}): Promise<TreeState> {
  return stateOf(await listHere(root), options);
}
