import type { DiffId } from "../oci/digest.ts";
import { appShas, type LifecycleMetadata } from "./label.ts";

/** How many of an app image's lowest layers are its run image's; or that it cannot be told, and why. */
export type BaseEnd =
  | { readonly kind: "found"; readonly length: number }
  | { readonly kind: "missing" }
  | { readonly kind: "ambiguous"; readonly times: number };

function isPrefix(prefix: readonly string[], list: readonly string[]): boolean {
  return prefix.length <= list.length && prefix.every((item, at) => item === list[at]);
}

/** The diffIDs of the layers that the metadata says are not the run image's, in no order that matters. */
function ownShas(metadata: LifecycleMetadata): readonly string[] {
  const single = [metadata.sbom, metadata.config, metadata.launcher, metadata["process-types"]];
  return [
    ...metadata.buildpacks.flatMap((buildpack) => Object.values(buildpack.layers).map((layer) => layer.sha)),
    ...appShas(metadata),
    ...single.map((layer) => layer?.sha ?? ""),
  ].filter((sha) => sha !== "");
}

/** Where the app's own layers begin, when the topmost layers are exactly the ones the metadata lists. */
function ownStart(diffIds: readonly string[], metadata: LifecycleMetadata): number | undefined {
  const own = [...ownShas(metadata)].sort();
  const start = diffIds.length - own.length;
  if (own.length === 0 || start < 0) return undefined;
  const top = diffIds.slice(start).sort();
  return isPrefix(own, top) ? start : undefined;
}

/** The lengths the run image may have, going by the recorded top layer. */
function endsOf(diffIds: readonly DiffId[], { runImage }: LifecycleMetadata): readonly number[] {
  return diffIds.flatMap((diffId, at) => (diffId === runImage.topLayer ? [at + 1] : []));
}

/** Whether `baseEnd` can make use of the old run image: where the top layer occurs once or never, it cannot. */
export function asksOldBase(diffIds: readonly DiffId[], metadata: LifecycleMetadata): boolean {
  return endsOf(diffIds, metadata).length > 1;
}

/**
 * Finds the end of the run image in an app image (Platform spec, "Rebase": the layers up to and including the recorded top layer).
 * A diffID can occur more than once: a base may repeat its top layer, and an empty slice equals an empty base layer. So, in this
 * order: the old run image's own length, when it is at hand and is what lies below; the last occurrence below the app's own layers,
 * when the metadata accounts for all of those; the only occurrence.
 */
export function baseEnd(
  diffIds: readonly DiffId[],
  metadata: LifecycleMetadata,
  oldBase?: readonly DiffId[] | undefined,
): BaseEnd {
  const ends = endsOf(diffIds, metadata);
  if (oldBase && isPrefix(oldBase, diffIds) && ends.includes(oldBase.length))
    return { kind: "found", length: oldBase.length };
  const start = ownStart(diffIds, metadata);
  const below = start === undefined ? undefined : ends.findLast((end) => end <= start);
  if (below !== undefined) return { kind: "found", length: below };
  if (ends.length > 1) return { kind: "ambiguous", times: ends.length };
  return ends.length === 1 ? { kind: "found", length: ends[0]! } : { kind: "missing" };
}
