import type { Side, Sides } from "../../inspect-sides.ts";
import type { JsonObject } from "../../std/json.ts";
import { bomForm, imageText, machineForm } from "./inspect.ts";

/** The forms of an inspection. */
export type Format = "human-readable" | "json" | "yaml" | "toml";

/** A value in one of the forms for machines; keys without a value are null, and in TOML left out. */
export async function machineText(machine: JsonObject, format: Format): Promise<string> {
  if (format === "yaml") return (await import("yaml")).stringify(machine).trimEnd();
  if (format !== "toml") return JSON.stringify(machine, undefined, 2);
  const { formatToml } = await import("../../std/toml-write.ts");
  const { tomlOfJson } = await import("../../std/toml-json.ts");
  return formatToml(tomlOfJson(machine as never) as never).trimEnd();
}

function sideText(title: string, { info, fault }: Side): string {
  if (fault) return `${title}:\n${fault.message}`;
  return info ? `${title}:\n\n${imageText(info)}` : `${title}:\n(not present)`;
}

function errors({ remote, local }: Sides) {
  return {
    ...(remote.fault && { remote_error: remote.fault.message }),
    ...(local.fault && { local_error: local.fault.message }),
  };
}

/** What both sides know of an image, as a person or a machine reads it; `isBom`: the bills of materials in their labels. */
export async function inspectionText(image: string, sides: Sides, format: Format, isBom: boolean): Promise<string> {
  const { remote, local } = sides;
  if (isBom) {
    const bom = { remote: bomForm(remote.info), local: bomForm(local.info), ...errors(sides) };
    return machineText(bom as unknown as JsonObject, format);
  }
  if (format === "human-readable")
    return [`Inspecting image: '${image}'`, sideText("REMOTE", remote), sideText("LOCAL", local)].join("\n\n");
  const machine = {
    image_name: image,
    remote_info: machineForm(remote.info),
    local_info: machineForm(local.info),
    ...errors(sides),
  };
  return machineText(machine as unknown as JsonObject, format);
}
