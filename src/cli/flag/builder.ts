import type { Command } from "commander";
import type { Context } from "../context.ts";
import { pathFrom, repeated } from "../input.ts";

/** What `addBuilderFlags` adds. */
export interface BuilderFlags {
  readonly builder?: string;
  readonly buildpack?: string[];
}

/** Adds the flags that say which buildpacks there are, and in which order they are tried. */
export function addBuilderFlags(command: Command): Command {
  return command
    .option("-B, --builder <builder.toml>", "the builder: an order of buildpacks (default: the bundled one)")
    .option(
      "-b, --buildpack <dir|archive>",
      "use these buildpacks, in this order, instead of the builder's (repeatable)",
      repeated,
    );
}

/** The options of the library that these flags fill. */
export function builderOptions(context: Context, flags: BuilderFlags) {
  return {
    ...(flags.builder && { builder: pathFrom(context.cwd, flags.builder) }),
    ...(flags.buildpack && { buildpacks: flags.buildpack.map((path) => pathFrom(context.cwd, path)) }),
  };
}
