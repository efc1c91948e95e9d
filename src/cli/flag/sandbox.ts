import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import { parseId, parsePairs, parseVolume, pathFrom, repeatedWhole } from "../input.ts";

/** What `addSandboxFlags` adds. */
export interface SandboxFlags {
  readonly sandbox?: "namespace" | "host";
  readonly network?: "host" | "none";
  readonly volume?: string[];
  readonly binding?: string[];
  readonly workspace?: string;
  readonly uid?: string;
  readonly gid?: string;
}

/** Adds the flags that say where buildpacks run and what they see there. */
export function addSandboxFlags(command: Command): Command {
  return command
    .option("--volume <HOST:GUEST[:ro|rw]>", "show a host directory to the buildpacks (repeatable)", repeatedWhole)
    .option(
      "--binding <NAME=DIR>",
      "a service binding for detect and build, never in the image (repeatable)",
      repeatedWhole,
    )
    .option("--workspace <dir>", "where the app is in the build and the image (default: workspace)")
    .option("--uid <id>", "the user buildpacks run as and layers belong to (default: the base's)")
    .option("--gid <id>", "the group buildpacks run as and layers belong to (default: the base's)")
    .addOption(new Option("--network <kind>", "the network buildpacks see").choices(["host", "none"]))
    .addOption(
      new Option("--sandbox <kind>", "where buildpacks run (default: the safest that works here)").choices([
        "namespace",
        "host",
      ]),
    );
}

function bindingPaths(context: Context, pairs: readonly string[]): Record<string, string> {
  const named = Object.entries(parsePairs("binding", pairs));
  return Object.fromEntries(named.map(([name, directory]) => [name, pathFrom(context.cwd, directory)]));
}

/** The options of the library that these flags fill. */
export function sandboxOptions(context: Context, flags: SandboxFlags) {
  return {
    volumes: (flags.volume ?? []).map((text) => parseVolume(text, context.cwd)),
    ...(flags.binding && { bindings: bindingPaths(context, flags.binding) }),
    ...(flags.workspace !== undefined && { workspace: flags.workspace }),
    ...(flags.uid !== undefined && { uid: parseId("uid", flags.uid) }),
    ...(flags.gid !== undefined && { gid: parseId("gid", flags.gid) }),
    ...(flags.network && { network: flags.network }),
    ...(flags.sandbox && { sandbox: flags.sandbox }),
  };
}
