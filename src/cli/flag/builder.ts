import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { pathFrom, repeated } from "../input.ts";

/** What `addBuilderFlags` adds. */
export interface BuilderFlags {
  readonly builder?: string;
  readonly buildpack?: string[];
  readonly preBuildpack?: string[];
  readonly postBuildpack?: string[];
}

/** Adds the flags that say which buildpacks there are, and in which order they are tried. */
export function addBuilderFlags(command: Command): Command {
  return command
    .option("-B, --builder <builder.toml>", "the builder: an order of buildpacks (default: the bundled one)")
    .option(
      "-b, --buildpack <dir|archive|id>",
      "use these buildpacks, in this order, instead of the builder's (repeatable)",
      repeated,
    )
    .option("--pre-buildpack <dir|archive|id>", "add to the front of every group of the builder (repeatable)", repeated)
    .option("--post-buildpack <dir|archive|id>", "add to the end of every group of the builder (repeatable)", repeated);
}

/** A path stays one; what is at none is an id. */
function locator(context: Context, text: string): string {
  const path = pathFrom(context.cwd, text);
  return text === "from=builder" || (/^[^./]/.test(text) && !existsSync(path)) ? text : path;
}

/** The options of the library that these flags fill. */
export function builderOptions(context: Context, flags: BuilderFlags) {
  const located = (texts: readonly string[]) => texts.map((text) => locator(context, text));
  return {
    ...(flags.builder && { builder: pathFrom(context.cwd, flags.builder) }),
    ...(flags.buildpack && { buildpacks: located(flags.buildpack) }),
    ...(flags.preBuildpack && { preBuildpacks: located(flags.preBuildpack) }),
    ...(flags.postBuildpack && { postBuildpacks: located(flags.postBuildpack) }),
  };
}
