import type { Command } from "commander";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import {
  addMadeFlags,
  addSourcesFlags,
  type MadeFlags,
  madeOptions,
  type SourcesFlags,
  sourcesOptions,
} from "../flag/making.ts";
import { parseCreationTime, pathFrom, repeatedWhole } from "../input.ts";

interface Flags extends SourcesFlags, MadeFlags {
  readonly config: string;
  readonly flatten?: string[];
  readonly creationTime?: string;
}

async function run(context: Context, name: string, flags: Flags): Promise<number> {
  const { createBuilder } = await import("../../builder-create.ts");
  const creationTime = parseCreationTime(flags.creationTime ?? context.env["SOURCE_DATE_EPOCH"]);
  const report = await createBuilder({
    ...(await sourcesOptions(context, flags)),
    ...madeOptions(name, flags),
    config: pathFrom(context.cwd, flags.config),
    ...(flags.flatten && { flatten: flags.flatten.map((group) => group.split(",").map((one) => one.trim())) }),
    ...(creationTime !== undefined && { creationTime }),
  });
  if (context.json) context.result(JSON.stringify({ type: "builder", ...report }));
  else if (context.quiet) context.result(report.digest);
  else {
    context.say(`Successfully created builder image ${report.names.join(", ")}`);
    context.say(`Tip: Run \`pack build <image-name> --builder ${name}\` to use this builder`);
  }
  return 0;
}

/** Adds `create` to the commands about builders. */
export function defineCreate(parent: Command, act: Act): void {
  const command = parent
    .command("create <name>")
    .description("make a builder image from a builder.toml, without Docker")
    .requiredOption("-c, --config <builder.toml>", "what the builder consists of");
  addSourcesFlags(addMadeFlags(command), "-R")
    .option("--flatten <id@version,id@version>", "put these modules into one layer (repeatable)", repeatedWhole)
    .option("--creation-time <now|seconds>", "the image's creation time (default: SOURCE_DATE_EPOCH, else 1980)")
    .action((name: string, flags: Flags) => act((context) => run(context, name, flags)));
}
