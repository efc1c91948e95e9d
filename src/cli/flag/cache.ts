import type { Command } from "commander";
import { parseCaches } from "../../setting/cache-form.ts";
import { repeatedWhole } from "../input.ts";

/** What `addCacheFlags` adds. */
export interface CacheFlags {
  readonly clearCache?: boolean;
  readonly previousImage?: string;
  readonly cache?: string[];
  readonly cacheImage?: string;
}

/** Adds the flags that say what of earlier builds is used again. */
export function addCacheFlags(command: Command): Command {
  return command
    .option(
      "--cache <form>",
      "where layers are cached: type=build;format=image;name=NAME, …;format=bind;source=DIR, …;format=volume;name=NAME (below PACK_HOME)",
      repeatedWhole,
    )
    .option("--cache-image <name>", "cache layers in this image in its registry")
    .option("--clear-cache", "forget what earlier builds of this image have cached")
    .option("--previous-image <name>", "the image whose layers may be reused (default: <image>)");
}

/** The options of the library that these flags fill. */
export function cacheOptions(flags: CacheFlags) {
  const { build, launch } = parseCaches(flags.cache ?? [], flags.cacheImage);
  return {
    ...(build && { cache: build }),
    ...(launch && { launchCache: launch }),
    ...(flags.clearCache && { clearCache: true }),
    ...(flags.previousImage && { previousImage: flags.previousImage }),
  };
}
