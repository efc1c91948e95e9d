import { type ContainerConfig, type ImageConfig, labelsOf } from "../oci/config.ts";
import type { DiffId } from "../oci/digest.ts";
import { Fault } from "../std/fault.ts";
import type { ExtendKind } from "./extend-config.ts";
import { labelNames } from "./label.ts";

/** What a Dockerfile can change of an image's config; everything else stays the base's, whatever an engine writes there. */
const changeable = [
  "Cmd",
  "Entrypoint",
  "Env",
  "ExposedPorts",
  "Healthcheck",
  "Labels",
  "OnBuild",
  "Shell",
  "StopSignal",
  "User",
  "Volumes",
  "WorkingDir",
] as const;
/** OCI's configs have no place for these: there, absent says nothing. */
const dockerOnly = new Set(["Healthcheck", "OnBuild", "Shell"]);

/** The user and group that an image's `User` names, the way arguments of Dockerfiles give them; empty for what it does not name. */
export function userOf(config: ContainerConfig): { readonly user: string; readonly group: string } {
  const [user = "", group] = (config.User ?? "").split(":");
  return { user, group: group ?? "" };
}

/** Whether an image's user is root. */
export function isRoot(config: ContainerConfig): boolean {
  return /^(0+|root)$/.test(userOf(config).user);
}

/** A base's `config` after a Dockerfile: what Dockerfiles change as the engine found it, the rest as it was. */
export function extendedConfig(base: ContainerConfig, found: ContainerConfig): ContainerConfig {
  const result: Record<string, unknown> = { ...base };
  for (const key of changeable) {
    if (found[key] !== undefined) result[key] = found[key];
    else if (!dockerOnly.has(key)) delete result[key];
  }
  return result as ContainerConfig;
}

/** A Dockerfile that was applied: whose it is, whether it speaks of rebasing, and the image's config after it. */
export interface AppliedStep {
  readonly extension: string;
  readonly saysRebasable: boolean;
  readonly config: ImageConfig;
}

function isTrue(value: string | undefined): boolean {
  return ["1", "t", "T", "TRUE", "true", "True"].includes(value ?? "");
}

/** Whether an extended image may be rebased: only when every Dockerfile says so itself. */
export function isRebasableAfter(steps: readonly AppliedStep[]): boolean {
  return steps.every(({ saysRebasable, config }) => saysRebasable && isTrue(labelsOf(config)[labelNames.rebasable]));
}

/** Sentences about Dockerfiles that left another user than there was. */
export function userWarnings(base: ImageConfig, steps: readonly AppliedStep[]): readonly string[] {
  const before = userOf(base.config).user;
  const roots = steps
    .filter(({ config }) => isRoot(config.config))
    .map(
      ({ extension }) =>
        `Extension ${extension} changed the user to root; this must not be the final user: a following extension must reset it`,
    );
  const last = steps.at(-1);
  const after = last ? userOf(last.config.config).user : before;
  const isOther = after !== before && !(last && isRoot(last.config.config));
  return [
    ...roots,
    ...(isOther ? [`The original user was "${before}", the final extension left the user "${after}"`] : []),
  ];
}

/** Throws Fault `extend.root` when a run image was left to run as root (Platform spec, "extender"). */
export function checkFinalUser(kind: ExtendKind, steps: readonly AppliedStep[]): void {
  const last = steps.at(-1);
  if (kind !== "run" || !last || !isRoot(last.config.config)) return;
  throw new Fault("extend.root", `Cannot use the run image that ${last.extension} extended: its user is root`, {
    exit: "extend",
    hint: "end the last run.Dockerfile with USER ${user_id}:${group_id}",
  });
}

/** One line of the history for each of the new layers. */
export interface AddedLayer {
  readonly diffId: DiffId;
  readonly createdBy: string;
}

/** The history text of each layer from the `start`th on; empty ones when history and layers do not fit. */
function layerTexts(config: ImageConfig, start: number): readonly string[] {
  const filled = config.history.filter((entry) => !entry.empty_layer);
  return config.diffIds
    .slice(start)
    .map((_, at) => (filled.length === config.diffIds.length ? (filled[start + at]?.created_by ?? "") : ""));
}

/**
 * Which layers each step added and what the image's history says of them: `Layer: '<instruction>', Created by extension: <id>`. Throws Fault
 * `extend.base` when a step did not leave the layers below as they were.
 */
export function addedLayers(base: ImageConfig, steps: readonly AppliedStep[]): readonly AddedLayer[] {
  const added: AddedLayer[] = [];
  let below: readonly DiffId[] = base.diffIds;
  for (const { extension, config } of steps) {
    if (below.some((diffId, at) => config.diffIds[at] !== diffId))
      throw new Fault("extend.base", `Cannot use the image that ${extension} extended: it stands on another base`, {
        exit: "extend",
        hint: "a Dockerfile of an extension has one FROM",
      });
    const texts = layerTexts(config, below.length);
    const fresh = config.diffIds.slice(below.length);
    added.push(
      ...fresh.map((diffId, at) => ({
        diffId,
        createdBy: `Layer: '${texts[at]}', Created by extension: ${extension}`,
      })),
    );
    below = config.diffIds;
  }
  return added;
}
