import pLimit from "p-limit";
import type { DiffId } from "../../oci/digest.ts";
import { inspect, type Line, listIds } from "./image.ts";

const width = 4;
/** How many images are asked about at most; each answer takes the daemon about a millisecond. */
const inspectLimit = 400;

/** How many of the first layers two images have in common. */
export function sharedLayers(a: readonly DiffId[], b: readonly DiffId[]): number {
  const differing = a.findIndex((diffId, at) => diffId !== b[at]);
  return differing < 0 ? a.length : differing;
}

/**
 * Which layers of an image the daemon need not be sent, by their place in it. Docker knows a layer by all that is below it, so these are the
 * ones some image of its has in common from the bottom up; Podman knows each by itself. `names` are likely to be near: they are asked first.
 */
export async function layersThere(
  line: Line,
  diffIds: readonly DiffId[],
  names: readonly string[],
): Promise<ReadonlySet<number>> {
  const there = new Set<number>();
  const limit = pLimit(width);
  const look = async (id: string) => {
    if (there.size === diffIds.length) return;
    const found = await inspect(line, id);
    if (!found) return;
    const shared = sharedLayers(diffIds, found.diffIds);
    const known = new Set(found.diffIds);
    for (const [at, diffId] of diffIds.entries())
      if (at < shared || (line.engine.kind === "podman" && known.has(diffId))) there.add(at);
  };
  const ids = [...new Set(await listIds(line, names))].slice(0, inspectLimit);
  await Promise.all(ids.map((id) => limit(look, id)));
  return there;
}
