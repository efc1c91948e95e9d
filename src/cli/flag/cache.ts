import type { Command } from "commander";

/** What `addCacheFlags` adds. */
export interface CacheFlags {
  readonly clearCache?: boolean;
  readonly previousImage?: string;
}

/** Adds the flags that say what of earlier builds is used again. */
export function addCacheFlags(command: Command): Command {
  return command
    .option("--clear-cache", "forget what earlier builds of this image have cached")
    .option("--previous-image <name>", "the image whose layers may be reused (default: <image>)");
}

/** The options of the library that these flags fill. */
export function cacheOptions(flags: CacheFlags) {
  return {
    ...(flags.clearCache && { clearCache: true }),
    ...(flags.previousImage && { previousImage: flags.previousImage }),
  };
}
