import type { Buildpack } from "../cnb/buildpack.ts";
import { isForOther } from "../cnb/exec-env.ts";
import { labelNames } from "../cnb/label.ts";
import { labelsOf } from "../oci/config.ts";
import type { Analyzed } from "../phase/analyze.ts";
import type { Cache } from "../phase/cache.ts";
import { type Restored, restore } from "../phase/restore.ts";
import { logTo } from "../std/event.ts";
import { phaseOf } from "./phase-of.ts";
import type { Work } from "./work.ts";

/** What earlier builds have left for this one. */
export interface Remembered extends Pick<Restored, "damaged"> {
  readonly cache: Cache | undefined;
}

/** Gives a group back what it kept (Platform spec, "restorer"); no layers of an image for another execution environment. */
export async function restoreFor(
  { options, setting, cachePlace, execEnv, emit }: Work,
  group: readonly Buildpack[],
  { previous }: Analyzed,
): Promise<Remembered> {
  const { kept, stage } = setting;
  const { clearCache = false, signal } = options;
  const builtFor = previous && labelsOf(previous.stored.image.config)[labelNames.execEnv];
  const isOther = isForOther(builtFor, execEnv);
  if (isOther)
    logTo(emit).info(
      `Restoring no layers: the previous image was built for "${builtFor}", this one is for "${execEnv}"`,
    );
  const cache = clearCache ? undefined : await cachePlace.read(emit);
  const skipLayers = isOther || clearCache;
  const { workspace } = stage;
  const { damaged } = await phaseOf(emit, "restore", "restore", () =>
    restore({ group, previous, cache, kept: kept.layers, skipLayers, workspace, emit, signal }),
  );
  return { cache, damaged };
}
