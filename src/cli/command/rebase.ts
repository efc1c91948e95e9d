import type { Command } from "commander";
import type { PackageDiff } from "../../base/diff.ts";
import type { Compressor } from "../../oci/media-type.ts";
import type { PullPolicy } from "../../reach/pull-policy.ts";
import type { RebaseReport } from "../../rebase.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { compressionFlag, insecureFlag, outsideOptions, pathFrom, pullPolicyFlag, repeated } from "../input.ts";

interface Flags {
  readonly runImage?: string;
  readonly previousImage?: string;
  readonly force?: boolean;
  readonly platform?: string;
  readonly pullPolicy?: PullPolicy;
  readonly publish?: boolean;
  readonly daemon?: boolean;
  readonly dockerHost?: string;
  readonly insecureRegistry?: string[];
  readonly tag?: string[];
  readonly compression?: Compressor;
  readonly reportOutputDir?: string;
}

/** Which packages changed, a line each; one line when none did, nothing when it is not known. */
function packageLines(packages: PackageDiff | undefined): string[] {
  if (!packages) return [];
  const { added, removed, upgraded, downgraded } = packages;
  const lines = [
    ...upgraded.map(({ name, from, to }) => `  ${name} ${from} -> ${to}`),
    ...downgraded.map(({ name, from, to }) => `  ${name} ${from} -> ${to} (older)`),
    ...added.map(({ name, version }) => `  ${name} ${version} (new)`),
    ...removed.map(({ name, version }) => `  ${name} ${version} (gone)`),
  ];
  return lines.length === 0
    ? ["Packages of the base: unchanged"]
    : [`Packages of the base: ${lines.length} changed`, ...lines];
}

/** What became of each image, when there are several. */
function imageLines({ images }: RebaseReport): string[] {
  return images.flatMap(({ platform, imageId, packages }) => [
    `${platform}: ${imageId.slice("sha256:".length)}`,
    ...packageLines(packages).map((line) => `  ${line}`),
  ]);
}

async function run(context: Context, image: string, flags: Flags): Promise<number> {
  const [{ rebase }, { parsePlatform }, { readConfig }, { runImageMirrorsOf }] = await Promise.all([
    import("../../rebase.ts"),
    import("../../oci/platform.ts"),
    import("../../config/file.ts"),
    import("../../config/config.ts"),
  ]);
  const config = await readConfig(context.home);
  const pullPolicy = flags.pullPolicy ?? config.pullPolicy;
  const report = await rebase({
    image,
    home: context.home,
    onEvent: context.emit,
    signal: context.signal,
    ...(flags.runImage && { runImage: flags.runImage }),
    ...(flags.previousImage && { previousImage: flags.previousImage }),
    outside: outsideOptions(context, flags),
    ...(flags.force && { force: true }),
    ...(flags.platform && { platform: parsePlatform(flags.platform) }),
    runImageMirrors: runImageMirrorsOf(config),
    ...(pullPolicy && { pullPolicy }),
    ...(flags.daemon && { output: "daemon" as const }),
    ...(flags.publish && { output: "registry" as const }),
    ...(flags.tag && { tags: flags.tag }),
    ...(flags.compression && { compression: flags.compression }),
    ...(flags.reportOutputDir && { reportDirectory: pathFrom(context.cwd, flags.reportOutputDir) }),
  });
  if (context.json)
    context.emit({ type: "image", names: report.names, imageId: report.imageId, digest: report.digest });
  else if (context.quiet) context.result(report.images.length > 1 ? report.digest : report.imageId);
  else {
    const isOne = report.images.length === 1;
    for (const line of isOne ? packageLines(report.packages) : imageLines(report)) context.say(line);
    const id = isOne ? report.imageId : report.digest;
    context.say(`Rebased Image: ${id.slice("sha256:".length)}`);
    context.say(`Successfully rebased image ${image}`);
  }
  return 0;
}

/** Adds `pack rebase`. */
export function define(program: Command, act: Act): void {
  program
    .command("rebase <image>")
    .description("move an image onto a newer run image without rebuilding it")
    .option(
      "--run-image <name>",
      "the run image to move onto (default: the newest under the name the image was built on)",
    )
    .option("--previous-image <name>", "the image to rebase; <image> is then only the name of the result")
    .option("--force", "rebase even where the new run image does not fit")
    .option("--platform <os/arch[/variant]>", "of an image for several platforms move only this one (default: all)")
    .addOption(pullPolicyFlag())
    .option("-t, --tag <name>", "another name for the result (repeatable)", repeated)
    .addOption(compressionFlag())
    .addOption(insecureFlag(repeated))
    .option("--publish", "the image, its run image and the result are in registries")
    .option("--daemon", "they are in the Docker daemon")
    .option("--docker-host <address>", "the Docker daemon (default: DOCKER_HOST, the context, the usual sockets)")
    .option("--report-output-dir <dir>", "write report.toml here")
    .action((image: string, flags: Flags) => act((context) => run(context, image, flags)));
}
