import { Fault } from "../std/fault.ts";
import { asMap, encodeJson, isObject, type Json, type JsonObject, parseJson, sortedKeys } from "../std/json.ts";

/** The names of the labels on an app image (Platform spec, "Labels"); `stack` and `base` are prefixes. */
export const labelNames = {
  lifecycle: "io.buildpacks.lifecycle.metadata",
  build: "io.buildpacks.build.metadata",
  project: "io.buildpacks.project.metadata",
  cache: "io.buildpacks.lifecycle.cache.metadata",
  execEnv: "io.buildpacks.exec-env",
  rebasable: "io.buildpacks.rebasable",
  stackId: "io.buildpacks.stack.id",
  stackMixins: "io.buildpacks.stack.mixins",
  baseId: "io.buildpacks.base.id",
  distroName: "io.buildpacks.base.distro.name",
  distroVersion: "io.buildpacks.base.distro.version",
  stack: "io.buildpacks.stack.",
  base: "io.buildpacks.base.",
} as const;

/** The diffID of one layer; empty when there is no such layer. */
export interface LayerSha {
  readonly sha: string;
}

/** A buildpack's layer as an image or a cache remembers it; `data` is its `[metadata]` table, null without one. */
export interface LayerRecord extends LayerSha {
  readonly data: Json;
  readonly build: boolean;
  readonly launch: boolean;
  readonly cache: boolean;
}

/** What is remembered of one buildpack; `key` is its id. */
export interface BuildpackRecord {
  readonly key: string;
  readonly version: string;
  readonly layers: Readonly<Record<string, LayerRecord>>;
  readonly store?: { readonly metadata: Json };
}

/** A run image's name and the other names it is found under. */
export interface RunImageNames {
  readonly image?: string;
  readonly mirrors?: readonly string[];
}

/** The run image under an app: its top layer's diffID, the reference it was read by, and its names. */
export interface RunImageRecord extends RunImageNames {
  readonly topLayer: string;
  readonly reference: string;
}

/**
 * The label `io.buildpacks.lifecycle.metadata` (Platform spec). `app` is a list of `{sha}`, one for each slice, in images made
 * since 2019; older shapes pass through. Keys we do not know stay in the object, whatever level they are on, and are written back.
 */
export interface LifecycleMetadata {
  readonly app: Json;
  readonly sbom?: LayerSha;
  readonly buildpacks: readonly BuildpackRecord[];
  readonly config: LayerSha;
  readonly launcher: LayerSha;
  readonly "process-types": LayerSha;
  readonly runImage: RunImageRecord;
  readonly stack?: { readonly runImage: RunImageNames };
}

/** The object with these keys first and in this order, its other keys after them. */
function ordered(keys: readonly string[], value: object): JsonObject {
  return { ...Object.fromEntries(keys.map((key) => [key, undefined])), ...value };
}

function shaJson(value: LayerSha): JsonObject {
  return ordered(["sha"], value);
}

function namesJson(names: RunImageNames): JsonObject {
  return ordered(["topLayer", "reference", "image", "mirrors"], {
    ...names,
    image: names.image || undefined,
    mirrors: names.mirrors?.length ? names.mirrors : undefined,
  });
}

function layerJson(layer: LayerRecord): JsonObject {
  return ordered(["sha", "data", "build", "launch", "cache"], { ...layer, data: sortedKeys(layer.data) });
}

/** A buildpack's record in the order and shape of the label. */
export function buildpackRecordJson(record: BuildpackRecord): JsonObject {
  const layers = Object.entries(record.layers).map(([name, layer]) => [name, layerJson(layer)]);
  return ordered(["key", "version", "layers", "store"], {
    ...record,
    layers: asMap(Object.fromEntries(layers)),
    store: record.store && ordered(["metadata"], { ...record.store, metadata: sortedKeys(record.store.metadata) }),
  });
}

/** The value of the label `io.buildpacks.lifecycle.metadata`, byte for byte as the reference writes it; unknown keys come last. */
export function encodeLifecycleMetadata(metadata: LifecycleMetadata): string {
  const keys = ["app", "sbom", "buildpacks", "config", "launcher", "process-types", "runImage", "stack"];
  return encodeJson(
    ordered(keys, {
      ...metadata,
      sbom: metadata.sbom && shaJson(metadata.sbom),
      buildpacks: metadata.buildpacks.map(buildpackRecordJson),
      config: shaJson(metadata.config),
      launcher: shaJson(metadata.launcher),
      "process-types": shaJson(metadata["process-types"]),
      runImage: namesJson(metadata.runImage),
      stack:
        metadata.stack && ordered(["runImage"], { ...metadata.stack, runImage: namesJson(metadata.stack.runImage) }),
    }),
  );
}

