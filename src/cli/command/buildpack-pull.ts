import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { addSourcesFlags, type SourcesFlags, sourcesOptions } from "../flag/making.ts";

interface Flags extends SourcesFlags {
  readonly output?: "local" | "daemon";
}

async function run(context: Context, locator: string, flags: Flags): Promise<number> {
  const { pullBuildpack } = await import("../../buildpack-pull.ts");
  const pulled = await pullBuildpack({
    ...(await sourcesOptions(context, flags)),
    locator,
    ...(flags.output && { output: flags.output }),
  });
  if (context.json) context.result(JSON.stringify({ type: "buildpack", ...pulled }));
  else if (context.quiet) context.result(pulled.name);
  else context.say(`Successfully pulled ${pulled.id}@${pulled.version} as ${pulled.name}`);
  return 0;
}

/** Adds `pull` to the commands about buildpacks. */
export function definePull(parent: Command, act: Act): void {
  const command = parent.command("pull <locator>").description("fetch a package from its registry");
  addSourcesFlags(command)
    .addOption(new Option("--output <where>", "the local store (default) or the daemon").choices(["local", "daemon"]))
    .action((locator: string, flags: Flags) => act((context) => run(context, locator, flags)));
}
