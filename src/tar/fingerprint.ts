import { createHash } from "node:crypto";
import { readFileSync, readlinkSync, type Stats } from "node:fs";
import type { HostPath } from "../std/path.ts";
import { unreadable } from "./fault.ts";
import { type ByteString, systemPath } from "./name.ts";
import { visitTree } from "./walk.ts";

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

/**
 * What changes when a file's content, mode or place on the disk does. The change time is the kernel's own: no program can set it, and every
 * write, also through a mapping, moves it. The content of a directory is seen by walking, of a link by reading it.
 */
export function fileMark(stats: Stats): string {
  return `${stats.mode.toString(8)} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs} ${stats.ino}`;
}

/**
 * Whether a file last changed at `youngest` must show a later change time after any further change, given a file time `moment` from before it was looked
 * at: two changes within one tick of the file system's clock look the same, so what is not older than the moment tells nothing.
 */
export function settledBefore(moment: number, youngest: number): boolean {
  return youngest < moment;
}

function markOf(path: string, stats: Stats): string {
  const mode = stats.mode.toString(8);
  if (stats.isDirectory()) return mode;
  if (!stats.isSymbolicLink()) return `${mode} ${stats.rdev}`;
  try {
    return `${mode} ${readlinkSync(systemPath(path), "latin1")}`;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A file longer than this, in bytes, is never read for a fingerprint. */
const readable = 4096;

function contentOf(path: string, stats: Stats): string {
  try {
    // The length tells where it ends.
    const content = readFileSync(systemPath(path), "latin1");
    return `${stats.mode.toString(8)} ${content.length} ${content}`;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** How a tree is looked at. */
export interface LookOptions {
  readonly signal?: AbortSignal | undefined;
  /** Is told of every file that is not read. */
  readonly each?: (path: ByteString, stats: Stats) => void;
  /** Is told of everything. */
  readonly all?: (path: ByteString, stats: Stats) => void;
  /** A name in the root that is left out. */
  readonly without?: string;
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
  mark({ mode, size, mtimeMs, ctimeMs, ino }: Stats): void {
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
 * Looks at everything at and below `root`. Times of directories are left out, as what they would tell is told by what is in them. Throws
 * Fault `tar.read`.
 */
export async function stateOfTree(root: HostPath, options: LookOptions = {}): Promise<TreeState> {
  const { reads, each, all, signal, without } = options;
  const user = process.geteuid?.();
  const print = new Print();
  let device: number | undefined;
  let youngest = Number.NEGATIVE_INFINITY;
  let isPlain = true;
  const visit = (path: ByteString, stats: Stats, full: string): void => {
    all?.(path, stats);
    device ??= stats.dev;
    isPlain &&= stats.uid === user && stats.dev === device;
    print.word(path);
    if (!stats.isFile()) {
      print.word(markOf(full, stats));
      isPlain &&= stats.isDirectory() || stats.isSymbolicLink();
      return;
    }
    // A number too large for its type may stand for several.
    isPlain &&= stats.nlink === 1 && Number.isSafeInteger(stats.ino);
    if (stats.size <= readable && reads?.(path) === true) {
      print.word(contentOf(full, stats));
      return;
    }
    print.word("");
    print.mark(stats);
    if (stats.ctimeMs > youngest) youngest = stats.ctimeMs;
    each?.(path, stats);
  };
  await visitTree(root, visit, { signal, without });
  return { digest: print.digest(), youngest, isPlain };
}
