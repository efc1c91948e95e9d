import pLimit from "p-limit";
import type { DiffId } from "../../oci/digest.ts";
import type { Layer } from "../../oci/image.ts";
import { inspect, type Line, listIds } from "./image.ts";

const width = 4;
/** How many images are asked about at most: each answer takes the daemon some milliseconds. */
const inspectLimit = 400;
/** Bytes that are sent sooner than asked about. */
const trifle = 1 << 20;

/** How many of the first layers two images have in common. */
export function sharedLayers(a: readonly DiffId[], b: readonly DiffId[]): number {
  const differing = a.findIndex((diffId, at) => diffId !== b[at]);
  return differing < 0 ? a.length : differing;
}

/** The layers of an image the daemon has; what was told once is remembered, for an ID always means the same layers. */
async function layersOf(line: Line, id: string): Promise<readonly DiffId[]> {
  const known = line.layers.get(id);
  if (known) return known;
  const found = await inspect(line, id);
  if (found) line.layers.set(id, found.diffIds);
  return found?.diffIds ?? [];
}

/**
 * Which layers of an image the daemon need not be sent, by their place in it. Docker knows a layer by all that is below it, so these are the
 * ones some image of its has in common from the bottom up; Podman knows each by itself. Images with one of `names` are asked about first;
 * asking ends when hardly anything is left to send.
 */
export async function layersThere(
  line: Line,
  layers: readonly Layer[],
  names: readonly string[],
): Promise<ReadonlySet<number>> {
  const diffIds = layers.map((layer) => layer.diffId);
  const there = new Set<number>();
  const isSettled = () =>
    layers.reduce((sum, { descriptor }, at) => sum + (there.has(at) ? 0 : descriptor.size), 0) < trifle;
  const look = async (id: string) => {
    if (there.size === layers.length || (there.size > 0 && isSettled())) return;
    const found = await layersOf(line, id);
    const shared = sharedLayers(diffIds, found);
    const known = new Set(found);
    for (const [at, diffId] of diffIds.entries())
      if (at < shared || (line.engine.kind === "podman" && known.has(diffId))) there.add(at);
  };
  const limit = pLimit(width);
  const ids = [...new Set(await listIds(line, names))].slice(0, inspectLimit);
  await Promise.all(ids.map((id) => limit(look, id)));
  return there;
}
