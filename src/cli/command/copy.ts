import type { Command } from "commander";
import type { Compressor } from "../../oci/media-type.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { compressionFlag, insecureFlag, outsideOptions, repeated } from "../input.ts";

interface Flags {
  readonly compression?: Compressor;
  readonly insecureRegistry?: string[];
}

/** Copies between two places and prints the result. */
export async function runCopy(context: Context, from: string, to: string, flags: Flags): Promise<number> {
  const { copy } = await import("../../transfer.ts");
  const identity = await copy({
    from,
    to,
    home: context.home,
    base: context.cwd,
    onEvent: context.emit,
    signal: context.signal,
    outside: outsideOptions(context, flags),
    ...(flags.compression && { compression: flags.compression }),
  });
  if (context.json) context.emit({ type: "image", names: [to], imageId: identity.imageId, digest: identity.digest });
  else if (context.quiet) context.result(identity.digest);
  else context.say(`Copied ${from} to ${to}\nDigest: ${identity.digest}`);
  return 0;
}

/** Adds `pack copy`. */
export function define(program: Command, act: Act): void {
  program
    .command("copy <from> <to>")
    .description("copy an image between the local store, registries, directories and archives")
    .addOption(compressionFlag())
    .addOption(insecureFlag(repeated))
    .addHelpText(
      "after",
      "\nA place is a name in the local store, docker://NAME, docker-daemon:NAME, oci:DIR[:tag], docker-archive:FILE or oci-archive:FILE.",
    )
    .action((from: string, to: string, flags: Flags) => act((context) => runCopy(context, from, to, flags)));
}
