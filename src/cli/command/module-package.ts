import { type Command, Option } from "commander";
import type { ModuleKind } from "../../cnb/module-descriptor.ts";
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
import { parseCreationTime, pathFrom, repeated } from "../input.ts";

interface Flags extends SourcesFlags, MadeFlags {
  readonly config?: string;
  readonly path?: string;
  readonly format?: "image" | "file";
  readonly flatten?: boolean;
  readonly flattenExclude?: string[];
  readonly creationTime?: string;
}

async function run(context: Context, kind: ModuleKind, name: string, flags: Flags): Promise<number> {
  const { packageBuildpack } = await import("../../buildpack-package.ts");
  const creationTime = parseCreationTime(flags.creationTime ?? context.env["SOURCE_DATE_EPOCH"]);
  const report = await packageBuildpack({
    ...(await sourcesOptions(context, flags)),
    ...madeOptions(name, flags),
    kind,
    ...(flags.config && { config: pathFrom(context.cwd, flags.config) }),
    ...(flags.path && { path: pathFrom(context.cwd, flags.path) }),
    ...(flags.format && { format: flags.format }),
    ...(flags.flatten && { flatten: true, flattenExclude: flags.flattenExclude ?? [] }),
    ...(creationTime !== undefined && { creationTime }),
  });
  if (context.json) context.result(JSON.stringify({ type: "package", ...report }));
  else if (context.quiet) for (const one of report.names) context.result(one);
  else {
    const done = flags.publish || flags.output === "registry" ? "published" : "created";
    context.say(`Successfully ${done} package ${report.names.join(", ")} of ${report.id}@${report.version}`);
  }
  return 0;
}

/** Adds `package` to the commands about a kind of module. */
export function definePackage(parent: Command, kind: ModuleKind, act: Act): void {
  const command = parent
    .command("package <name>")
    .description(`put ${kind === "buildpack" ? "a buildpack" : "an extension"} into an image or a .cnb file`)
    .option("-c, --config <package.toml>", "what is packaged, with its dependencies and targets")
    .option("-p, --path <dir|archive>", "what is packaged, without a package.toml (default: the working directory)")
    .addOption(new Option("-f, --format <format>", "an image (default) or a .cnb file").choices(["image", "file"]));
  if (kind === "buildpack")
    command
      .option("--flatten", "put all buildpacks into one layer")
      .option("-e, --flatten-exclude <id@version>", "leave this one in a layer of its own (repeatable)", repeated);
  addSourcesFlags(addMadeFlags(command))
    .option("--creation-time <now|seconds>", "the image's creation time (default: SOURCE_DATE_EPOCH, else 1980)")
    .action((name: string, flags: Flags) => act((context) => run(context, kind, name, flags)));
}
