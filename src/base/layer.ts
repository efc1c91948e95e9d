import { diffIdOfTar } from "../oci/digest.ts";
import type { Layer } from "../oci/image.ts";
import { type Family, mediaTypes } from "../oci/media-type.ts";
import type { BlobStore } from "../store/contract.ts";
import { layerHeader } from "../tar/entry.ts";
import type { TarHeader } from "../tar/header.ts";
import { type ByteString, byteString } from "../tar/name.ts";
import { type TarItem, writeTar } from "../tar/write.ts";
import type { Content, Package } from "./package.ts";
import type { Node, Tree } from "./tree.ts";

/** Paths that go into one layer, in byte order, and a sentence for the image's history. */
export interface LayerPlan {
  readonly title: string;
  readonly paths: readonly ByteString[];
}

/** From this many bytes on a package has a layer of its own. */
const ownLayer = 2 * 1024 * 1024;
/** Runtimes stack little more than a hundred layers, and the app's come on top. */
const mostOwn = 20;

function weightOf(tree: Tree, paths: readonly ByteString[]): number {
  const contents = new Set<Content>();
  for (const path of paths) {
    const node = tree.get(path);
    if (node?.type === "file") contents.add(node.content);
  }
  return [...contents].reduce((sum, { size }) => sum + size, 0);
}

/** The paths with every directory above them, in byte order. */
function withParents(paths: readonly ByteString[]): ByteString[] {
  const all = new Set<string>(paths);
  for (const path of paths)
    for (let at = path.lastIndexOf("/"); at > 0 && !all.has(path.slice(0, at)); at = path.lastIndexOf("/", at - 1))
      all.add(path.slice(0, at));
  return ([...all] as ByteString[]).sort();
}

/**
 * Decides which path goes into which layer: small packages share the lowest, each large one has its own in name order, what
 * we add is the top. So bases that differ in one library share all layers but two or three, in a store, in a registry
 * and on the wire. Layers without paths are left out.
 */
export function planLayers(tree: Tree, packages: readonly Package[]): LayerPlan[] {
  const byOwner = new Map<string | undefined, ByteString[]>();
  for (const [path, { owner }] of tree) byOwner.set(owner, [...(byOwner.get(owner) ?? []), path]);
  const pathsOf = (owner: string | undefined) => byOwner.get(owner) ?? [];
  const large = packages
    .map((item) => ({ item, weight: weightOf(tree, pathsOf(item.name)) }))
    .filter(({ weight }) => weight >= ownLayer)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, mostOwn)
    .map(({ item }) => item)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const small = packages.filter((item) => !large.includes(item));
  const plans = [
    { title: "small packages", paths: small.flatMap(({ name }) => pathsOf(name)) },
    ...large.map(({ name, version }) => ({ title: `${name} ${version}`, paths: pathsOf(name) })),
    { title: "system files", paths: pathsOf(undefined) },
  ];
  return plans
    .filter(({ paths }) => paths.length > 0)
    .map(({ title, paths }) => ({ title, paths: withParents(paths) }));
}

function headerOf(path: ByteString, node: Node): TarHeader {
  const name = (node.type === "directory" ? `${path}/` : path) as ByteString;
  const base = { ...layerHeader("", node.type, node.type === "symlink" ? 0o777 : node.mode, node), name };
  if (node.type === "symlink") return { ...base, link: node.link };
  return node.type === "file" ? { ...base, size: node.content.size } : base;
}

function* itemsOf(tree: Tree, { paths }: LayerPlan): Generator<TarItem> {
  const first = new Map<Content, ByteString>();
  for (const path of paths) {
    const node = tree.get(path)!;
    const header = headerOf(path, node);
    if (node.type !== "file") {
      yield { header };
      continue;
    }
    const target = first.get(node.content);
    const { from } = node.content;
    if (target !== undefined) yield { header: { ...header, type: "hardlink", size: 0, link: target } };
    else yield { header, content: Buffer.isBuffer(from) ? from : { file: byteString(from) } };
    if (target === undefined) first.set(node.content, path);
  }
}

/** Writes one planned layer as an uncompressed tar: names without a leading slash, the time of layers, files with several names once. */
export async function putLayer(
  blobs: BlobStore,
  tree: Tree,
  plan: LayerPlan,
  options: { readonly family?: Family; readonly signal?: AbortSignal | undefined } = {},
): Promise<Layer> {
  const { family = "oci", signal } = options;
  const descriptor = await blobs.put(mediaTypes[family].tar, writeTar(itemsOf(tree, plan), { signal, lends: true }));
  return { diffId: diffIdOfTar(descriptor.digest), descriptor };
}
