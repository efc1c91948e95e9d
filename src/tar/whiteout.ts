import { readdirSync } from "node:fs";
import { escaping } from "./fault.ts";
import { systemPath } from "./name.ts";
import { statOf } from "./remove.ts";
import type { HostTree } from "./tree.ts";

/**
 * What an entry's name asks for: that a name of the layers below goes, that all of them in its directory go, or
 * nothing.
 */
export type Whiteout = { readonly kind: "one"; readonly name: string } | { readonly kind: "opaque" | "ignored" };

const prefix = ".wh.";

/**
 * What the last part of an entry's name means (OCI image spec, "Whiteouts"); undefined for an ordinary entry. Throws
 * Fault `tar.escape`.
 */
export function whiteoutOf(last: string, entry: string): Whiteout | undefined {
  if (!last.startsWith(prefix)) return undefined;
  const name = last.slice(prefix.length);
  if (name === ".wh..opq") return { kind: "opaque" };
  // Book-keeping of the file system whose marks these are.
  if (name.startsWith(prefix)) return { kind: "ignored" };
  if (name === "" || name === "." || name === "..") throw escaping(entry, "it removes no name of its directory");
  return { kind: "one", name };
}

/** What becomes of the whiteouts of a layer that is unpacked, whatever the order of its entries. */
export interface Whiteouts {
  /** Takes note of a path the layer brings about. */
  add(path: string): void;
  /** What layers below brought about at a path goes, and all in it. */
  removeBelow(tree: HostTree, path: string): void;
  /** What layers below brought about in a directory goes. */
  removeIn(tree: HostTree, directory: string): void;
}

/** Whiteouts that take effect on the layers below, which stand in the same tree: what this layer brought stays. */
export class Applied implements Whiteouts {
  readonly #paths = new Set<string>();

  /** Takes note of a path and of every directory above it. */
  add(path: string): void {
    for (let at = path; at !== "" && !this.#paths.has(at); at = at.slice(0, at.lastIndexOf("/"))) this.#paths.add(at);
  }

  /** Removes what layers below brought about at a path and in it. */
  removeBelow(tree: HostTree, path: string): void {
    if (!this.#paths.has(path)) tree.remove(path);
    else if (statOf(path)?.isDirectory()) this.removeIn(tree, path);
  }

  /** Removes what layers below brought about in a directory. */
  removeIn(tree: HostTree, directory: string): void {
    for (const name of readdirSync(systemPath(directory), "latin1")) this.removeBelow(tree, `${directory}/${name}`);
  }
}
