import { type Command, Option } from "commander";
import type { ModuleKind } from "../../cnb/module-descriptor.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { type SourcesFlags, sourcesOptions } from "../flag/making.ts";
import { insecureFlag, parseDepth, repeated } from "../input.ts";
import type { Format } from "../render/inspection.ts";
import { packageText } from "../render/package.ts";

interface Flags extends SourcesFlags {
  readonly depth?: string;
  readonly output: Format;
  readonly registry?: string;
}

async function run(context: Context, kind: ModuleKind, locator: string, flags: Flags): Promise<number> {
  const { inspectPackage } = await import("../../buildpack-inspect.ts");
  const found = await inspectPackage({
    ...(await sourcesOptions(context, { ...flags, ...(flags.registry && { buildpackRegistry: flags.registry }) })),
    locator,
    kind,
    ...(flags.depth !== undefined && { depth: parseDepth(flags.depth) }),
  });
  const format = context.json ? "json" : flags.output;
  context.result(await packageText(locator, found, format, context.level === "debug"));
  return 0;
}

/** Adds `inspect` to the commands about a kind of module. */
export function defineInspect(parent: Command, kind: ModuleKind, act: Act): void {
  const command = parent
    .command("inspect <locator>")
    .description(`show what ${kind === "buildpack" ? "a buildpack" : "an extension"} or its package is made of`);
  if (kind === "buildpack")
    command
      .option("-d, --depth <number>", "how deep composites are opened (default: all the way)")
      .option("-r, --registry <name>", "the buildpack registry for ids (default: the configured one)");
  command
    .addOption(
      new Option("-o, --output <format>", "the form of the answer")
        .choices(["human-readable", "json", "yaml", "toml"])
        .default("human-readable"),
    )
    .addOption(insecureFlag(repeated))
    .option("--docker-host <address>", "the Docker daemon (default: DOCKER_HOST, the context, the usual sockets)")
    .action((locator: string, flags: Flags) => act((context) => run(context, kind, locator, flags)));
}
