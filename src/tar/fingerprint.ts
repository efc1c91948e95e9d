import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { HostPath } from "../std/path.ts";
import { unreadable } from "./fault.ts";
import { isDirectory, isFile, isLink, type Listed, listHere, type TreeList, visitList } from "./list.ts";
import { type ByteString, systemPath } from "./name.ts";

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

function markOf(entry: Listed): string {
  const mode = entry.mode.toString(8);
  if (isDirectory(entry)) return mode;
  return isLink(entry) ? `${mode} ${entry.target}` : `${mode} ${entry.rdev}`;
}

/** A file longer than this, in bytes, is never read for a fingerprint. */
const readable = 4096;

function contentOf(path: string, mode: number): string {
  try {
    // The length tells where it ends.
    const content = readFileSync(systemPath(path), "latin1");
    return `${mode.toString(8)} ${content.length} ${content}`;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** How a tree is looked at. */
export interface LookOptions {
  /** Which files count by their content, as they are often written again with the same one; only those of at most 4 KiB are read. */
  readonly reads?: (path: ByteString) => boolean;
}

/** Hashes two streams, one of words and one of numbers, gathered into pieces worth a call. */
class Print {
  readonly #words = createHash("sha256");
  readonly #numbers = createHash("sha256");
  readonly #table = new Float64Array(5 << 10);
  #text = "";
  #used = 0;

  /** Adds a word; none may hold a zero byte unless its length can be told from those before. */
  word(text: string): void {
    this.#text += `${text}\0`;
    if (this.#text.length < 1 << 16) return;
    this.#words.update(this.#text, "latin1");
    this.#text = "";
  }

  /** Adds what `fileMark` spells out, as five numbers. */
  mark({ mode, size, mtimeMs, ctimeMs, ino }: Marked): void {
    const table = this.#table;
    let at = this.#used;
    table[at++] = mode;
    table[at++] = size;
    table[at++] = mtimeMs;
    table[at++] = ctimeMs;
    table[at++] = ino;
    if (at === table.length) this.#numbers.update(table);
    this.#used = at === table.length ? 0 : at;
  }

  digest(): string {
    const numbers = this.#numbers.update(this.#table.subarray(0, this.#used));
    return this.#words.update(this.#text, "latin1").digest("hex") + numbers.digest("hex");
  }
}

/**
 * What a list of a tree tells. Times of directories are left out, as what they would tell is told by what is in them. Throws Fault `tar.read` for a file that is
 * to be read and cannot be.
 */
export function stateOf(list: TreeList, { reads }: LookOptions = {}): TreeState {
  const user = process.geteuid?.();
  const print = new Print();
  let device: number | undefined;
  let youngest = Number.NEGATIVE_INFINITY;
  let isPlain = true;
  visitList(list, (entry) => {
    device ??= entry.dev;
    isPlain &&= entry.uid === user && entry.dev === device;
    print.word(entry.path);
    if (!isFile(entry)) {
      print.word(markOf(entry));
      isPlain &&= isDirectory(entry) || isLink(entry);
      return;
    }
    // A number too large for its type may stand for several.
    isPlain &&= entry.nlink === 1 && Number.isSafeInteger(entry.ino);
    if (entry.size <= readable && reads?.(entry.path) === true) {
      print.word(contentOf(`${list.root}/${entry.path}`, entry.mode));
      return;
    }
    print.word("");
    print.mark(entry);
    if (entry.ctimeMs > youngest) youngest = entry.ctimeMs;
  });
  return { digest: print.digest(), youngest, isPlain };
}

/** Looks at everything at and below `root`. Throws Fault `tar.read`. */
export async function stateOfTree(root: HostPath, options: LookOptions = {}): Promise<TreeState> {
  return stateOf(await listHere(root), options);
}
