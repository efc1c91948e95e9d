import type { Command } from "commander";
import { parsePlatform } from "../../oci/platform.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { insecureFlag, outsideOptions, pathFrom, repeated } from "../input.ts";
import { platformFlag } from "./copy.ts";

interface Flags {
  readonly remote?: boolean;
  readonly outputDir: string;
  readonly insecureRegistry?: string[];
  readonly dockerHost?: string;
  readonly platform?: string;
}

async function download(context: Context, image: string, flags: Flags): Promise<number> {
  const { downloadSbom } = await import("../../sbom.ts");
  const directory = pathFrom(context.cwd, flags.outputDir);
  await downloadSbom({
    image,
    directory,
    home: context.home,
    base: context.cwd,
    outside: outsideOptions(context, flags),
    onEvent: context.emit,
    signal: context.signal,
    ...(flags.remote && { remote: true }),
    ...(flags.platform && { platform: parsePlatform(flags.platform) }),
  });
  context.say(`Wrote the bills of materials of ${image} to ${directory}/layers/sbom`);
  return 0;
}

/** Adds `pack sbom`. */
export function define(program: Command, act: Act): void {
  const sbom = program.command("sbom").description("get the bills of materials of images");
  sbom
    .command("download <image>")
    .description("unpack the bills of materials of an image")
    .option("--remote", "of the image in its registry; only that layer is fetched")
    .option("-o, --output-dir <dir>", "where to unpack them", ".")
    .addOption(platformFlag("this machine's"))
    .addOption(insecureFlag(repeated))
    .option("--docker-host <address>", "the Docker daemon (default: DOCKER_HOST, the context, the usual sockets)")
    .action((image: string, flags: Flags) => act((context) => download(context, image, flags)));
}
