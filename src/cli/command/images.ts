import type { Command } from "commander";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { sizeText } from "../render/screen.ts";
import { tableText } from "../render/table.ts";

async function run(context: Context, flags: { all?: boolean }): Promise<number> {
  const [{ listImages }, { familiarName, parseReference }] = await Promise.all([
    import("../../image-list.ts"),
    import("../../oci/reference.ts"),
  ]);
  const images = await listImages({ home: context.home, all: Boolean(flags.all) });
  if (context.json) {
    for (const image of images) context.result(JSON.stringify(image));
    return 0;
  }
  if (context.quiet) {
    for (const image of images) context.result(image.imageId);
    return 0;
  }
  const rows = images.flatMap((image) =>
    image.names.map((name) => [
      familiarName(parseReference(name)),
      image.imageId.slice(7, 19),
      sizeText(image.size),
      image.created?.slice(0, 10) ?? "",
    ]),
  );
  context.result(tableText([["NAME", "IMAGE ID", "SIZE", "CREATED"], ...rows], 4).replaceAll(/^ {2}/gm, ""));
  return 0;
}

/** Adds `pack images`. */
export function define(program: Command, act: Act): void {
  program
    .command("images")
    .description("list the images of the local store")
    .option("-a, --all", "the caches of builds too")
    .action((flags: { all?: boolean }) => act((context) => run(context, flags)));
}
