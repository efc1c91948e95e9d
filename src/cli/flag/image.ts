import type { Command } from "commander";
import type { Context } from "../context.ts";
import { parseCreationTime, parsePairs, repeatedWhole } from "../input.ts";

/** What `addImageFlags` adds. */
export interface ImageFlags {
  readonly defaultProcess?: string;
  readonly creationTime?: string;
  readonly label?: string[];
  readonly annotation?: string[];
}

/** Adds the flags that say what stands in the image's documents. */
export function addImageFlags(command: Command): Command {
  return command
    .option("-D, --default-process <type>", "the process the image starts by default")
    .option("--creation-time <now|seconds>", "the image's creation time (default: SOURCE_DATE_EPOCH, else 1980)")
    .option("-l, --label <name=value>", "label the image (repeatable)", repeatedWhole)
    .option("--annotation <name=value>", "annotate the image's manifest (repeatable)", repeatedWhole);
}

/** The options of the library that these flags fill. */
export function imageOptions(context: Context, flags: ImageFlags) {
  const creationTime = parseCreationTime(flags.creationTime ?? context.env["SOURCE_DATE_EPOCH"]);
  return {
    ...(flags.defaultProcess && { defaultProcess: flags.defaultProcess }),
    ...(flags.label && { labels: parsePairs("label", flags.label) }),
    ...(flags.annotation && { annotations: parsePairs("annotation", flags.annotation) }),
    ...(creationTime !== undefined && { creationTime }),
  };
}
