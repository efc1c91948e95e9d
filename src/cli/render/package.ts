import type { PackageInfo } from "../../buildpack-inspect.ts";
import { detectionOrderJson } from "../../cnb/detection-order.ts";
import { moduleInfoJson, type Stack, stacksJson } from "../../cnb/module-info.ts";
import type { ModuleLayer } from "../../cnb/module-layers.ts";
import type { TargetPattern } from "../../cnb/target.ts";
import { targetParts } from "../../cnb/target-text.ts";
import type { JsonObject } from "../../std/json.ts";
import { modulesText } from "./builder.ts";
import { type Format, machineText } from "./inspection.ts";
import { orderText } from "./order.ts";

function stackText({ id, mixins = [] }: Stack, isVerbose: boolean): string {
  const shown = mixins.length > 0 ? mixins.map((mixin) => `      ${mixin}`) : ["      (none)"];
  return [`  ID: ${id}`, "    Mixins:", ...(isVerbose ? shown : ["      (omitted)"])].join("\n");
}

/** The targets of the module itself, else those its components have, each once. */
function targetsOf({ metadata, modules }: PackageInfo): readonly string[] {
  const main = modules.find(({ id, version }) => id === metadata.id && version === metadata.version);
  const own = main?.targets.length ? main.targets : modules.flatMap(({ targets }) => targets);
  return [...new Set(own.map((target) => targetParts(target).join("/")))];
}

function sectionsOf(info: PackageInfo, isVerbose: boolean): readonly string[] {
  const { location, kind, metadata, modules } = info;
  const targets = targetsOf(info);
  const shown = targets.length > 0 ? targets.map((target) => `  ${target}`).join("\n") : "  (any)";
  if (kind === "extension") return [`${location}:`, `Targets:\n${shown}`, `Extension:\n${modulesText(modules)}`];
  return [
    `${location}:`,
    ...(metadata.stacks.length > 0
      ? [`Stacks:\n${metadata.stacks.map((stack) => stackText(stack, isVerbose)).join("\n")}`]
      : []),
    `Targets:\n${shown}`,
    `Buildpacks:\n${modulesText(modules)}`,
    `Detection Order:\n${orderText(info.order)}`,
  ];
}

function targetJson({ os, arch, variant, distros }: TargetPattern): JsonObject {
  return {
    os,
    arch,
    variant,
    distros: distros.length > 0 ? distros.map(({ name, version }) => ({ name, version })) : undefined,
  };
}

function moduleJson({ id, version, name, homepage, api, targets, stacks, diffId }: ModuleLayer): JsonObject {
  return {
    id,
    version,
    name,
    homepage,
    api,
    targets: targets.map(targetJson),
    stacks: stacksJson(stacks),
    layer: diffId || undefined,
  };
}

function machineForm({ location, kind, metadata, modules, order }: PackageInfo): JsonObject {
  const { stacks, ...info } = metadata;
  return {
    location: location.toLowerCase().replace(" ", "-"),
    ...moduleInfoJson(info),
    stacks: stacksJson(stacks),
    [`${kind}s`]: modules.map(moduleJson),
    detection_order: kind === "buildpack" ? detectionOrderJson(order) : undefined,
  };
}

/** What was found of a package, as a person or a machine reads it. */
export async function packageText(
  locator: string,
  found: readonly PackageInfo[],
  format: Format,
  isVerbose: boolean,
): Promise<string> {
  const kind = found[0]?.kind ?? "buildpack";
  if (format !== "human-readable")
    return machineText({ [`${kind}_name`]: locator, found: found.map(machineForm) }, format);
  return [`Inspecting ${kind}: '${locator}'`, ...found.flatMap((info) => sectionsOf(info, isVerbose))].join("\n\n");
}
