import type { Command } from "commander";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { addCacheFlags, type CacheFlags, cacheOptions } from "../flag/cache.ts";
import { addImageFlags, type ImageFlags, imageOptions } from "../flag/image.ts";
import { addOutputFlags, type OutputFlags, outputOptions } from "../flag/output.ts";
import { addSettingFlags, type SettingFlags, settingOptions } from "../flag/setting.ts";

type Flags = SettingFlags & OutputFlags & ImageFlags & CacheFlags;

async function run(context: Context, image: string, flags: Flags): Promise<number> {
  const { build } = await import("../../build.ts");
  const report = await build({
    ...(await settingOptions(context, flags)),
    ...outputOptions(context, image, flags),
    ...imageOptions(context, flags),
    ...cacheOptions(flags),
  });
  if (context.json)
    context.emit({ type: "image", names: report.names, imageId: report.imageId, digest: report.digest });
  else if (context.quiet) context.result(report.imageId);
  else context.say(`Successfully built image ${image}`);
  return 0;
}

/** Adds `pack build`. */
export function define(program: Command, act: Act): void {
  const command = program.command("build <image>").description("build an image from source");
  addCacheFlags(addImageFlags(addOutputFlags(addSettingFlags(command))))
    .addHelpText(
      "after",
      "\n<image> is a name in the local store, or oci:DIR[:tag], docker-archive:FILE, oci-archive:FILE.",
    )
    .action((image: string, flags: Flags) => act((context) => run(context, image, flags)));
}
