import type { Command } from "commander";
import type { Context } from "../context.ts";
import { parseEnv, pathFrom, readEnvFile, repeatedWhole } from "../input.ts";

/** What `addSourceFlags` adds. */
export interface SourceFlags {
  readonly path?: string;
  readonly descriptor?: string;
  readonly ignoreFile?: string[];
  readonly sourceMetadata?: boolean;
  readonly env?: string[];
  readonly envFile?: string[];
  readonly execEnv?: string;
}

/** Adds the flags that say what is built, and with which variables. */
export function addSourceFlags(command: Command): Command {
  return command
    .option("-p, --path <dir|zip>", "the app's source directory, or a zip archive of it (default: here)")
    .option("-d, --descriptor <file>", "the project descriptor (default: the app's project.toml)")
    .option(
      "--ignore-file <file>",
      "leave out what it names: a .gitignore or .dockerignore (repeatable)",
      repeatedWhole,
    )
    .option("--source-metadata", "label the image with its git commit, or what the project says of itself")
    .option("-e, --env <NAME[=value]>", "environment of detect and build (repeatable)", repeatedWhole)
    .option("--env-file <file>", "file of NAME=value lines (repeatable)", repeatedWhole)
    .option("--exec-env <name>", "execution environment (default: production)");
}

/** The options of the library that these flags fill. */
export async function sourceOptions(context: Context, flags: SourceFlags) {
  const lines = await Promise.all((flags.envFile ?? []).map((file) => readEnvFile(pathFrom(context.cwd, file))));
  return {
    app: pathFrom(context.cwd, flags.path ?? "."),
    ...(flags.descriptor && { descriptor: pathFrom(context.cwd, flags.descriptor) }),
    ...(flags.ignoreFile && { ignoreFiles: flags.ignoreFile.map((file) => pathFrom(context.cwd, file)) }),
    ...(flags.sourceMetadata && { sourceMetadata: true }),
    env: parseEnv([...lines.flat(), ...(flags.env ?? [])], context.env),
    ...(flags.execEnv && { execEnv: flags.execEnv }),
  };
}
