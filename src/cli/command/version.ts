import type { Command } from "commander";
import { bundle } from "../../bundle.ts";
import type { Act } from "../entry.ts";

/** Adds `pack version`. */
export function define(program: Command, act: Act): void {
  program
    .command("version")
    .description("print the version")
    .action(() =>
      act(async (context) => {
        context.result(bundle.version());
        return 0;
      }),
    );
}
