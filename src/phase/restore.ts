import { rm } from "node:fs/promises";
import type { Buildpack } from "../cnb/buildpack.ts";
import { formatRestoredLayer, formatRestoredStore } from "../cnb/layer.ts";
import { planRestore, type RestorePlan } from "../cnb/restore.ts";
import { compressionOf } from "../oci/media-type.ts";
import type { ByteStream } from "../std/byte.ts";
import { type Emit, logTo } from "../std/event.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import { makeDirectory, writeText } from "../std/file.ts";
import { type Place, placeUnder, under } from "../std/path.ts";
import { extractTar } from "../tar/extract.ts";
import { decompress } from "../tar/gzip.ts";
import type { PreviousImage } from "./analyze.ts";
import type { Cache } from "./cache.ts";
import type { KeptLayers } from "./kept/layers.ts";
import { buildpackPlace } from "./layer.ts";
import { returnSboms } from "./sbom.ts";
import type { Workspace } from "./workspace.ts";

/** What the restore phase works with. */
export interface RestoreInputs {
  readonly group: readonly Buildpack[];
  readonly previous: PreviousImage | undefined;
  readonly cache: Cache | undefined;
  /** Directories of cached layers that need not be unpacked. */
  readonly kept: KeptLayers;
  /** Restore nothing but `store.toml`. */
  readonly skipLayers: boolean;
  readonly workspace: Workspace;
  readonly emit: Emit;
  readonly signal: AbortSignal | undefined;
}

/** What became of the remembered layers. */
export interface Restored {
  /** For those who explain a build. */
  readonly buildpacks: RestorePlan["buildpacks"];
  /** Layers that could not be read back: what the store holds under these diffIDs is not to be relied on. */
  readonly damaged: ReadonlySet<string>;
}

function previousSbom(previous: PreviousImage): ByteStream | undefined {
  const sha = previous.metadata.sbom?.sha;
  const layer = sha ? previous.stored.image.layers.find((item) => item.diffId === sha) : undefined;
  return (
    layer &&
    decompress(previous.stored.blobs.open(layer.descriptor), compressionOf(layer.descriptor.mediaType) ?? "none")
  );
}

/** Unpacks a layer at its place, all of it or nothing: what cannot be read is said and left out, as the build can do without. */
async function unpack(inputs: RestoreInputs, id: string, bytes: () => ByteStream, place: Place): Promise<boolean> {
  try {
    await extractTar(bytes(), place, inputs.signal ? { signal: inputs.signal } : {});
    return true;
  } catch (error) {
    inputs.signal?.throwIfAborted();
    if (!(error instanceof Fault)) throw error;
    await rm(place.host, { recursive: true, force: true });
    logTo(inputs.emit).warn(`Skipping restore for layer ${id}: ${reasonOf(error)}`);
    return false;
  }
}

/** Puts the contents of a cached layer at their place: as they were kept, else from their tar. */
async function bringBack(inputs: RestoreInputs, id: string, diffId: string, place: Place): Promise<boolean> {
  if (await inputs.kept.take(id, place, diffId, inputs.signal)) return true;
  return unpack(inputs, id, () => inputs.cache!.open(diffId), place);
}

/**
 * Gives back what earlier builds left (Platform spec, "restorer"): `store.toml`, layer metadata, contents of cached layers, SBOM files.
 * A layer's TOML is written only once its contents are there, so that a buildpack finds both or neither.
 */
export async function restore(inputs: RestoreInputs): Promise<Restored> {
  const { workspace, previous, cache, group } = inputs;
  const log = logTo(inputs.emit);
  if (!cache) log.debug("Layer cache not found");
  const plan = planRestore({
    group: group.map((buildpack) => buildpack.id),
    app: previous?.metadata.buildpacks ?? [],
    cache: cache?.metadata.buildpacks ?? [],
    cacheSbom: cache?.metadata.sbom.sha,
    skipLayers: inputs.skipLayers,
  });
  for (const line of plan.lines) log[line.level](line.text);
  const damaged = new Set<string>();
  for (const [at, decisions] of plan.buildpacks.entries()) {
    const place = buildpackPlace(workspace.layers, group[at]!);
    await makeDirectory(place.host);
    if (decisions.store !== undefined)
      await writeText(under(place.host, "store.toml"), formatRestoredStore(decisions.store));
    for (const layer of decisions.layers) {
      if (!layer.metadata) continue;
      const id = `${decisions.id}:${layer.name}`;
      const contents = layer.contents;
      const at = placeUnder(place, layer.name);
      if (contents !== undefined && !(await bringBack(inputs, id, contents, at))) {
        damaged.add(contents);
        continue;
      }
      await writeText(under(place.host, `${layer.name}.toml`), formatRestoredLayer(layer.metadata.data));
      if (contents !== undefined)
        inputs.emit({ type: "layer", id, action: "restore", diffId: contents, reason: layer.reason });
    }
  }
  await restoreSboms(inputs, plan);
  return { buildpacks: plan.buildpacks, damaged };
}

async function restoreSboms(inputs: RestoreInputs, plan: RestorePlan): Promise<void> {
  if (inputs.skipLayers) return;
  const { workspace, previous, cache, group } = inputs;
  const { sbom } = workspace;
  const fromImage = previous && previousSbom(previous);
  if (fromImage) {
    logTo(inputs.emit).debug("Restoring data for SBOM from previous image");
    await unpack(inputs, "buildpacksio/lifecycle:launch.sbom", () => fromImage, placeUnder(sbom, "launch"));
  }
  const sha = plan.sbom;
  if (sha !== undefined)
    await unpack(inputs, "buildpacksio/lifecycle:cache.sbom", () => cache!.open(sha), placeUnder(sbom, "cache"));
  await returnSboms(workspace, group);
}
