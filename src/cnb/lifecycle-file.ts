import { Fault } from "../std/fault.ts";
import { encodeJson, type JsonObject } from "../std/json.ts";
import { objectAt, parseObject, textAt, textsAt } from "../std/json-read.ts";
import { parseToml, type TomlTable } from "../std/toml.ts";
import { stringIn, stringsIn, tableIn } from "../std/toml-read.ts";
import { formatToml } from "../std/toml-write.ts";
import { compareApis, parseApi } from "./api.ts";

/** The versions of one API a lifecycle serves, oldest first. */
export interface ApiVersions {
  readonly deprecated: readonly string[];
  readonly supported: readonly string[];
}

/** What a lifecycle says of itself: in `lifecycle.toml`, in the labels of its image and in those of a builder. */
export interface LifecycleFile {
  readonly version: string;
  readonly buildpack: ApiVersions;
  readonly platform: ApiVersions;
}

function normal(texts: readonly string[], place: string): readonly string[] {
  return texts.map((text) => {
    const { major, minor } = parseApi(text.replace(/^v/, ""), place, "general");
    return `${major}.${minor}`;
  });
}

/** One version of the old `[api]` counts only when the lists of `[apis]` are not there. */
function versionsOf(lists: ApiVersions | undefined, old: string | undefined, place: string): ApiVersions {
  if (lists && lists.deprecated.length + lists.supported.length > 0)
    return { deprecated: normal(lists.deprecated, place), supported: normal(lists.supported, place) };
  return { deprecated: [], supported: normal(old === undefined ? [] : [old], place) };
}

/** The text of a lifecycle.toml; throws Fault `toml.*` and `api.parse`. */
export function parseLifecycleFile(text: string, place: string): LifecycleFile {
  const table = parseToml(text, place);
  const [apis, old] = [tableIn(table, "apis", place), tableIn(table, "api", place)];
  const lifecycle = tableIn(table, "lifecycle", place);
  const listsIn = (from: TomlTable, key: string): ApiVersions | undefined => {
    const part = tableIn(from, key, place);
    const list = (name: string) => (part && stringsIn(part, name, place)) ?? [];
    return part && { deprecated: list("deprecated"), supported: list("supported") };
  };
  const both = (key: string) => versionsOf(apis && listsIn(apis, key), old && stringIn(old, key, place), place);
  return {
    version: (lifecycle && stringIn(lifecycle, "version", place)) || "",
    buildpack: both("buildpack"),
    platform: both("platform"),
  };
}

/** The text of lifecycle.toml, with the old `[api]` for readers of before 2020. */
export function formatLifecycleFile(lifecycle: LifecycleFile): string {
  const { version, buildpack, platform } = lifecycle;
  const lists = ({ deprecated, supported }: ApiVersions) => ({ deprecated, supported });
  return formatToml({
    apis: { buildpack: lists(buildpack), platform: lists(platform) },
    api: { platform: oldestOf(platform), buildpack: oldestOf(buildpack) },
    lifecycle: { version },
  });
}

function oldestOf({ deprecated, supported }: ApiVersions): string | undefined {
  const all = [...deprecated, ...supported].map((text) => parseApi(text, "lifecycle", "general"));
  return all.sort(compareApis)[0]?.text;
}

/** What a builder's label says of its lifecycle, in pack's order. */
export function lifecycleJson(lifecycle: LifecycleFile): JsonObject {
  const { version, buildpack, platform } = lifecycle;
  return {
    version: version || null,
    api: { buildpack: oldestOf(buildpack) ?? null, platform: oldestOf(platform) ?? null },
    apis: apisJson(lifecycle),
  };
}

function apisJson({ buildpack, platform }: LifecycleFile): JsonObject {
  const lists = ({ deprecated, supported }: ApiVersions) => ({
    deprecated,
    supported: supported.length > 0 ? supported : null,
  });
  return { buildpack: lists(buildpack), platform: lists(platform) };
}

/** The value of the label `io.buildpacks.lifecycle.apis`, which images of lifecycles have. */
export function encodeLifecycleApis(lifecycle: LifecycleFile): string {
  return encodeJson(apisJson(lifecycle));
}

/** What a builder's label says of its lifecycle; throws Fault `json.*` and `api.parse`. */
export function parseLifecycleJson(object: JsonObject, place: string): LifecycleFile {
  const [apis, old] = [objectAt(object, "apis", place), objectAt(object, "api", place)];
  const both = (key: string) => {
    const part = apis && objectAt(apis, key, place);
    const list = (name: string) => (part ? textsAt(part, name, place) : []);
    const lists = part && { deprecated: list("deprecated"), supported: list("supported") };
    return versionsOf(lists, old && textAt(old, key, place), place);
  };
  return { version: textAt(object, "version", place) ?? "", buildpack: both("buildpack"), platform: both("platform") };
}

/** The labels of a lifecycle's image to its value; throws as `parseLifecycleJson` does, and Fault `lifecycle.label` when there is none. */
export function parseLifecycleLabels(
  labels: { readonly version: string | undefined; readonly apis: string | undefined },
  place: string,
): LifecycleFile {
  if (labels.apis === undefined)
    throw new Fault(
      "lifecycle.label",
      `Cannot read lifecycle at ${place}: its label io.buildpacks.lifecycle.apis is missing`,
    );
  return { ...parseLifecycleJson({ apis: parseObject(labels.apis, place) }, place), version: labels.version ?? "" };
}
