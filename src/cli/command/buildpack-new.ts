import type { Command } from "commander";
import { parseTargetText } from "../../cnb/target-text.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { repeated } from "../input.ts";

interface Flags {
  readonly api?: string;
  readonly path?: string;
  readonly version?: string;
  readonly targets?: string[];
}

async function run(context: Context, id: string, flags: Flags): Promise<number> {
  const { newBuildpack } = await import("../../buildpack-new.ts");
  const path = await newBuildpack({
    id,
    base: context.cwd,
    onEvent: context.emit,
    ...(flags.api && { api: flags.api }),
    ...(flags.path && { path: flags.path }),
    ...(flags.version && { version: flags.version }),
    ...(flags.targets && { targets: flags.targets.map(parseTargetText) }),
  });
  if (context.json) context.result(JSON.stringify({ type: "buildpack", id, path }));
  else if (context.quiet) context.result(path);
  else context.say(`Successfully created ${id}`);
  return 0;
}

/** Adds `new` to the commands about buildpacks. */
export function defineNew(parent: Command, act: Act): void {
  parent
    .command("new <id>")
    .description("begin a buildpack: a descriptor and two scripts")
    .option("-a, --api <version>", "its Buildpack API (default: the newest)")
    .option("-p, --path <dir>", "where it goes (default: the last part of the id)")
    .option("-V, --version <version>", "its version (default: 1.0.0)")
    .option(
      "-t, --targets <os/arch[/variant][:distro@version]>",
      "what it runs on (default: linux; repeatable)",
      repeated,
    )
    .action((id: string, flags: Flags) => act((context) => run(context, id, flags)));
}
