import type { Command } from "commander";
import type { Compressor } from "../../oci/media-type.ts";
import type { Context } from "../context.ts";
import { compressionFlag, isKeeper, pathFrom, placeFor, repeated } from "../input.ts";

/** What `addOutputFlags` adds. */
export interface OutputFlags {
  readonly publish?: boolean;
  readonly output?: string;
  readonly tag?: string[];
  readonly compression?: Compressor;
  readonly reportOutputDir?: string;
  readonly sbomOutputDir?: string;
}

/** Adds the flags that say where the image goes, and what is written beside it. */
export function addOutputFlags(command: Command): Command {
  return command
    .option("--publish", "push the image to the registry its name says")
    .option(
      "--output <where>",
      "local (default), registry, daemon, oci:DIR[:tag], layout:DIR (a layout for each name) or FILE.tar",
    )
    .option("-t, --tag <name>", "another name for the image (repeatable)", repeated)
    .addOption(compressionFlag())
    .option("--report-output-dir <dir>", "write report.toml here")
    .option("--sbom-output-dir <dir>", "write the bills of materials here");
}

/** The options of the library that these flags fill for an image of this name. */
export function outputOptions(context: Context, image: string, flags: OutputFlags) {
  return {
    image: flags.output === undefined || isKeeper(flags.output) ? image : placeFor(flags.output, image),
    ...(flags.tag && { tags: flags.tag }),
    ...(isKeeper(flags.output) && { output: flags.output }),
    ...(flags.publish && { output: "registry" as const }),
    ...(flags.compression && { compression: flags.compression }),
    ...(flags.reportOutputDir && { reportDirectory: pathFrom(context.cwd, flags.reportOutputDir) }),
    ...(flags.sbomOutputDir && { sbomDirectory: pathFrom(context.cwd, flags.sbomOutputDir) }),
  };
}
