import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { parseEnv, parseVolume, pathFrom, readEnvFile, repeatedWhole } from "../input.ts";

interface Flags {
  readonly env?: string[];
  readonly envFile?: string[];
  readonly volume?: string[];
  readonly entrypoint?: string;
  readonly workdir?: string;
  readonly user?: string;
  readonly network?: "host" | "none";
}

async function run(context: Context, image: string, args: readonly string[], flags: Flags): Promise<number> {
  const { run: start } = await import("../../run.ts");
  const lines = await Promise.all((flags.envFile ?? []).map((file) => readEnvFile(pathFrom(context.cwd, file))));
  const report = await start({
    image,
    home: context.home,
    base: context.cwd,
    env: parseEnv([...lines.flat(), ...(flags.env ?? [])], context.env),
    volumes: (flags.volume ?? []).map((text) => parseVolume(text, context.cwd)),
    // The program hears of an interrupt itself and decides how to end, as it would in a terminal.
    signals: process,
    onEvent: context.emit,
    ...(args.length > 0 && { args }),
    ...(flags.entrypoint && { entrypoint: flags.entrypoint }),
    ...(flags.workdir && { workdir: flags.workdir }),
    ...(flags.user && { user: flags.user }),
    ...(flags.network && { network: flags.network }),
  });
  return report.exitCode;
}

/** Adds `pack run`. */
export function define(program: Command, act: Act): void {
  program
    .command("run <image> [args...]")
    .description("start an image of the local store")
    .option("-e, --env <NAME[=value]>", "environment of the program (repeatable)", repeatedWhole)
    .option("--env-file <file>", "file of NAME=value lines (repeatable)", repeatedWhole)
    .option("--volume <HOST:GUEST[:ro|rw]>", "show a host directory to the program (repeatable)", repeatedWhole)
    .option("--entrypoint <program>", "start this program instead of the image's")
    .option("--workdir <dir>", "start it in this directory of the image")
    .option("--user <user[:group]>", "start it as this user")
    .addOption(new Option("--network <kind>", "the network the program sees").choices(["host", "none"]))
    .addHelpText(
      "after",
      "\nArguments for the program follow a --. Its changes are thrown away when it ends; its exit code is ours.",
    )
    .action((image: string, args: string[], flags: Flags) => act((context) => run(context, image, args, flags)));
}
