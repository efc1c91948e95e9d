import type { Command } from "commander";
import type { Act } from "../entry.ts";
import { insecureFlag, repeated } from "../input.ts";
import { allFlag, type CopyFlags, platformFlag, runCopy } from "./copy.ts";

/** Adds `pack pull`. */
export function define(program: Command, act: Act): void {
  program
    .command("pull <image>")
    .description("fetch an image from its registry into the local store")
    .addOption(allFlag())
    .addOption(platformFlag("this machine's"))
    .addOption(insecureFlag(repeated))
    .action((image: string, flags: CopyFlags) => act((context) => runCopy(context, `docker://${image}`, image, flags)));
}
