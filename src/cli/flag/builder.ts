import { type Command, Option } from "commander";
import type { EngineName } from "../../build/extending.ts";
import type { Config } from "../../config/config.ts";
import { builderFrom, locatorFrom } from "../../source/locator.ts";
import type { Context } from "../context.ts";
import { repeated } from "../input.ts";

/** What `addBuilderFlags` adds. */
export interface BuilderFlags {
  readonly builder?: string;
  readonly buildpack?: string[];
  readonly preBuildpack?: string[];
  readonly postBuildpack?: string[];
  readonly disableSystemBuildpacks?: boolean;
  readonly extension?: string[];
  readonly engine?: EngineName;
  readonly buildpackRegistry?: string;
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
    .option("-r, --buildpack-registry <name>", "where ids are looked up (default: the configured one)")
    .option("--disable-system-buildpacks", "leave out the buildpacks the builder puts around every group")
    .addOption(new Option("--trust-builder").hideHelp())
    .addOption(new Option("--trust-extra-buildpacks").hideHelp())
    .addOption(new Option("--lifecycle-image <name>").hideHelp());
}

/** The options of the library that these flags fill. Throws Fault `registry.name`. */
export async function builderOptions(context: Context, flags: BuilderFlags, config: Config) {
  const located = (texts: readonly string[]) => texts.map((text) => locatorFrom(context.cwd, text));
  const { buildpackRegistry: name } = flags;
  return {
    ...(name && {
      buildpackRegistry: (await import("../../source/registry.ts")).registryNamed(config.registries, name, undefined),
    }),
    ...(flags.builder && { builder: builderFrom(context.cwd, flags.builder) }),
    ...(flags.buildpack && { buildpacks: located(flags.buildpack) }),
    ...(flags.preBuildpack && { preBuildpacks: located(flags.preBuildpack) }),
    ...(flags.postBuildpack && { postBuildpacks: located(flags.postBuildpack) }),
    ...(flags.engine && { engine: flags.engine }),
    ...(flags.extension && { extensions: located(flags.extension) }),
    ...(flags.disableSystemBuildpacks && { disableSystemBuildpacks: true }),
  };
}
