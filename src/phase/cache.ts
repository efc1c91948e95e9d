import { layerIds } from "../cnb/app-image.ts";
import { type CacheMetadata, encodeCacheMetadata } from "../cnb/cache-file.ts";
import type { BuildpackRecord, LayerRecord } from "../cnb/label.ts";
import type { DiffId } from "../oci/digest.ts";
import type { Layer } from "../oci/image.ts";
import type { Reference } from "../oci/reference.ts";
import type { ByteStream } from "../std/byte.ts";
import { type Emit, logTo } from "../std/event.ts";
import { kindOf } from "../std/file.ts";
import { type HostPath, type Place, placeUnder } from "../std/path.ts";
import type { BlobSource, BlobStore } from "../store/contract.ts";
import type { Owner } from "../tar/entry.ts";
import { directoryLayer } from "../tar/layer.ts";
import { type MadeLayer, makeLayer } from "./export/make.ts";
import { parentsOf } from "./export/parent.ts";
import { type BuildpackLayers, dataOf } from "./export/request.ts";
import type { CachedLayer } from "./kept/layers.ts";
import type { Verdict } from "./kept/record.ts";
import type { Workspace } from "./workspace.ts";

/** What earlier builds of an image have kept for later ones. */
export interface Cache {
  readonly metadata: CacheMetadata;
  /** The names of all it holds. */
  readonly diffIds: readonly DiffId[];
  /** The tar of a cached layer; throws Fault `cache.missing` when the cache does not hold it. */
  open(diffId: string): ByteStream;
}

/** What a cache is to hold. */
export interface CacheContents {
  readonly metadata: CacheMetadata;
  readonly layers: readonly Layer[];
  /** Where the tars of the layers are. */
  readonly blobs: BlobSource;
  /** DiffIDs of layers that are to be written even where they are. */
  readonly damaged: ReadonlySet<string>;
}

/** Where a cache is kept between builds. */
export interface CachePlace {
  /** The cache that is there; undefined when there is none, or when it is damaged (said as a warning). */
  read(emit: Emit): Promise<Cache | undefined>;
  /** Throws Fault when another cache could not be put in its place; only where that can be told beforehand. */
  check?(): Promise<void>;
  /** Puts another cache in its place, whole. */
  write(contents: CacheContents): Promise<void>;
}

/** What layers of a cache are made from. */
export interface CacheLayerInputs {
  readonly store: BlobStore;
  readonly previous: Cache | undefined;
  readonly group: readonly BuildpackLayers[];
  readonly workspace: Workspace;
  /** What is known of layers by a look at their directories. */
  readonly verdicts: ReadonlyMap<HostPath, Verdict>;
  /** Layers the restore could not read back. */
  readonly damaged: ReadonlySet<string>;
  readonly owner: Owner;
  readonly signal: AbortSignal | undefined;
}

/** What the cache phase works with. */
export interface CacheInputs extends CacheLayerInputs {
  readonly place: CachePlace;
  /** Layers that have been made already, those of the image among them. */
  readonly made: readonly MadeLayer[];
  readonly emit: Emit;
}

/** The layer of a directory; `known` is what the cache has of it. */
function makeCached(
  { store, owner, damaged, verdicts, signal }: CacheLayerInputs,
  id: string,
  known: string | undefined,
  directory: Place,
): Promise<MadeLayer> {
  const tar = directoryLayer({ place: directory, parents: parentsOf(directory, owner), owner });
  const request = { id, createdBy: "", tar, known: [known], verdict: verdicts.get(directory.host), damaged };
  return makeLayer(store, "oci", request, signal);
}

/** What the cache knows of a buildpack's layers, by name. */
function knownOf(previous: Cache | undefined, buildpack: BuildpackLayers["buildpack"]) {
  return previous?.metadata.buildpacks.find((item) => item.key === buildpack.id)?.layers ?? {};
}

/**
 * Makes those layers of buildpacks that go into the cache and not into the image, so that it can be done while the image is exported (Platform spec,
 * "exporter", `-parallel`). The cache itself stays as it is.
 */
