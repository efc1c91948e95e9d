import type { ImageInfo } from "../../inspect.ts";
import { tableText } from "./table.ts";

/** One image as pack's machine formats have it, key by key. */
export function machineForm(info: ImageInfo | undefined) {
  if (!info) return null;
  return {
    stack: info.stack,
    base_image: { top_layer: info.base.topLayer, reference: info.base.reference },
    run_images: info.runImages.map((name) => ({ name })),
    buildpacks: info.buildpacks,
    extensions: info.extensions.length > 0 ? info.extensions : null,
    processes: info.processes.map((process) => ({
      type: process.type,
      shell: process.direct ? "" : "bash",
      command: process.command.join(" "),
      default: process.isDefault,
      args: process.args,
      "working-dir": process.workingDirectory,
    })),
    rebasable: info.rebasable,
  };
}

function modules(title: string, rows: ImageInfo["buildpacks"]): string {
  if (rows.length === 0) return `${title}:\n  (buildpack metadata not present)`;
  return `${title}:\n${tableText([["ID", "VERSION", "HOMEPAGE"], ...rows.map(({ id, version, homepage }) => [id, version, homepage ?? "-"])])}`;
}

function processes(info: ImageInfo): string {
  const rows = info.processes.map((process) => [
    process.isDefault ? `${process.type} (default)` : process.type,
    process.direct ? "" : "bash",
    process.command.join(" "),
    process.args.join(" "),
    process.workingDirectory,
  ]);
  return `Processes:\n${tableText([["TYPE", "SHELL", "COMMAND", "ARGS", "WORK DIR"], ...rows])}`;
}

/** The bill of materials in an image's label as pack's machine formats have it. */
export function bomForm(info: ImageInfo | undefined) {
  if (!info) return null;
  return info.bom.map(({ name, version, metadata, buildpack }) => ({
    name,
    ...(version && { version }),
    metadata,
    buildpacks: { id: buildpack.id, version: buildpack.version },
  }));
}

/** One image as a person reads it, section by section. */
export function imageText(info: ImageInfo | undefined): string {
  if (!info) return "(not present)";
  const runImages = info.runImages.length > 0 ? info.runImages.map((name) => `  ${name}`).join("\n") : "  (none)";
  const reference = info.base.reference ? `  Reference: ${info.base.reference}\n` : "";
  return [
    ...(info.stack ? [`Stack: ${info.stack}`] : []),
    `Image ID: ${info.imageId}`,
    `Base Image:\n${reference}  Top Layer: ${info.base.topLayer}`,
    `Run Images:\n${runImages}`,
    `Rebasable: ${info.rebasable}`,
    modules("Buildpacks", info.buildpacks),
    ...(info.extensions.length > 0 ? [modules("Extensions", info.extensions)] : []),
    ...(info.processes.length > 0 ? [processes(info)] : []),
  ].join("\n\n");
}
