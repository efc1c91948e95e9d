import type { History, ImageConfig } from "../oci/config.ts";
import type { DiffId } from "../oci/digest.ts";
import { Fault } from "../std/fault.ts";
import { platformApi } from "./api.ts";
import { labelNames } from "./label.ts";
import type { Process } from "./launch.ts";

/** The moment everything we make claims to come from, unless `SOURCE_DATE_EPOCH` says otherwise. */
export const normalizedTime = "1980-01-01T00:00:01Z";

const launcher = "/cnb/lifecycle/launcher";
const processDirectory = "/cnb/process";

/** What messages call the layers that are no buildpack's, and what the image's history says of each kind of layer. */
export const layerIds = {
  ofBuildpack: (buildpackId: string, layer: string) => `${buildpackId}:${layer}`,
  ofSlice: (at: number) => `slice-${at + 1}`,
  launchSbom: "buildpacksio/lifecycle:launch.sbom",
  cacheSbom: "buildpacksio/lifecycle:cache.sbom",
  launcher: "buildpacksio/lifecycle:launcher",
  config: "buildpacksio/lifecycle:config",
  processTypes: "buildpacksio/lifecycle:process-types",
} as const;

/** The `created_by` text of each kind of layer, as the reference writes it. */
export const createdBy = {
  ofBuildpack: (buildpack: { readonly id: string; readonly version: string }, layer: string) =>
    `Layer: '${layer}', Created by buildpack: ${buildpack.id}@${buildpack.version}`,
  /** `at` counts from 0; `count` is the number of app layers, the remainder included. */
  ofSlice: (at: number, count: number) => (count === 1 ? "Application Layer" : `Application Slice: ${at + 1}`),
  sbom: "Software Bill-of-Materials",
  launcher: "Buildpacks Application Launcher",
  config: "Buildpacks Launcher Config",
  processTypes: "Buildpacks Process Types",
} as const;

/** The image's `created` time as RFC 3339 in UTC, and a warning when `SOURCE_DATE_EPOCH` cannot be used. */
export function createdTime(sourceDateEpoch: string | undefined): {
  readonly created: string;
  readonly warning?: string;
} {
  if (!sourceDateEpoch) return { created: normalizedTime };
  const time = /^[+-]?\d{1,13}$/.test(sourceDateEpoch) ? new Date(Number(sourceDateEpoch) * 1000) : undefined;
  // RFC 3339 has years of four digits.
  if (!time || !(time.getUTCFullYear() >= 0 && time.getUTCFullYear() <= 9999))
    return { created: normalizedTime, warning: `Ignoring invalid SOURCE_DATE_EPOCH "${sourceDateEpoch}"` };
  return { created: time.toISOString().replace(/\.\d+Z$/, "Z") };
}

/** The program an app image starts with, and the process type that means when there is one. */
export interface Entrypoint {
  readonly path: string;
  readonly type?: string;
}

/**
 * Chooses the entrypoint (Platform spec, "exporter"): the process type asked for, else the buildpacks' default, else the launcher.
 * Throws Fault `process-type.unknown` when the one asked for is no process type.
 */
export function planEntrypoint(choice: {
  readonly processes: readonly Pick<Process, "type">[];
  readonly buildpackDefault: string | undefined;
  readonly requested: string | undefined;
}): Entrypoint {
  const { processes, buildpackDefault, requested } = choice;
  const type = requested || buildpackDefault;
  if (!type) return { path: launcher };
  if (requested && !processes.some((process) => process.type === requested)) {
    const known = processes.map((process) => process.type).join(", ");
    throw new Fault(
      "process-type.unknown",
      `Cannot set default process type: tried to set ${requested} to default but it doesn't exist`,
      { exit: "export", hint: known ? `the process types are ${known}` : "no buildpack defined a process type" },
    );
  }
  return { path: `${processDirectory}/${type}`, type };
}

/** The labels of an app image in the order they are set; a later one replaces an earlier one with the same name. */
export function appLabels(labels: {
  readonly lifecycle: string;
  readonly build: string;
  readonly project: string;
  readonly buildpacks: readonly { readonly key: string; readonly value: string }[];
  readonly execEnv: string;
}): readonly (readonly [string, string])[] {
  return [
    [labelNames.lifecycle, labels.lifecycle],
    [labelNames.build, labels.build],
    [labelNames.project, labels.project],
    ...labels.buildpacks.map(({ key, value }) => [key, value] as const),
    ...(labels.execEnv ? [[labelNames.execEnv, labels.execEnv] as const] : []),
  ];
}

/** Everything an app image's config is made of. */
export interface AppImage {
  readonly runImage: ImageConfig;
  /** The layers on top of the run image, bottom first. */
  readonly layers: readonly { readonly diffId: DiffId; readonly createdBy: string }[];
  readonly labels: readonly (readonly [string, string])[];
  readonly layersDir: string;
  readonly appDir: string;
  readonly entrypoint: Entrypoint;
  /** What the launcher is told to follow; the one we follow unless said. */
  readonly platformApi?: string;
  /** RFC 3339, from `createdTime`. */
  readonly created: string;
}

/** The value the reference reads: an entry with a second `=` counts as absent. */
function plainValue(env: readonly string[], name: string): string {
  const entry = env.map((item) => item.split("=")).find((parts) => parts.length === 2 && parts[0] === name);
  return entry?.[1] ?? "";
}

function withVariable(env: readonly string[], name: string, value: string): readonly string[] {
  const at = env.findIndex((item) => item.split("=")[0] === name);
  return at < 0 ? [...env, `${name}=${value}`] : env.with(at, `${name}=${value}`);
}

function appEnv(app: AppImage): readonly string[] {
  const base = app.runImage.config.Env ?? [];
  const variables = [
    ["CNB_LAYERS_DIR", app.layersDir],
    ["CNB_APP_DIR", app.appDir],
    ["CNB_PLATFORM_API", app.platformApi ?? platformApi],
    ["CNB_DEPRECATION_MODE", "quiet"],
    // Without a PATH in the run image a colon stays at the end, as in the reference.
    ["PATH", `${processDirectory}:/cnb/lifecycle:${plainValue(base, "PATH")}`],
  ] as const;
  return variables.reduce<readonly string[]>((env, [name, value]) => withVariable(env, name, value), base);
}

/** One entry for each layer; a base whose history does not fit its layers loses it. */
function appHistory(app: AppImage): readonly History[] {
  const { diffIds, history } = app.runImage;
  const filled = history.filter((entry) => !entry.empty_layer);
  const base = filled.length === diffIds.length ? filled : diffIds.map(() => ({}));
  const added = app.layers.map((layer) => ({ created_by: layer.createdBy }));
  return [...base, ...added].map((entry) => ({ ...entry, created: app.created }));
}

/**
 * The config of an app image (Platform spec, "exporter"): the run image's, with our environment in front, the app as working
 * directory, its entrypoint, no command, labels, one history entry for each layer and one time for all.
 */
export function planConfig(app: AppImage): ImageConfig {
  const { Cmd: _, ...inherited } = app.runImage.config;
  return {
    ...app.runImage,
    created: app.created,
    history: appHistory(app),
    diffIds: [...app.runImage.diffIds, ...app.layers.map((layer) => layer.diffId)],
    config: {
      ...inherited,
      Env: appEnv(app),
      WorkingDir: app.appDir,
      Entrypoint: [app.entrypoint.path],
      Labels: { ...inherited.Labels, ...Object.fromEntries(app.labels) },
    },
  };
}