export async function makeCacheLayers(inputs: CacheLayerInputs): Promise<readonly MadeLayer[]> {
  const made: MadeLayer[] = [];
  for (const { buildpack, layers } of inputs.group) {
    const known = knownOf(inputs.previous, buildpack);
    for (const { name, metadata, hasDirectory, place } of layers) {
      if (!metadata.cache || metadata.launch || !hasDirectory) continue;
      made.push(await makeCached(inputs, layerIds.ofBuildpack(buildpack.id, name), known[name]?.sha, place));
    }
  }
  return made;
}

class Keeping {
  readonly #inputs: CacheInputs;
  readonly layers = new Map<DiffId, Layer>();
  readonly cached: CachedLayer[] = [];
  /** Whether the store had to take anything in. */
  isWritten = false;

  constructor(inputs: CacheInputs) {
    this.#inputs = inputs;
  }

  async keep(id: string, known: string | undefined, directory: Place): Promise<string> {
    const { made, emit } = this.#inputs;
    const layer = made.find((item) => item.id === id) ?? (await makeCached(this.#inputs, id, known, directory));
    const { diffId } = layer.layer;
    const isSame = diffId === known;
    logTo(emit).info(`${isSame ? "Reusing" : "Adding"} cache layer '${id}'`);
    emit({
      type: "layer",
      id,
      action: "cache",
      diffId,
      size: layer.size,
      reason: isSame ? "its content is that of the cache" : "its content is new to the cache",
    });
    this.layers.set(diffId, layer.layer);
    this.cached.push({ id, place: directory, tar: { diffId, size: layer.size } });
    this.isWritten ||= layer.isWritten;
    return diffId;
  }
}

async function recordOf(
  work: Keeping,
  inputs: CacheInputs,
  { buildpack, layers }: BuildpackLayers,
): Promise<BuildpackRecord> {
  const records: [string, LayerRecord][] = [];
  const before = knownOf(inputs.previous, buildpack);
  for (const layer of layers) {
    if (!layer.metadata.cache) continue;
    const id = layerIds.ofBuildpack(buildpack.id, layer.name);
    if (!layer.hasDirectory) {
      logTo(inputs.emit).warn(`Failed to cache layer '${id}' because it has no contents`);
      continue;
    }
    const sha = await work.keep(id, before[layer.name]?.sha, layer.place);
    const { build, launch, cache } = layer.metadata;
    records.push([layer.name, { sha, data: dataOf(layer), build, launch, cache }]);
  }
  return { key: buildpack.id, version: buildpack.version, layers: Object.fromEntries(records) };
}

/**
 * Keeps the layers with `cache = true` and their SBOM files for the next build of this image (Platform spec, "Cache"), and tells which. The old
 * cache stands until the new one is whole; what the new one does not need is left to a prune. Nothing is written when the old one is the same.
 */
export async function writeCache(inputs: CacheInputs): Promise<readonly CachedLayer[]> {
  const work = new Keeping(inputs);
  const buildpacks: BuildpackRecord[] = [];
  for (const entry of inputs.group) buildpacks.push(await recordOf(work, inputs, entry));
  const sbomPlace = placeUnder(inputs.workspace.sbom, "cache");
  const hasSbom = (await kindOf(sbomPlace.host)) === "directory";
  const sbom = hasSbom ? await work.keep(layerIds.cacheSbom, inputs.previous?.metadata.sbom.sha, sbomPlace) : "";
  const metadata = { sbom: { sha: sbom }, buildpacks };
  const isSame = inputs.previous !== undefined && isSameCache(inputs.previous, metadata, [...work.layers.keys()]);
  const { place, store, damaged } = inputs;
  if (!isSame || work.isWritten)
    await place.write({ metadata, layers: [...work.layers.values()], blobs: store, damaged });
  return work.cached;
}

function isSameCache(previous: Cache, metadata: CacheMetadata, diffIds: readonly DiffId[]): boolean {
  const isSameText = encodeCacheMetadata(previous.metadata) === encodeCacheMetadata(metadata);
  return isSameText && previous.diffIds.join() === diffIds.join();
}

/** The name a store keeps the cache of an image under: no registry has it, and no listing shows it. */
export function cacheName(key: string): Reference {
  return { registry: cacheRegistry, repository: `cache/${key}`, tag: "build" };
}

/** The key in the full name of a cache; undefined for any other name. */
export function cacheKeyOf(name: string): string | undefined {
  return /^pack\.local\/cache\/([0-9a-f]+):build$/.exec(name)?.[1];
}

/** The registry part of names that stand for caches. */
export const cacheRegistry = "pack.local";
