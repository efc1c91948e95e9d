import { compareBytes } from "../std/byte.ts";
import type { Level } from "../std/event.ts";
import type { Json } from "../std/json.ts";
import { layerIds } from "./app-image.ts";
import type { BuildpackRecord, LayerRecord } from "./label.ts";
import { isLayerName } from "./layer.ts";

/** What the restore phase decides from. */
export interface RestoreQuestion {
  /** The ids of the group's buildpacks, in order. */
  readonly group: readonly string[];
  /** What the previous image remembers; empty without one. */
  readonly app: readonly BuildpackRecord[];
  /** What the cache remembers; empty without one. */
  readonly cache: readonly BuildpackRecord[];
  /** The diffID of the cache's SBOM layer, if it has one. */
  readonly cacheSbom?: string | undefined;
  /** Restore nothing but `store.toml`. */
  readonly skipLayers: boolean;
}

/** What becomes of one layer an earlier build left, and why. */
export interface LayerDecision {
  readonly name: string;
  /** Where the text of `<layer>.toml` comes from; undefined when none is written. */
  readonly metadata?: { readonly from: "app" | "cache"; readonly sha: string; readonly data: Json };
  /**
   * The diffID of the contents to take from the cache; when that fails the layer's TOML must not be written either, because a
   * buildpack that finds it takes the contents for granted (Buildpack spec, "Layer Types").
   */
  readonly contents?: string;
  readonly reason: string;
}

/** What is given back to one buildpack. */
export interface BuildpackRestore {
  readonly id: string;
  /** The remembered `[metadata]` of its `store.toml`, null when it had none; undefined when it had no store. */
  readonly store?: Json;
  /** Every layer the image or the cache remembers, in byte order of the names. */
  readonly layers: readonly LayerDecision[];
}

/** One line to say. */
export interface Line {
  readonly level: Level;
  readonly text: string;
}

/** What the restore phase is going to do, and the lines it says while it does. */
export interface RestorePlan {
  readonly buildpacks: readonly BuildpackRestore[];
  /** The diffID of the SBOM layer to take from the cache. */
  readonly sbom?: string;
  readonly lines: readonly Line[];
}

/** A decision and what is said about the image's record, the cache's record and the contents. */
interface Judgement {
  readonly decision: LayerDecision;
  readonly app: Line | undefined;
  readonly cache: Line | undefined;
  readonly contents: Line | undefined;
}

/** Why an image's record gives no metadata, or undefined when it does. */
function refusalOfApp(app: LayerRecord, cached: LayerRecord | undefined): string | undefined {
  if (!app.launch) return "launch=false";
  if (app.build && !app.cache) return "build=true, cache=false";
  if (app.cache && !cached?.cache) return "cache=true, but not found in cache";
  return undefined;
}

/** Why a cache's record gives no metadata, or undefined when it does. */
function refusalOfCache(cached: LayerRecord, app: LayerRecord | undefined): string | undefined {
  if (!cached.cache) return "cache=false";
  if (cached.launch && app) return "launch=true";
  return undefined;
}

function metadataLine(id: string, from: "app image" | "cache", refusal: string | undefined): Line {
  if (refusal === undefined) return { level: "info", text: `Restoring metadata for "${id}" from ${from}` };
  const what = from === "cache" ? `"${id}"` : `metadata for "${id}"`;
  return { level: "debug", text: `Not restoring ${what} from ${from}, marked as ${refusal}` };
}

function judge(id: string, name: string, app: LayerRecord | undefined, cached: LayerRecord | undefined): Judgement {
  const layerId = layerIds.ofBuildpack(id, name);
  const appRefusal = app && refusalOfApp(app, cached);
  const cacheRefusal = cached && refusalOfCache(cached, app);
  const lines = {
    app: app && metadataLine(layerId, "app image", appRefusal),
    cache: cached && metadataLine(layerId, "cache", cacheRefusal),
  };
  // The cache comes second and so has the last word on a layer both would give.
  const from = cached && cacheRefusal === undefined ? "cache" : app && appRefusal === undefined ? "app" : undefined;
  const record = from === "cache" ? cached : app;
  if (!from || !record) {
    const reasons = [app && `in the previous image ${appRefusal}`, cached && `in the cache ${cacheRefusal}`];
    return { decision: { name, reason: reasons.filter(Boolean).join("; ") }, ...lines, contents: undefined };
  }
  const metadata = { from, sha: record.sha, data: record.data } as const;
  if (!cached?.cache) {
    const reason = "its contents stay in the previous image";
    return { decision: { name, metadata, reason }, ...lines, contents: undefined };
  }
  if (record.sha !== cached.sha) {
    const reason = `wrong sha: the previous image has ${record.sha}, the cache ${cached.sha}`;
    const contents: Line = { level: "info", text: `Removing "${layerId}", wrong sha` };
    return { decision: { name, reason }, ...lines, contents };
  }
  const contents: Line = { level: "info", text: `Restoring data for "${layerId}" from cache` };
  return { decision: { name, metadata, contents: cached.sha, reason: "it is in the cache" }, ...lines, contents };
}

function layersOf(buildpacks: readonly BuildpackRecord[], id: string): ReadonlyMap<string, LayerRecord> {
  return new Map(Object.entries(buildpacks.find((buildpack) => buildpack.key === id)?.layers ?? {}));
}

function judgeBuildpack(question: RestoreQuestion, id: string): readonly Judgement[] {
  const [app, cache] = [layersOf(question.app, id), layersOf(question.cache, id)];
  // What an image or a cache calls a layer becomes a path, and either may come from strangers.
  const names = [...new Set([...app.keys(), ...cache.keys()])].filter(isLayerName).sort(compareBytes);
  return names.map((name) => judge(id, name, app.get(name), cache.get(name)));
}

/**
 * Decides what a rebuild gets back (Buildpack spec, "Layer Types"; the reference's rules for Platform API 0.15): `store.toml`
 * always; a launch layer's metadata from the image; a cached layer's metadata and contents from the cache, and of a layer that
 * is both only when image and cache hold the same contents, or when the image has no such layer.
 */
export function planRestore(question: RestoreQuestion): RestorePlan {
  const { skipLayers } = question;
  const judged = question.group.map((id) => (skipLayers ? [] : judgeBuildpack(question, id)));
  const buildpacks = question.group.map((id, at) => {
    const store = question.app.find((buildpack) => buildpack.key === id)?.store;
    return {
      id,
      ...(store && { store: store.metadata }),
      layers: judged[at]!.map((judgement) => judgement.decision),
    };
  });
  const sbom = skipLayers ? undefined : question.cacheSbom || undefined;
  const lines = [
    skipLayers && ({ level: "info", text: "Skipping buildpack layer analysis" } as const),
    ...judged.flatMap((judgements) => [
      ...judgements.map((judgement) => judgement.app),
      ...judgements.map((judgement) => judgement.cache),
    ]),
    ...judged.flatMap((judgements) => judgements.map((judgement) => judgement.contents)),
    sbom && ({ level: "info", text: "Restoring data for SBOM from cache" } as const),
  ];
  return { buildpacks, ...(sbom && { sbom }), lines: lines.filter((line): line is Line => Boolean(line)) };
}
