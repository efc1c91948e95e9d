import type { Digest } from "./oci/digest.ts";
import { ociArchitecture } from "./oci/platform.ts";
import { formatReference, parseReference, withDefaultTag } from "./oci/reference.ts";
import { cacheKeyOf, cacheRegistry } from "./phase/cache.ts";
import { homeAt } from "./reach/home.ts";
import { Fault } from "./std/fault.ts";
import { namesIn } from "./std/file.ts";
import { type HostPath, under } from "./std/path.ts";
import { removeTree } from "./std/remove.ts";
import { type ListedImage, openLayout } from "./store/layout.ts";
import { pruneLayers } from "./store/unpacked.ts";

function isCache(name: string): boolean {
  return name.startsWith(`${cacheRegistry}/`);
}

/** The images of the local store, each with its full names; with `all` the caches of builds too. */
export async function listImages(options: {
  readonly home?: string;
  readonly all?: boolean;
}): Promise<readonly ListedImage[]> {
  await using store = openLayout(homeAt(options.home).store);
  const images = await store.list();
  return options.all ? images : images.filter((image) => !image.names.every(isCache));
}

/** Takes names away from the local store and tells which; throws Fault `image.missing`, before anything is removed, for one that is not there. */
export async function removeImages(options: {
  readonly home?: string;
  readonly images: readonly string[];
}): Promise<readonly string[]> {
  await using store = openLayout(homeAt(options.home).store);
  const names = options.images.map((text) => withDefaultTag(parseReference(text)));
  const known = new Set((await store.list()).flatMap((image) => [...image.names, image.digest]));
  for (const [at, name] of names.entries()) {
    if (known.has(name.digest ?? formatReference(name))) continue;
    throw new Fault("image.missing", `Cannot remove ${options.images[at]}: there is no such image`, {
      hint: "`pack images` lists the images of the local store",
    });
  }
  return await store.remove(names);
}

/** What a prune removed, or would remove. */
export interface PruneReport {
  readonly blobs: number;
  readonly bytes: number;
}

/** Removes the kept directories of every build whose key is not among these; a running build that loses them unpacks its cache. */
async function dropKept(root: HostPath, keys: ReadonlySet<string>): Promise<void> {
  for (const name of await namesIn(root)) if (!keys.has(name)) await removeTree(under(root, name));
}

/** The diffIDs of all images of the store; one that cannot be read, or is for another platform, has no layer unpacked. */
async function diffIdsIn(root: HostPath): Promise<ReadonlySet<string>> {
  // A store of its own, that holds nothing: what it reads must not wait for the prune it is part of.
  await using store = openLayout(root, { platform: { os: "linux", architecture: ociArchitecture(process.arch) } });
  const found = new Set<string>();
  for (const { digest } of await store.list()) {
    const stored = await store.read({ registry: "", repository: "", digest }).catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error;
      return undefined;
    });
    for (const { diffId } of stored?.image.layers ?? []) found.add(diffId);
  }
  return found;
}

/**
 * Removes what no image of the local store needs: blobs, unpacked layers and images, directories kept for builds whose cache is gone; and with `caches` what
 * builds have cached.
 */
export async function pruneStore(options: {
  readonly home?: string;
  readonly dryRun?: boolean;
  readonly caches?: boolean;
}): Promise<PruneReport> {
  const home = homeAt(options.home);
  await using store = openLayout(home.store);
  const images = await store.list();
  const caches = options.caches ? images.flatMap((image) => image.names.filter(isCache)) : [];
  if (!options.dryRun && caches.length > 0) await store.remove(caches.map(parseReference));
  const kept = images.flatMap((image) => (options.caches ? [] : image.names)).map((name) => cacheKeyOf(name));
  if (!options.dryRun) await dropKept(home.kept, new Set(kept.filter((key) => key !== undefined)));
  const needed = new Set(images.map((image) => image.imageId.replace(":", "-")));
  for (const name of options.dryRun ? [] : await namesIn(home.roots)) {
    if (![...needed].some((id) => name.startsWith(id))) await removeTree(under(home.roots, name));
  }
  return await store.prune({
    dryRun: options.dryRun ?? false,
    also: async (pinned) => {
      const used = await diffIdsIn(home.store);
      await pruneLayers(home.layers, (diffId) => used.has(diffId) || pinned.has(diffId as Digest));
    },
  });
}
