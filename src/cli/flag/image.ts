import type { Command } from "commander";
import type { Context } from "../context.ts";
import { parseCreationTime } from "../input.ts";

/** What `addImageFlags` adds. */
export interface ImageFlags {
  readonly defaultProcess?: string;
  readonly creationTime?: string;
}

/** Adds the flags that say what stands in the image's documents. */
export function addImageFlags(command: Command): Command {
  return command
    .option("-D, --default-process <type>", "the process the image starts by default")
    .option("--creation-time <now|seconds>", "the image's creation time (default: SOURCE_DATE_EPOCH, else 1980)");
}

/** The options of the library that these flags fill. */
export function imageOptions(context: Context, flags: ImageFlags) {
  const creationTime = parseCreationTime(flags.creationTime ?? context.env["SOURCE_DATE_EPOCH"]);
  return {
    ...(flags.defaultProcess && { defaultProcess: flags.defaultProcess }),
    ...(creationTime !== undefined && { creationTime }),
  };
}
