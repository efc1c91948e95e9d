import type { Command } from "commander";
import type { Act } from "../entry.ts";
import { insecureFlag, repeated } from "../input.ts";
import { runCopy } from "./copy.ts";

/** Adds `pack pull`. */
export function define(program: Command, act: Act): void {
  program
    .command("pull <image>")
    .description("fetch an image from its registry into the local store")
    .addOption(insecureFlag(repeated))
    .action((image: string, flags: { insecureRegistry?: string[] }) =>
      act((context) => runCopy(context, `docker://${image}`, image, flags)),
    );
}
