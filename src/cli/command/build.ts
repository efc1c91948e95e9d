import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import {
  compressionFlag,
  insecureFlag,
  isKeeper,
  outsideOptions,
  parseCreationTime,
  parseEnv,
  parseVolume,
  pathFrom,
  placeFor,
  readEnvFile,
  repeated,
  repeatedWhole,
} from "../input.ts";

interface Flags {
  readonly path?: string;
  readonly builder?: string;
  readonly buildpack?: string[];
  readonly env?: string[];
  readonly envFile?: string[];
  readonly execEnv?: string;
  readonly defaultProcess?: string;
  readonly tag?: string[];
  readonly clearCache?: boolean;
  readonly previousImage?: string;
  readonly runImage?: string;
  readonly sandbox?: "namespace" | "host";
  readonly network?: "host" | "none";
  readonly volume?: string[];
  readonly pullPolicy?: "always" | "if-not-present" | "never";
  readonly insecureRegistry?: string[];
  readonly publish?: boolean;
  readonly output?: string;
  readonly dockerHost?: string;
  readonly creationTime?: string;
  readonly compression?: "none" | "gzip" | "zstd";
  readonly reportOutputDir?: string;
  readonly sbomOutputDir?: string;
}

/** The flags that `build` and `detect` share. */
export function withSourceFlags(command: Command): Command {
  return command
    .option("-p, --path <dir>", "the app's source directory (default: here)")
    .option("-B, --builder <builder.toml>", "the builder: an order of buildpacks (default: the bundled one)")
    .option(
      "-b, --buildpack <dir|archive>",
      "use these buildpacks, in this order, instead of the builder's (repeatable)",
      repeated,
    )
    .option("-e, --env <NAME[=value]>", "environment of detect and build (repeatable)", repeatedWhole)
    .option("--env-file <file>", "file of NAME=value lines (repeatable)", repeatedWhole)
    .option("--exec-env <name>", "execution environment (default: production)")
    .option("--run-image <name>", "the run image (default: the builder's)")
    .addOption(
      new Option("--pull-policy <policy>", "when the run image is fetched").choices([
        "always",
        "if-not-present",
        "never",
      ]),
    )
    .addOption(insecureFlag(repeated))
    .option("--volume <HOST:GUEST[:ro|rw]>", "show a host directory to the buildpacks (repeatable)", repeatedWhole)
    .addOption(new Option("--network <kind>", "the network buildpacks see").choices(["host", "none"]))
    .addOption(
      new Option("--sandbox <kind>", "where buildpacks run (default: the safest that works here)").choices([
        "namespace",
        "host",
      ]),
    );
}

/** The part of the options that `withSourceFlags` fills. */
export async function sourceOptions(context: Context, flags: Flags) {
  const lines = await Promise.all((flags.envFile ?? []).map((file) => readEnvFile(pathFrom(context.cwd, file))));
  return {
    app: pathFrom(context.cwd, flags.path ?? "."),
    home: context.home,
    env: parseEnv([...lines.flat(), ...(flags.env ?? [])], context.env),
    volumes: (flags.volume ?? []).map((text) => parseVolume(text, context.cwd)),
    npm: { env: context.env },
    outside: outsideOptions(context, flags),
    ...(flags.pullPolicy && { pullPolicy: flags.pullPolicy }),
    onEvent: context.emit,
    signal: context.signal,
    ...(flags.builder && { builder: pathFrom(context.cwd, flags.builder) }),
    ...(flags.buildpack && { buildpacks: flags.buildpack.map((path) => pathFrom(context.cwd, path)) }),
    ...(flags.execEnv && { execEnv: flags.execEnv }),
    ...(flags.runImage && { runImage: flags.runImage }),
    ...(flags.network && { network: flags.network }),
    ...(flags.sandbox && { sandbox: flags.sandbox }),
  };
}

async function run(context: Context, image: string, flags: Flags): Promise<number> {
  const { build } = await import("../../build.ts");
  const creationTime = parseCreationTime(flags.creationTime ?? context.env["SOURCE_DATE_EPOCH"]);
  const report = await build({
    ...(await sourceOptions(context, flags)),
    image: flags.output === undefined || isKeeper(flags.output) ? image : placeFor(flags.output, image),
    ...(flags.tag && { tags: flags.tag }),
    ...(isKeeper(flags.output) && { output: flags.output }),
    ...(flags.publish && { output: "registry" as const }),
    ...(flags.clearCache && { clearCache: true }),
    ...(flags.previousImage && { previousImage: flags.previousImage }),
    ...(flags.defaultProcess && { defaultProcess: flags.defaultProcess }),
    ...(flags.compression && { compression: flags.compression }),
    ...(creationTime !== undefined && { creationTime }),
    ...(flags.reportOutputDir && { reportDirectory: pathFrom(context.cwd, flags.reportOutputDir) }),
    ...(flags.sbomOutputDir && { sbomDirectory: pathFrom(context.cwd, flags.sbomOutputDir) }),
  });
  if (context.json)
    context.emit({ type: "image", names: report.names, imageId: report.imageId, digest: report.digest });
  else if (context.quiet) context.result(report.imageId);
  else context.say(`Successfully built image ${image}`);
  return 0;
}

/** Adds `pack build`. */
export function define(program: Command, act: Act): void {
  withSourceFlags(program.command("build <image>").description("build an image from source"))
    .option("--publish", "push the image to the registry its name says")
    .option("--output <where>", "local (default), registry, daemon, oci:DIR[:tag] or FILE.tar")
    .option("--docker-host <address>", "the Docker daemon (default: DOCKER_HOST, the context, the usual sockets)")
    .option("-t, --tag <name>", "another name for the image (repeatable)", repeated)
    .option("-D, --default-process <type>", "the process the image starts by default")
    .option("--clear-cache", "forget what earlier builds of this image have cached")
    .option("--previous-image <name>", "the image whose layers may be reused (default: <image>)")
    .option("--creation-time <now|seconds>", "the image's creation time (default: SOURCE_DATE_EPOCH, else 1980)")
    .addOption(compressionFlag())
    .option("--report-output-dir <dir>", "write report.toml here")
    .option("--sbom-output-dir <dir>", "write the bills of materials here")
    .addHelpText(
      "after",
      "\n<image> is a name in the local store, or oci:DIR[:tag], docker-archive:FILE, oci-archive:FILE.",
    )
    .action((image: string, flags: Flags) => act((context) => run(context, image, flags)));
}
