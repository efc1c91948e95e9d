import type { Command } from "commander";
import type { Act } from "../entry.ts";
import { sizeText } from "../render/screen.ts";

/** Adds `pack prune`. */
export function define(program: Command, act: Act): void {
  program
    .command("prune")
    .description("remove what no image of the local store needs")
    .option("--dry-run", "only tell how much that is")
    .option("-a, --all", "forget the caches of builds too")
    .action((flags: { dryRun?: boolean; all?: boolean }) =>
      act(async (context) => {
        const { pruneStore } = await import("../../image-list.ts");
        const pruned = await pruneStore({
          home: context.home,
          dryRun: Boolean(flags.dryRun),
          caches: Boolean(flags.all),
        });
        if (context.json) context.result(JSON.stringify(pruned));
        else
          context.say(
            `${flags.dryRun ? "Would remove" : "Removed"} ${pruned.blobs} blob(s), ${sizeText(pruned.bytes)}`,
          );
        return 0;
      }),
    );
}
