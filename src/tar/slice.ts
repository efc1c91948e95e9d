import { posix } from "node:path";
import { matcher } from "./glob.ts";
import type { ByteString } from "./name.ts";

/** A path below the app directory (empty for the directory itself) and whether a directory stands there. */
export interface SlicePath {
  readonly path: ByteString;
  readonly isDirectory: boolean;
}

/** The path of the directory something is in; undefined for the app directory itself. */
function parentOf(path: string): ByteString | undefined {
  return path === "" ? undefined : (path.slice(0, Math.max(0, path.lastIndexOf("/"))) as ByteString);
}

/** The lexically shortest spelling of a pattern, as Go's filepath.Clean gives it. */
function cleaned(pattern: string): string {
  return posix.normalize(pattern).replace(/(.)\/+$/, "$1");
}

function depthOf(path: string): number {
  return path === "" ? 0 : path.split("/").length;
}

/**
 * Deals out the paths of an app directory (a tree in walk order, beginning with its root) to slices, and what no slice
 * took to one more part at the end: one list for each slice, plus one, every list in byte order of its paths.
 *
 * A pattern that matches a directory takes all in it. What an earlier slice took is gone. The directories above what a
 * slice took are listed in it too; one whose content is all taken is taken with it, another one appears again later.
 * Throws Fault `slice.pattern` for a pattern whose syntax is wrong.
 */
export function planSlices(tree: readonly SlicePath[], slices: readonly (readonly string[])[]): ByteString[][] {
  const children = new Map<string, ByteString[]>();
  for (const { path, isDirectory } of tree) {
    if (isDirectory) children.set(path, []);
    const parent = parentOf(path);
    if (parent !== undefined) children.get(parent)?.push(path);
  }
  const taken = new Set<string>();

  const take = (path: ByteString, into: Set<ByteString>): void => {
    const open = [path];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (taken.has(next)) continue;
      taken.add(next);
      into.add(next);
      open.push(...(children.get(next) ?? []));
    }
  };

  const parts = slices.map((patterns) => {
    const files = new Set<ByteString>();
    for (const pattern of patterns) {
      const matches = matcher(cleaned(pattern));
      for (const { path } of tree) if (path !== "" && matches(path)) take(path, files);
    }
    const above = new Set<ByteString>();
    for (const path of files)
      for (let parent = parentOf(path); parent !== undefined && !above.has(parent); parent = parentOf(parent))
        if (!files.has(parent)) above.add(parent);
    for (const directory of [...above].sort((a, b) => depthOf(b) - depthOf(a)))
      if (children.get(directory)?.every((child) => taken.has(child))) taken.add(directory);
    return [...files, ...above];
  });
  const rest = tree.map(({ path }) => path).filter((path) => !taken.has(path));
  return [...parts, rest].map((part) => part.sort());
}
