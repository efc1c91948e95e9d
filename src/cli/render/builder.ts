import type { BuilderInfo } from "../../builder-inspect.ts";
import { detectionOrderJson } from "../../cnb/detection-order.ts";
import { type ModuleInfo, moduleInfoJson } from "../../cnb/module-info.ts";
import type { RunImageNames } from "../../cnb/run-file.ts";
import type { Side, Sides } from "../../inspect-sides.ts";
import type { JsonObject } from "../../std/json.ts";
import { type Format, machineText } from "./inspection.ts";
import { orderText } from "./order.ts";
import { tableText } from "./table.ts";

/** What is known of a builder besides its labels. */
export interface BuilderStanding {
  readonly name: string;
  readonly isTrusted: boolean;
  readonly isDefault: boolean;
  /** Whether to name the mixins of its stack. */
  readonly isVerbose: boolean;
  /** Mirrors of run images that the user has configured. */
  readonly mirrors: readonly RunImageNames[];
}

/** The run images' names, those the user has configured first. */
function runImagesOf({ runImages }: BuilderInfo, { mirrors }: BuilderStanding) {
  const own = mirrors.filter(({ image }) => runImages.some((listed) => listed.image === image));
  return [
    ...own.flatMap((names) => names.mirrors.map((name) => ({ name, user_configured: true }))),
    ...runImages.flatMap(({ image, mirrors: others }) => [image, ...others]).map((name) => ({ name })),
  ].filter(({ name }) => name !== "");
}

function runImagesText(info: BuilderInfo, standing: BuilderStanding): string {
  const names = runImagesOf(info, standing);
  if (names.length === 0) return "  (none)";
  const own = names.filter((one) => "user_configured" in one);
  const width = Math.max(0, ...own.map(({ name }) => name.length)) + 4;
  return names
    .map((one) => ("user_configured" in one ? `  ${one.name.padEnd(width)}(user-configured)` : `  ${one.name}`))
    .join("\n");
}

/** Modules as a table; `  (none)` without. */
export function modulesText(modules: readonly Pick<ModuleInfo, "id" | "name" | "version" | "homepage">[]): string {
  if (modules.length === 0) return "  (none)";
  const rows = modules.map(({ id, name, version, homepage }) => [id, name ?? "-", version, homepage ?? "-"]);
  return tableText([["ID", "NAME", "VERSION", "HOMEPAGE"], ...rows]);
}

const versions = (list: readonly string[]) => list.join(", ") || "(none)";

function sectionsOf(info: BuilderInfo, standing: BuilderStanding): readonly string[] {
  const { isTrusted, isVerbose } = standing;
  const { description, createdBy, stack, mixins, lifecycle, extensions, orderExtensions } = info;
  const { buildpack, platform } = lifecycle;
  const shownMixins = isVerbose && mixins.length > 0 ? ["  Mixins:", ...mixins.map((mixin) => `    ${mixin}`)] : [];
  return [
    ...(description ? [`Description: ${description}`] : []),
    ...(createdBy.name ? [`Created By:\n  Name: ${createdBy.name}\n  Version: ${createdBy.version}`] : []),
    `Trusted: ${isTrusted ? "Yes" : "No"}`,
    ...(stack ? [["Stack:", `  ID: ${stack}`, ...shownMixins].join("\n")] : []),
    [
      "Lifecycle:",
      `  Version: ${lifecycle.version || "(none)"}`,
      "  Buildpack APIs:",
      `    Deprecated: ${versions(buildpack.deprecated)}`,
      `    Supported: ${versions(buildpack.supported)}`,
      "  Platform APIs:",
      `    Deprecated: ${versions(platform.deprecated)}`,
      `    Supported: ${versions(platform.supported)}`,
    ].join("\n"),
    `Run Images:\n${runImagesText(info, standing)}`,
    `Buildpacks:\n${modulesText(info.buildpacks)}`,
    `Detection Order:\n${orderText(info.order)}`,
    ...(extensions.length > 0
      ? [`Extensions:\n${modulesText(extensions)}`, `Detection Order (Extensions):\n${orderText(orderExtensions)}`]
      : []),
  ];
}

function sideText(title: string, { info, fault }: Side<BuilderInfo>, standing: BuilderStanding): string {
  if (fault) return `${title}:\n${fault.message}`;
  return info ? [`${title}:`, ...sectionsOf(info, standing)].join("\n\n") : `${title}:\n(not present)`;
}

function machineForm(info: BuilderInfo | undefined, standing: BuilderStanding): JsonObject | null {
  if (!info) return null;
  const { description, createdBy, stack, mixins, lifecycle, buildpacks, extensions } = info;
  const extensionOrder = detectionOrderJson(info.orderExtensions);
  const apis = ({ deprecated, supported }: BuilderInfo["lifecycle"]["buildpack"]) => ({ deprecated, supported });
  return {
    description: description || undefined,
    created_by: { name: createdBy.name, version: createdBy.version },
    stack: stack ? { id: stack, mixins: standing.isVerbose && mixins.length > 0 ? mixins : undefined } : undefined,
    lifecycle: {
      version: lifecycle.version || null,
      buildpack_apis: apis(lifecycle.buildpack),
      platform_apis: apis(lifecycle.platform),
    },
    run_images: runImagesOf(info, standing),
    buildpacks: buildpacks.map(moduleInfoJson),
    detection_order: detectionOrderJson(info.order),
    extensions: extensions.length > 0 ? extensions.map(moduleInfoJson) : undefined,
    order_extensions: extensionOrder.length > 0 ? extensionOrder : undefined,
  };
}

/** What both sides know of a builder, as a person or a machine reads it. */
export async function builderText(
  { local, remote }: Sides<BuilderInfo>,
  standing: BuilderStanding,
  format: Format,
): Promise<string> {
  const { name, isTrusted, isDefault } = standing;
  if (format === "human-readable")
    return [
      `Inspecting ${isDefault ? "default " : ""}builder: '${name}'`,
      sideText("REMOTE", remote, standing),
      sideText("LOCAL", local, standing),
    ].join("\n\n");
  const machine: JsonObject = {
    builder_name: name,
    trusted: isTrusted,
    default: isDefault,
    remote_info: machineForm(remote.info, standing),
    local_info: machineForm(local.info, standing),
    ...(remote.fault && { remote_error: remote.fault.message }),
    ...(local.fault && { local_error: local.fault.message }),
  };
  return machineText(machine, format);
}
