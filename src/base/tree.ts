import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { compareBytes } from "../std/byte.ts";
import { Fault } from "../std/fault.ts";
import { type ByteString, byteString, textOf } from "../tar/name.ts";
import type { Content, Entry, Package } from "./package.ts";
import { fieldOf } from "./paragraph.ts";

/** One path of the root file system; `owner` is the package it came with, undefined for what we add. */
export type Node = {
  readonly uid: number;
  readonly gid: number;
  readonly owner?: string;
} & (
  | { readonly type: "directory"; readonly mode: number }
  | { readonly type: "file"; readonly mode: number; readonly content: Content }
  | { readonly type: "symlink"; readonly link: ByteString }
);

/** A directory that root owns unless said otherwise. */
export function directoryNode(mode: number, uid = 0, gid = 0): Node {
  return { type: "directory", mode, uid, gid };
}

/** A file of root's with these bytes, mode 0644. */
export function fileNode(content: string | Buffer): Node & { readonly type: "file" } {
  const bytes = Buffer.from(content);
  return { type: "file", mode: 0o644, uid: 0, gid: 0, content: { size: bytes.length, from: bytes } };
}

/** A symbolic link. */
export function linkNode(target: string): Node {
  return { type: "symlink", link: byteString(target), uid: 0, gid: 0 };
}

/** A root file system by path (no slash at either end). Every path's parent is in it, as a directory. */
export type Tree = Map<ByteString, Node>;

/** Directories that are links into /usr on every merged system; those with a number only where something is in them. */
const merged = ["bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"];
/** Where old packages still put run-time files. */
const moved: readonly (readonly [string, string])[] = [
  ["var/run", "/run"],
  ["var/lock", "/run/lock"],
];

/** Where the link at a path points to; undefined when there is no link. */
type LinkAt = (path: string) => string | undefined;

/** The path a name leads to when links among its parents are followed; the name itself is not followed. */
function canonical(path: string, linkAt: LinkAt, hops = 40): ByteString {
  const parts = path.split("/");
  for (let at = 1; at < parts.length; at++) {
    const parent = parts.slice(0, at).join("/");
    const target = linkAt(parent);
    if (target === undefined) continue;
    if (hops === 0) throw new Fault("base.link", `Cannot place /${textOf(path)}: links go round in circles`);
    return canonical(posix.join(resolved(parent, target), ...parts.slice(at)), linkAt, hops - 1);
  }
  return path as ByteString;
}

/** What a link at `path` points to, without slashes at the ends. */
function resolved(path: string, target: string): string {
  return posix.resolve("/", posix.dirname(path), target).slice(1);
}

function aliasesOf(packages: readonly Package[]): Map<string, string> {
  const tops = new Set(packages.flatMap(({ entries }) => entries.map(({ path }) => path.split("/", 1)[0])));
  const links = new Map(moved);
  for (const name of merged) if (!/\d/.test(name) || tops.has(name)) links.set(name, `usr/${name}`);
  return links;
}

/** All links of all packages, so that what is shipped below a link lands where it points to, as when dpkg unpacks. */
function linksOf(packages: readonly Package[], aliases: ReadonlyMap<string, string>): Map<string, string> {
  const isAlias: LinkAt = (path) => aliases.get(path);
  const links = new Map(aliases);
  for (const { entries } of packages)
    for (const entry of entries) {
      if (entry.type !== "symlink") continue;
      const path = canonical(entry.path, isAlias);
      // A package may ship /lib/x as a link to /usr/lib/x: in a merged system that is the file itself.
      if (canonical(resolved(path, entry.link), isAlias) !== path && !links.has(path)) links.set(path, entry.link);
    }
  return links;
}

function isReplacing(winner: Package | undefined, loser: string | undefined): boolean {
  const replaced = (winner && fieldOf(winner.control, "Replaces")) ?? "";
  return replaced.split(",").some((item) => item.trim().split(/[\s(:]/)[0] === loser);
}

const isSame = (a: Node, b: Node) =>
  (a.type === "directory" && b.type === "directory") ||
  (a.type === "symlink" && b.type === "symlink" && a.link === b.link);

/** Puts a node at a path whose parents are no links, and directories (mode 0755, root's) above it where they are missing. */
function place(tree: Tree, path: string, node: Node): void {
  const name = path as ByteString;
  const parent = posix.dirname(name) as ByteString;
  const above = tree.get(parent);
  if (above && above.type !== "directory")
    throw new Fault("base.conflict", `Cannot place /${textOf(path)}: /${textOf(parent)} is a ${above.type}`);
  if (parent !== "." && !above) place(tree, parent, directoryNode(0o755));
  tree.set(name, node);
}

/** Puts a node at a path, below where links on the way to it lead. */
export function put(tree: Tree, path: string, node: Node): void {
  const linkAt: LinkAt = (name) => {
    const found = tree.get(name as ByteString);
    return found?.type === "symlink" ? found.link : undefined;
  };
  place(tree, canonical(byteString(path), linkAt), node);
}

/** Whether something stands at exactly this path. */
export function has(tree: Tree, path: string): boolean {
  return tree.has(path as ByteString);
}

/** The text of the regular file at exactly this path (as the tree has it); undefined when there is none. */
export async function readFileAt(tree: Tree, path: string): Promise<string | undefined> {
  const node = tree.get(path as ByteString);
  if (node?.type !== "file") return undefined;
  const { from } = node.content;
  return Buffer.isBuffer(from) ? from.toString("utf8") : readFile(from, "utf8");
}

/** What an entry becomes; undefined where a link stands in its place. */
function nodeOf(entry: Entry, path: ByteString, owner: string, links: ReadonlyMap<string, string>): Node | undefined {
  if (entry.type === "directory" && links.has(path)) return undefined;
  if (entry.type === "symlink" && links.get(path) === undefined) return undefined;
  const { path: _, ...rest } = entry;
  return { ...rest, owner };
}

/** Files in the order in which packages of one set are laid over each other: base-files knows the modes of directories best. */
function ordered(packages: readonly Package[]): Package[] {
  const rank = ({ name }: Package) => `${name === "base-files" ? 0 : 1}${name}`;
  return [...packages].sort((a, b) => compareBytes(rank(a), rank(b)));
}

/**
 * The root file system these packages make, with /usr merged, whatever the order they come in. Throws Fault `base.conflict` when two
 * ship the same file and neither says that it replaces the other.
 */
export function treeOf(packages: readonly Package[]): Tree {
  const aliases = aliasesOf(packages);
  const links = linksOf(packages, aliases);
  const tree: Tree = new Map();
  const byName = new Map(packages.map((item) => [item.name, item]));
  for (const [path, link] of aliases) {
    place(tree, resolved(path, link), directoryNode(path === "var/lock" ? 0o1777 : 0o755));
    place(tree, path, linkNode(link));
  }
  for (const item of ordered(packages))
    for (const entry of item.entries) {
      if (entry.path === "") continue;
      const path = canonical(entry.path, (name) => links.get(name));
      const node = nodeOf(entry, path, item.name, links);
      if (!node) continue;
      const there = tree.get(path);
      const isOurs = there !== undefined && there.owner === undefined;
      if (there && isSame(there, node) && !isOurs) continue;
      if (there && !isOurs && !isReplacing(item, there.owner)) {
        if (isReplacing(byName.get(there.owner!), item.name)) continue;
        throw new Fault("base.conflict", `Cannot combine ${there.owner} and ${item.name}: both ship /${textOf(path)}`, {
          hint: "take one of them out of the packages",
        });
      }
      place(tree, path, node);
    }
  return tree;
}
