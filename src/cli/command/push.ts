import type { Command } from "commander";
import type { Act } from "../entry.ts";
import { compressionFlag, insecureFlag, repeated } from "../input.ts";
import { type CopyFlags, platformFlag, runCopy } from "./copy.ts";

/** Adds `pack push`. */
export function define(program: Command, act: Act): void {
  program
    .command("push <image>")
    .description("send an image of the local store to its registry, whole when it is for several platforms")
    .addOption(platformFlag("all"))
    .addOption(compressionFlag())
    .addOption(insecureFlag(repeated))
    .action((image: string, flags: CopyFlags) =>
      act((context) => runCopy(context, image, `docker://${image}`, { ...flags, all: !flags.platform })),
    );
}
