import type { Command } from "commander";
import type { Act } from "../entry.ts";

/** Adds `pack rm`. */
export function define(program: Command, act: Act): void {
  program
    .command("rm <image...>")
    .description("remove images from the local store")
    .addHelpText("after", "\nWhat only these images needed stays on the disk until `pack prune`.")
    .action((images: string[]) =>
      act(async (context) => {
        const { removeImages } = await import("../../image-list.ts");
        for (const name of await removeImages({ home: context.home, images })) context.say(`Removed ${name}`);
        return 0;
      }),
    );
}
