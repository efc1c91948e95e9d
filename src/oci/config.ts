import { Fault } from "../std/fault.ts";
import { encodeJson, isObject, type Json, type JsonObject, parseJson, sortedKeys } from "../std/json.ts";
import { type DiffId, parseDiffId } from "./digest.ts";
import type { Platform } from "./platform.ts";

/** One entry of an image's history; `created` is RFC 3339. */
export interface History {
  readonly author?: string;
  readonly created?: string;
  readonly created_by?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** What a container starts with: the `config` object of an image config; fields we do not edit pass through. */
export interface ContainerConfig {
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Env?: readonly string[];
  readonly Labels?: Readonly<Record<string, string>>;
  readonly User?: string;
  readonly Volumes?: JsonObject;
  readonly WorkingDir?: string;
  readonly ExposedPorts?: JsonObject;
  readonly [key: string]: unknown;
}

/** An image config (OCI image spec "Image Configuration"). */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly author?: string;
  readonly created?: string;
  readonly docker_version?: string;
  readonly history: readonly History[];
  readonly diffIds: readonly DiffId[];
  readonly config: ContainerConfig;
  readonly "os.version"?: string;
  readonly variant?: string;
  readonly "os.features"?: readonly string[];
}

const containerKeys = [
  "AttachStderr",
  "AttachStdin",
  "AttachStdout",
  "Cmd",
  "Healthcheck",
  "Domainname",
  "Entrypoint",
  "Env",
  "Hostname",
  "Image",
  "Labels",
  "OnBuild",
  "OpenStdin",
  "StdinOnce",
  "Tty",
  "User",
  "Volumes",
  "WorkingDir",
  "ExposedPorts",
  "ArgsEscaped",
  "NetworkDisabled",
  "MacAddress",
  "StopSignal",
  "Shell",
];
const healthKeys = ["Test", "Interval", "Timeout", "StartPeriod", "Retries"];

function text(document: JsonObject, key: string, place: string): string | undefined {
  const value = document[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw new Fault("document.parse", `Cannot read ${place}: ${key} is not a string`);
  return value === "" ? undefined : value;
}

function texts(value: Json | undefined, key: string, place: string): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string"))
    throw new Fault("document.parse", `Cannot read ${place}: ${key} is not a list of strings`);
  return value as string[];
}

function parseHistory(value: Json, place: string): History {
  if (!isObject(value)) throw new Fault("document.parse", `Cannot read ${place}: a history entry is not an object`);
  const pick = (key: "author" | "created" | "created_by" | "comment") => {
    const found = text(value, key, place);
    return found === undefined ? {} : { [key]: found };
  };
  return {
    ...pick("author"),
    ...pick("created"),
    ...pick("created_by"),
    ...pick("comment"),
    ...(value["empty_layer"] === true && { empty_layer: true }),
  };
}

/** Text to image config; throws Fault `document.parse` that names `place`. */
export function parseConfig(source: string, place: string): ImageConfig {
  const document = parseJson(source, place);
  if (!isObject(document)) throw new Fault("document.parse", `Cannot read ${place}: expected an object`);
  const rootfs = document["rootfs"];
  const diffIds = isObject(rootfs) ? texts(rootfs["diff_ids"], "rootfs.diff_ids", place) : undefined;
  if (!isObject(rootfs) || diffIds === undefined)
    throw new Fault("document.parse", `Cannot read ${place}: rootfs.diff_ids is missing`, {
      hint: "this is not the config of a container image",
    });
  const config = document["config"];
  if (config !== undefined && config !== null && !isObject(config))
    throw new Fault("document.parse", `Cannot read ${place}: config is not an object`);
  const container = isObject(config) ? config : {};
  texts(container["Env"], "config.Env", place);
  texts(container["Cmd"], "config.Cmd", place);
  texts(container["Entrypoint"], "config.Entrypoint", place);
  const labels = container["Labels"];
  if (
    labels !== undefined &&
    labels !== null &&
    !(isObject(labels) && Object.values(labels).every((item) => typeof item === "string"))
  )
    throw new Fault("document.parse", `Cannot read ${place}: config.Labels is not an object of strings`);
  const history = document["history"];
  if (history !== undefined && history !== null && !Array.isArray(history))
    throw new Fault("document.parse", `Cannot read ${place}: history is not a list`);
  const author = text(document, "author", place);
  const created = text(document, "created", place);
  const dockerVersion = text(document, "docker_version", place);
  const osVersion = text(document, "os.version", place);
  const variant = text(document, "variant", place);
  const features = texts(document["os.features"], "os.features", place);
  return {
    architecture: text(document, "architecture", place) ?? "",
    os: text(document, "os", place) ?? "",
    ...(author && { author }),
    ...(created && { created }),
    ...(dockerVersion && { docker_version: dockerVersion }),
    history: (Array.isArray(history) ? history : []).map((entry) => parseHistory(entry as Json, place)),
    diffIds: diffIds.map(parseDiffId),
    config: Object.fromEntries(
      Object.entries(container).filter(([, value]) => value !== null && value !== undefined),
    ) as ContainerConfig,
    ...(osVersion && { "os.version": osVersion }),
    ...(variant && { variant }),
    ...(features?.length && { "os.features": features }),
  };
}

/** Whether Go's `omitempty` would leave the value out. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "" || value === 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function containerJson(config: ContainerConfig): JsonObject {
  const pairs = containerKeys
    .filter((key) => !isEmpty(config[key]))
    .map((key): [string, Json] => {
      const value = config[key] as Json;
      if (key === "Healthcheck" && isObject(value)) {
        return [
          key,
          Object.fromEntries(healthKeys.filter((name) => !isEmpty(value[name])).map((name) => [name, value[name]])),
        ];
      }
      return [key, sortedKeys(value)];
    });
  return Object.fromEntries(pairs);
}

/** Go's zero time, which the reference writes where a time is unknown. */
const zeroTime = "0001-01-01T00:00:00Z";

/** Image config to the text the reference writes: its keys in its order, unknown keys dropped (as its typed struct does). */
export function encodeConfig(image: ImageConfig): string {
  return encodeJson({
    architecture: image.architecture,
    author: image.author,
    created: image.created ?? zeroTime,
    docker_version: image.docker_version,
    history: image.history.length
      ? image.history.map((entry) => ({
          author: entry.author,
          created: entry.created ?? zeroTime,
          created_by: entry.created_by,
          comment: entry.comment,
          empty_layer: entry.empty_layer ? true : undefined,
        }))
      : undefined,
    os: image.os,
    rootfs: { type: "layers", diff_ids: image.diffIds },
    config: containerJson(image.config),
    "os.version": image["os.version"],
    variant: image.variant,
    "os.features": image["os.features"]?.length ? image["os.features"] : undefined,
  });
}

/** What the image runs on. */
export function platformOf(config: ImageConfig): Platform {
  return {
    os: config.os,
    architecture: config.architecture,
    ...(config.variant && { variant: config.variant }),
    ...(config["os.version"] && { "os.version": config["os.version"] }),
  };
}

/** The value of an environment variable of the image, split at the first `=`; undefined when it is not set. */
export function envOf(config: ImageConfig, name: string): string | undefined {
  const entry = config.config.Env?.find((item) => item.slice(0, item.indexOf("=")) === name);
  return entry?.slice(entry.indexOf("=") + 1);
}

/** The labels of the image; an empty object when it has none. */
export function labelsOf(config: ImageConfig): Readonly<Record<string, string>> {
  return config.config.Labels ?? {};
}