function refuse(name: string, expected: string): never {
  throw new Fault("label.parse", `Cannot read label: ${name} is not ${expected}`);
}

function objectAt(value: Json | undefined, name: string): JsonObject {
  if (value === undefined || value === null) return {};
  return isObject(value) ? value : refuse(name, "an object");
}

function textAt(object: JsonObject, key: string): string {
  const value = object[key] ?? "";
  return typeof value === "string" ? value : refuse(key, "a string");
}

function flagAt(object: JsonObject, key: string): boolean {
  const value = object[key] ?? false;
  return typeof value === "boolean" ? value : refuse(key, "true or false");
}

function parseSha(value: Json | undefined, name: string): LayerSha {
  const object = objectAt(value, name);
  return { ...object, sha: textAt(object, "sha") };
}

function parseNames(object: JsonObject): RunImageNames {
  const { image: _image, mirrors: _mirrors, ...rest } = object;
  const image = textAt(object, "image");
  const mirrors = object["mirrors"] ?? [];
  if (!Array.isArray(mirrors) || !mirrors.every((mirror) => typeof mirror === "string"))
    refuse("mirrors", "a list of strings");
  return { ...rest, ...(image && { image }), ...(mirrors.length > 0 && { mirrors: mirrors as string[] }) };
}

function parseLayer(value: Json | undefined, name: string): LayerRecord {
  const object = objectAt(value, name);
  return {
    ...object,
    sha: textAt(object, "sha"),
    data: object["data"] ?? null,
    build: flagAt(object, "build"),
    launch: flagAt(object, "launch"),
    cache: flagAt(object, "cache"),
  };
}

function parseBuildpack(value: Json | undefined): BuildpackRecord {
  const { store, ...object } = objectAt(value, "buildpacks[]");
  const layers = Object.entries(objectAt(object["layers"], "layers"));
  const kept = objectAt(store, "store");
  return {
    ...object,
    key: textAt(object, "key"),
    version: textAt(object, "version"),
    layers: Object.fromEntries(layers.map(([name, layer]) => [name, parseLayer(layer, name)])),
    ...(isObject(store) && { store: { ...kept, metadata: kept["metadata"] ?? null } }),
  };
}

/** The list of buildpack records out of JSON; throws Fault `label.parse` when it is no such list. */
export function parseBuildpackRecords(value: Json | undefined): readonly BuildpackRecord[] {
  const list = value ?? [];
  return Array.isArray(list) ? list.map((item) => parseBuildpack(item as Json)) : refuse("buildpacks", "a list");
}

/** What `parse` makes of a JSON object, or undefined when the text is none or the object has not the shape it wants. */
export function parseRecord<T>(text: string | undefined, parse: (object: JsonObject) => T): T | undefined {
  if (text === undefined) return undefined;
  try {
    const object = parseJson(text, "label");
    return isObject(object) ? parse(object) : undefined;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** The label's text to its value; undefined when it is absent or malformed, as if the image had never been built by buildpacks. */
export function parseLifecycleMetadata(text: string | undefined): LifecycleMetadata | undefined {
  return parseRecord(text, ({ sbom, stack, ...object }) => {
    const runImage = objectAt(object["runImage"], "runImage");
    const stackObject = objectAt(stack, "stack");
    return {
      ...object,
      app: object["app"] ?? null,
      ...(isObject(sbom) && { sbom: parseSha(sbom, "sbom") }),
      buildpacks: parseBuildpackRecords(object["buildpacks"]),
      config: parseSha(object["config"], "config"),
      launcher: parseSha(object["launcher"], "launcher"),
      "process-types": parseSha(object["process-types"], "process-types"),
      runImage: {
        ...parseNames(runImage),
        topLayer: textAt(runImage, "topLayer"),
        reference: textAt(runImage, "reference"),
      },
      ...(isObject(stack) && {
        stack: { ...stackObject, runImage: parseNames(objectAt(stackObject["runImage"], "stack.runImage")) },
      }),
    };
  });
}

/** The diffIDs of the app's slices, bottom first; empty for an image whose `app` has a shape from before slices. */
export function appShas(metadata: LifecycleMetadata): readonly string[] {
  const { app } = metadata;
  if (!Array.isArray(app)) return [];
  return app.flatMap((entry) => (isObject(entry) && typeof entry["sha"] === "string" ? [entry["sha"]] : []));
}
