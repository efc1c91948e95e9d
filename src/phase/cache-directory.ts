import { createHash } from "node:crypto";
import { link, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CacheMetadata, encodeCacheMetadata, parseCacheMetadata } from "../cnb/cache-file.ts";
import { labelNames } from "../cnb/label.ts";
import { type DiffId, isDigest, parseDiffId } from "../oci/digest.ts";
import type { Layer } from "../oci/image.ts";
import type { ByteStream } from "../std/byte.ts";
import { type Emit, logTo } from "../std/event.ts";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { kindOf, readText } from "../std/file.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import type { BlobSource } from "../store/contract.ts";
import { systemFault } from "../store/failure.ts";
import { withLock } from "../store/layout/lock.ts";
import type { Cache, CacheContents, CachePlace } from "./cache.ts";

/** Where the parts of a cache directory are; names are the reference's. */
function partsOf(root: HostPath) {
  const at = (name: string) => hostPath(join(root, name));
  return { committed: at("committed"), staging: at("staging"), backup: at("committed-backup"), lock: at("lock") };
}

function tarAt(directory: HostPath, diffId: string): string {
  return join(directory, `${diffId}.tar`);
}

async function isFile(path: string): Promise<boolean> {
  return (await kindOf(path)) === "file";
}

/** The names of all layers the metadata speaks of, in its order, each once. */
function namesIn(metadata: CacheMetadata): readonly DiffId[] {
  const layers = metadata.buildpacks.flatMap((buildpack) => Object.values(buildpack.layers).map((layer) => layer.sha));
  return [...new Set([...layers, metadata.sbom.sha])].filter(isDigest).map(parseDiffId);
}

async function* bytesAt(path: string, diffId: string): ByteStream {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, "r");
  } catch (error) {
    const found = errnoOf(error) === "ENOENT" ? "the cache does not hold it" : reasonOf(error);
    throw new Fault("cache.missing", `Cannot read cached layer ${diffId}: ${found}`, {
      exit: "restore",
      hint: "--clear-cache builds without it",
    });
  }
  try {
    for await (const part of file.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) yield part as Buffer;
  } finally {
    await file.close();
  }
}

async function readDirectory(root: HostPath): Promise<Cache | undefined> {
  const { committed, backup } = partsOf(root);
  // A process that was killed between two renamings left the old cache beside its place.
  const place = (await kindOf(committed)) === undefined ? backup : committed;
  const metadata = parseCacheMetadata(await readText(join(place, labelNames.cache)));
  if (!metadata) return undefined;
  const names = namesIn(metadata);
  const there = await Promise.all(names.map((diffId) => isFile(tarAt(place, diffId))));
  return {
    metadata,
    diffIds: names.filter((_, at) => there[at]),
    async *open(diffId) {
      const hash = createHash("sha256");
      for await (const part of bytesAt(tarAt(place, diffId), diffId)) {
        hash.update(part);
        yield part;
      }
      const found = `sha256:${hash.digest("hex")}`;
      if (found === diffId) return;
      throw new Fault(
        "cache.corrupt",
        `Cannot read cached layer ${diffId} at ${root}: its content has digest ${found}`,
        {
          exit: "restore",
          hint: "--clear-cache builds without it",
        },
      );
    },
  };
}

/** Puts a layer's tar into the staging folder: by a link to the one that is there, unless that is damaged or of another length. */
async function stage(layer: Layer, from: HostPath, to: HostPath, contents: Contents): Promise<void> {
  const { diffId, descriptor } = layer;
  const path = tarAt(to, diffId);
  if (!contents.damaged.has(diffId)) {
    try {
      return await link(tarAt(from, diffId), path);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
  }
  const file = await open(path, "w", 0o666);
  try {
    for await (const part of contents.blobs.open(descriptor)) await file.write(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What a directory is to hold; the launch cache has no metadata. */
type Contents = Omit<CacheContents, "metadata"> & Partial<Pick<CacheContents, "metadata">>;

async function replaceCommitted(root: HostPath, contents: Contents): Promise<void> {
  const { committed, staging, backup } = partsOf(root);
  if ((await kindOf(committed)) === undefined) await rename(backup, committed).catch(() => undefined);
  await removeTree(staging);
  await removeTree(backup);
  await mkdir(committed, { recursive: true });
  await mkdir(staging);
  for (const layer of contents.layers) await stage(layer, committed, staging, contents);
  const { metadata } = contents;
  if (metadata) await writeFile(join(staging, labelNames.cache), `${encodeCacheMetadata(metadata)}\n`);
  await rename(committed, backup);
  try {
    await rename(staging, committed);
  } catch (error) {
    await rename(backup, committed);
    throw error;
  }
  await removeTree(backup);
}

async function commit(root: HostPath, contents: Contents): Promise<void> {
  try {
    await mkdir(root, { recursive: true });
    await withLock(partsOf(root).lock, () => replaceCommitted(root, contents));
  } catch (error) {
    await rm(partsOf(root).staging, { recursive: true, force: true }).catch(() => undefined);
    throw systemFault("write layer cache", root, error);
  }
}

/**
 * A cache kept in a directory in the form of the reference's cache volume: `committed/` holds a tar for each layer and the metadata; a new cache
 * is staged beside it and takes its place by renaming. The directory is made when something is cached.
 */
export function directoryCache(root: HostPath): CachePlace {
  return {
    async read(emit: Emit) {
      try {
        return await readDirectory(root);
      } catch (error) {
        if (errnoOf(error) === undefined && !(error instanceof Fault)) throw error;
        logTo(emit).warn(`Ignoring the layer cache at ${root}: ${reasonOf(error)}`);
        return undefined;
      }
    },
    write: (contents) => commit(root, contents),
  };
}

/**
 * Keeps layers in a directory in the form of the reference's launch cache, where `launchBlobs` finds them: no others stay there. Throws Fault
 * `store.system`; then the old ones stand.
 */
export async function writeLaunchCache(root: HostPath, layers: readonly Layer[], blobs: BlobSource): Promise<void> {
  const unique = new Map(layers.map((layer) => [layer.diffId, layer]));
  await commit(root, { layers: [...unique.values()], blobs, damaged: new Set() });
}
