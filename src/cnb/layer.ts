import { Fault } from "../std/fault.ts";
import type { Json } from "../std/json.ts";
import { parseToml, type TomlTable } from "../std/toml.ts";
import { tomlOfJson } from "../std/toml-json.ts";
import { booleanIn, tableIn } from "../std/toml-read.ts";
import { formatToml, tomlMap } from "../std/toml-write.ts";

/** A `<layer>.toml` file: what the layer is for, and what the buildpack wants remembered of it (Buildpack spec, "Layer Types"). */
export interface LayerMetadata {
  readonly launch: boolean;
  readonly build: boolean;
  readonly cache: boolean;
  readonly metadata: TomlTable | undefined;
}

const flags = ["launch", "build", "cache"] as const;

/** The names no layer may have: their TOML files mean something else (Buildpack spec, "Layers"). */
const reservedLayerNames: ReadonlySet<string> = new Set(["build", "launch", "store"]);

/** Whether a layer can have the name: a file name that stays in its directory and is not reserved. */
export function isLayerName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name) && !reservedLayerNames.has(name);
}

/** The name of the layer a TOML file describes, or undefined when the file describes none. */
export function layerNameOf(file: string): string | undefined {
  const name = file.endsWith(".toml") ? file.slice(0, -".toml".length) : "";
  return isLayerName(name) ? name : undefined;
}

/**
 * The text of a `<layer>.toml` file to its value; without `[types]` all three flags are false.
 * Throws Fault `toml.parse` or `toml.type`, and `layer.flags` when a flag stands outside the table `[types]`.
 */
export function parseLayer(text: string, place: string): LayerMetadata {
  const table = parseToml(text, place);
  const stray = flags.find((flag) => Object.hasOwn(table, flag));
  if (stray) {
    throw new Fault("layer.flags", `Cannot read layer at ${place}: ${stray} stands at the top level`, {
      exit: "build",
      hint: "the launch, cache and build flags should be in the types table",
    });
  }
  const types = tableIn(table, "types", place);
  const flag = (name: (typeof flags)[number]) => (types && booleanIn(types, name, place)) ?? false;
  return {
    launch: flag("launch"),
    build: flag("build"),
    cache: flag("cache"),
    metadata: tableIn(table, "metadata", place),
  };
}

/** Whether the layer serves nothing: right after its build such a layer's directory is put aside as `<layer>.ignore`. */
export function isIgnored(layer: LayerMetadata): boolean {
  return !layer.launch && !layer.build && !layer.cache;
}

function restored(metadata: Json): string {
  if (metadata === null) return "";
  return formatToml({ metadata: tomlMap(tomlOfJson(metadata) as TomlTable) });
}

/**
 * The `<layer>.toml` that is given back on a rebuild: the remembered metadata and no `[types]`; zero bytes when there is none.
 * Numbers come back as floats, as in the reference.
 */
export function formatRestoredLayer(data: Json): string {
  return restored(data);
}

/** The `store.toml` that is given back on a rebuild, by the same rules as a layer's file. */
export function formatRestoredStore(metadata: Json): string {
  return restored(metadata);
}
