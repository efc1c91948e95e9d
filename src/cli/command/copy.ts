import { type Command, Option } from "commander";
import type { Compressor } from "../../oci/media-type.ts";
import { parsePlatform } from "../../oci/platform.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { compressionFlag, insecureFlag, outsideOptions, repeated } from "../input.ts";

/** What copying, pulling and pushing take. */
export interface CopyFlags {
  readonly all?: boolean;
  readonly platform?: string;
  readonly compression?: Compressor;
  readonly insecureRegistry?: string[];
}

/** `--all`, of images for several platforms. */
export function allFlag(): Option {
  return new Option("-a, --all", "of an image for several platforms copy all of them").conflicts("platform");
}

/** `--platform`, of images for several platforms. */
export function platformFlag(otherwise: string): Option {
  return new Option(
    "--platform <os/arch[/variant]>",
    `of an image for several platforms take this one (default: ${otherwise})`,
  );
}

/** Copies between two places and prints the result. */
export async function runCopy(context: Context, from: string, to: string, flags: CopyFlags): Promise<number> {
  const { copy } = await import("../../transfer.ts");
  const { imageId, digest, images } = await copy({
    from,
    to,
    home: context.home,
    base: context.cwd,
    onEvent: context.emit,
    signal: context.signal,
    outside: outsideOptions(context, flags),
    ...(flags.all && { all: true }),
    ...(flags.platform && { platform: parsePlatform(flags.platform) }),
    ...(flags.compression && { compression: flags.compression }),
  });
  if (context.json) context.emit({ type: "image", names: [to], ...(imageId && { imageId }), digest });
  else if (context.quiet) context.result(digest);
  else {
    const what = images === undefined ? from : `${from} for ${images} platform${images === 1 ? "" : "s"}`;
    context.say(`Copied ${what} to ${to}\nDigest: ${digest}`);
  }
  return 0;
}

/** Adds `pack copy`. */
export function define(program: Command, act: Act): void {
  program
    .command("copy <from> <to>")
    .description("copy an image between the local store, registries, directories and archives")
    .addOption(allFlag())
    .addOption(platformFlag("this machine's"))
    .addOption(compressionFlag())
    .addOption(insecureFlag(repeated))
    .addHelpText(
      "after",
      "\nA place is a name in the local store, docker://NAME, docker-daemon:NAME, oci:DIR[:tag], docker-archive:FILE or oci-archive:FILE.",
    )
    .action((from: string, to: string, flags: CopyFlags) => act((context) => runCopy(context, from, to, flags)));
}
