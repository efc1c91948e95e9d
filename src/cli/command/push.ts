import type { Command } from "commander";
import type { Compressor } from "../../oci/media-type.ts";
import type { Act } from "../entry.ts";
import { compressionFlag, insecureFlag, repeated } from "../input.ts";
import { runCopy } from "./copy.ts";

interface Flags {
  readonly compression?: Compressor;
  readonly insecureRegistry?: string[];
}

/** Adds `pack push`. */
export function define(program: Command, act: Act): void {
  program
    .command("push <image>")
    .description("send an image of the local store to its registry")
    .addOption(compressionFlag())
    .addOption(insecureFlag(repeated))
    .action((image: string, flags: Flags) => act((context) => runCopy(context, image, `docker://${image}`, flags)));
}
