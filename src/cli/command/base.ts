import type { Command } from "commander";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { parseCreationTime, pathFrom, repeated, repeatedWhole } from "../input.ts";

interface Flags {
  readonly file?: string;
  readonly from?: string;
  readonly mirror?: string[];
  readonly keyring?: string;
  readonly offline?: boolean;
  readonly tag?: string[];
  readonly creationTime?: string;
}

async function create(context: Context, name: string, flags: Flags): Promise<number> {
  const { createBaseImage } = await import("../../base-image.ts");
  const creationTime = parseCreationTime(flags.creationTime ?? context.env["SOURCE_DATE_EPOCH"]);
  const report = await createBaseImage({
    name,
    home: context.home,
    base: context.cwd,
    onEvent: context.emit,
    signal: context.signal,
    ...(flags.tag && { tags: flags.tag }),
    ...(flags.file && { file: pathFrom(context.cwd, flags.file) }),
    ...(flags.from && { from: flags.from }),
    ...(flags.mirror && { mirrors: flags.mirror }),
    ...(flags.keyring && { keyring: pathFrom(context.cwd, flags.keyring) }),
    ...(flags.offline && { offline: true }),
    ...(creationTime !== undefined && { creationTime }),
  });
  const { imageId, digest } = report.identity;
  const distro = report.distro ? `${report.distro.name} ${report.distro.version}`.trim() : "an unknown distribution";
  const count = report.packages ? `, ${Object.keys(report.packages).length} packages` : "";
  if (context.json) context.emit({ type: "image", names: [name], imageId, digest });
  else if (context.quiet) context.result(imageId);
  else context.say(`Successfully made base ${name} (${imageId.slice(7, 19)}): ${distro}${count}`);
  return 0;
}

/** Adds `pack base create`. */
export function define(program: Command, act: Act): void {
  program
    .command("base")
    .description("make run images from distribution packages")
    .command("create <name>")
    .description("make a run image without a Dockerfile and without being root")
    .option("-f, --file <base.toml>", "what the base consists of")
    .option("--from <archive|image>", "take this root file system or image instead of packages")
    .option(
      "--mirror <[SUITE=]URL>",
      "fetch packages from here instead of this machine's sources (repeatable)",
      repeatedWhole,
    )
    .option("--keyring <file>", "keys the mirrors are signed with")
    .option("--offline", "use only what earlier runs have fetched")
    .option("-t, --tag <name>", "another name for the base (repeatable)", repeated)
    .option("--creation-time <now|seconds>", "the image's creation time (default: SOURCE_DATE_EPOCH, else 1980)")
    .action((name: string, flags: Flags) => act((context) => create(context, name, flags)));
}
