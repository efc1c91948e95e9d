import fileSystem from "node:fs";
import type { HostPath } from "../std/path.ts";
import { unreadable } from "./fault.ts";
import { type ByteString, byteString } from "./name.ts";

/** What `lstat` says of all that stands at and below a directory, in one table: an object for each file would cost more than the call. */
export interface TreeList {
  /** The directory. */
  readonly root: ByteString;
  /** The paths below it, the empty one of the directory itself first, a directory before what is in it and names by their bytes, with zero bytes between them. */
  readonly paths: string;
  /** What the symbolic links among them lead to, in the same order, with zero bytes between them. */
  readonly targets: string;
  /** Ten numbers for each path, where `column` says. */
  readonly table: Float64Array;
}

/** Where the numbers of an entry stand in its part of the table: those of Node's `Stats` with these names. */
export const column = {
  mode: 0,
  size: 1,
  mtimeMs: 2,
  ctimeMs: 3,
  ino: 4,
  uid: 5,
  gid: 6,
  dev: 7,
  nlink: 8,
  rdev: 9,
} as const;

/** So many numbers an entry has. */
export const width = 10;

/** Why a tree could not be listed. */
export interface Unlisted {
  readonly path: string;
  readonly code: string | undefined;
  readonly message: string;
}

/**
 * Lists a directory tree but for what is called `without` in its root, links not followed; undefined when it has more than `most` entries. It knows nothing but what it
 * is given, since its text runs in threads too.
 */
export function listTree(
  fs: typeof fileSystem,
  root: string,
  without: string | undefined,
  most = Number.POSITIVE_INFINITY,
): TreeList | Unlisted | undefined {
  const ascii = /^[\0-\x7f]*$/;
  const paths: string[] = [];
  const targets: string[] = [];
  const above: { full: string; path: string; names: string[]; at: number }[] = [];
  let table = new Float64Array(10 << 10);
  let used = 0;
  let full = root;
  let path = "";
  try {
    for (;;) {
      const place = ascii.test(full) ? full : Buffer.from(full, "latin1");
      const stats = fs.lstatSync(place);
      const kind = stats.mode & 0o170000;
      if (used === table.length) {
        const longer = new Float64Array(2 * used);
        longer.set(table);
        table = longer;
      }
      table[used++] = stats.mode;
      table[used++] = stats.size;
      table[used++] = stats.mtimeMs;
      table[used++] = stats.ctimeMs;
      table[used++] = stats.ino;
      table[used++] = stats.uid;
      table[used++] = stats.gid;
      table[used++] = stats.dev;
      table[used++] = stats.nlink;
      table[used++] = stats.rdev;
      paths.push(path);
      if (kind === 0o120000) targets.push(fs.readlinkSync(place, "latin1"));
      if (kind === 0o040000) {
        const names: string[] = fs.readdirSync(place, "latin1").sort();
        const gone = path === "" && without !== undefined ? names.indexOf(without) : -1;
        if (gone >= 0) names.splice(gone, 1);
        above.push({ full: `${full}/`, path: path === "" ? "" : `${path}/`, names, at: 0 });
      }
      let next = above[above.length - 1];
      while (next !== undefined && next.at === next.names.length) {
        above.pop();
        next = above[above.length - 1];
      }
      if (next === undefined) break;
      if (paths.length >= most) return undefined;
      const name = next.names[next.at++]!;
      full = next.full + name;
      path = next.path + name;
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { path: full, code, message };
  }
  return {
    root: root as ByteString,
    paths: paths.join("\0"),
    targets: targets.join("\0"),
    table: table.slice(0, used),
  };
}

/** Lists a tree, here or elsewhere. Throws Fault `tar.read` for what cannot be read or vanishes meanwhile, and the signal's reason once it is aborted. */
export type Lister = (
  root: HostPath,
  options?: { readonly without?: string | undefined; readonly signal?: AbortSignal | undefined },
) => Promise<TreeList>;

/** The list, or Fault `tar.read`. */
export function listed(found: TreeList | Unlisted): TreeList {
  if ("table" in found) return found;
  throw unreadable(found.path, Object.assign(new Error(found.message), found.code && { code: found.code }));
}

/** Lists a tree at once; nobody else gets a turn meanwhile. */
export const listHere: Lister = async (root, { without, signal } = {}) => {
  signal?.throwIfAborted();
  return listed(listTree(fileSystem, byteString(root), without)!);
};

/** What a list says of one entry. */
export interface Listed {
  readonly path: ByteString;
  /** Of a symbolic link. */
  readonly target: ByteString | undefined;
  readonly mode: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  readonly uid: number;
  readonly gid: number;
  readonly dev: number;
  readonly nlink: number;
  readonly rdev: number;
}

/** Calls `visit` with each entry of a list, the same object each time. */
export function visitList({ paths, targets, table }: TreeList, visit: (entry: Listed) => void): void {
  const links = targets.split("\0");
  const entry = { target: undefined as ByteString | undefined } as { -readonly [key in keyof Listed]: Listed[key] };
  let at = 0;
  let link = 0;
  for (const path of paths.split("\0")) {
    entry.path = path as ByteString;
    entry.mode = table[at + column.mode]!;
    entry.size = table[at + column.size]!;
    entry.mtimeMs = table[at + column.mtimeMs]!;
    entry.ctimeMs = table[at + column.ctimeMs]!;
    entry.ino = table[at + column.ino]!;
    entry.uid = table[at + column.uid]!;
    entry.gid = table[at + column.gid]!;
    entry.dev = table[at + column.dev]!;
    entry.nlink = table[at + column.nlink]!;
    entry.rdev = table[at + column.rdev]!;
    entry.target = isLink(entry) ? (links[link++] as ByteString) : undefined;
    visit(entry);
    at += width;
  }
}

const kinds = 0o170000;

/** Whether it is a file, a directory, a symbolic link. */
export function isFile({ mode }: Pick<Listed, "mode">): boolean {
  return (mode & kinds) === 0o100000;
}

export function isDirectory({ mode }: Pick<Listed, "mode">): boolean {
  return (mode & kinds) === 0o040000;
}

export function isLink({ mode }: Pick<Listed, "mode">): boolean {
  return (mode & kinds) === 0o120000;
}
