import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import type { EngineName } from "../../extending.ts";
import type { Context } from "../context.ts";
import { pathFrom, repeated } from "../input.ts";

/** What `addBuilderFlags` adds. */
export interface BuilderFlags {
  readonly builder?: string;
  readonly buildpack?: string[];
  readonly preBuildpack?: string[];
  readonly postBuildpack?: string[];
  readonly disableSystemBuildpacks?: boolean;
  readonly extension?: string[];
  readonly engine?: EngineName;
}

/** Adds the flags that say which buildpacks there are, and in which order they are tried. */
export function addBuilderFlags(command: Command): Command {
  return command
    .option("-B, --builder <image|builder.toml>", "the builder (default: the bundled one)")
    .option(
      "-b, --buildpack <buildpack>",
      "use these buildpacks, in this order, instead of the builder's (repeatable)",
      repeated,
    )
    .option("--pre-buildpack <buildpack>", "add to the front of every group of the builder (repeatable)", repeated)
    .option("--post-buildpack <buildpack>", "add to the end of every group of the builder (repeatable)", repeated)
    .option("--extension <extension>", "use these image extensions instead of the builder's (repeatable)", repeated)
    .addOption(
      new Option("--engine <name>", "what applies extensions' Dockerfiles (default: what works here)").choices([
        "buildah",
        "docker",
      ]),
    )
    .option("--disable-system-buildpacks", "leave out the buildpacks the builder puts around every group")
    .addOption(new Option("--trust-builder").hideHelp())
    .addOption(new Option("--trust-extra-buildpacks").hideHelp())
    .addOption(new Option("--lifecycle-image <name>").hideHelp());
}

/** Where a builder or buildpack is, whatever directory the library looks from: paths become absolute, names and ids stay. */
function locator(context: Context, text: string): string {
  const image = /^((?:oci|oci-archive|docker-archive):)([^:]+)(.*)$/s.exec(text);
  if (image) return `${image[1]}${pathFrom(context.cwd, image[2]!)}${image[3]}`;
  if (/^[a-z][a-z0-9+.-]*:|^from=builder/i.test(text)) return text;
  const path = pathFrom(context.cwd, text);
  return /^[./]|\.(toml|cnb|tgz|tar|tar\.gz)$/.test(text) || existsSync(path) ? path : text;
}

/** The options of the library that these flags fill. */
export function builderOptions(context: Context, flags: BuilderFlags) {
  const located = (texts: readonly string[]) => texts.map((text) => locator(context, text));
  return {
    ...(flags.builder && { builder: locator(context, flags.builder) }),
    ...(flags.buildpack && { buildpacks: located(flags.buildpack) }),
    ...(flags.preBuildpack && { preBuildpacks: located(flags.preBuildpack) }),
    ...(flags.postBuildpack && { postBuildpacks: located(flags.postBuildpack) }),
    ...(flags.engine && { engine: flags.engine }),
    ...(flags.extension && { extensions: located(flags.extension) }),
    ...(flags.disableSystemBuildpacks && { disableSystemBuildpacks: true }),
  };
}
