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

/** The paths a layer has brought about, so that its whiteouts remove only what layers below it brought. */
export class Layer {
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
