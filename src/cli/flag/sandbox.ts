import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import { parseVolume, repeatedWhole } from "../input.ts";

/** What `addSandboxFlags` adds. */
export interface SandboxFlags {
  readonly sandbox?: "namespace" | "host";
  readonly network?: "host" | "none";
  readonly volume?: string[];
}

/** Adds the flags that say where buildpacks run and what they see there. */
export function addSandboxFlags(command: Command): Command {
  return command
    .option("--volume <HOST:GUEST[:ro|rw]>", "show a host directory to the buildpacks (repeatable)", repeatedWhole)
    .addOption(new Option("--network <kind>", "the network buildpacks see").choices(["host", "none"]))
    .addOption(
      new Option("--sandbox <kind>", "where buildpacks run (default: the safest that works here)").choices([
        "namespace",
        "host",
      ]),
    );
}

/** The options of the library that these flags fill. */
export function sandboxOptions(context: Context, flags: SandboxFlags) {
  return {
    volumes: (flags.volume ?? []).map((text) => parseVolume(text, context.cwd)),
    ...(flags.network && { network: flags.network }),
    ...(flags.sandbox && { sandbox: flags.sandbox }),
  };
}
