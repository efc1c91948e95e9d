import type { Command } from "commander";
import type { PullPolicy } from "../../reach/pull-policy.ts";
import type { Context } from "../context.ts";
import { insecureFlag, outsideOptions, pullPolicyFlag, repeated } from "../input.ts";

/** What `addRunImageFlags` adds. */
export interface RunImageFlags {
  readonly runImage?: string;
  readonly pullPolicy?: PullPolicy;
  readonly insecureRegistry?: string[];
  readonly dockerHost?: string;
}

/** Adds the flags that say what the image stands on, and how images of registries and daemons are reached. */
export function addRunImageFlags(command: Command): Command {
  return command
    .option("--run-image <name>", "the run image (default: the builder's)")
    .addOption(pullPolicyFlag())
    .addOption(insecureFlag(repeated))
    .option("--docker-host <address>", "the Docker daemon (default: DOCKER_HOST, the context, the usual sockets)");
}

/** The options of the library that these flags fill. */
export function runImageOptions(context: Context, flags: RunImageFlags) {
  return {
    outside: outsideOptions(context, flags),
    ...(flags.pullPolicy && { pullPolicy: flags.pullPolicy }),
    ...(flags.runImage && { runImage: flags.runImage }),
  };
}
