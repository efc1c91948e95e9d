import type { ModuleLayer } from "../cnb/module-layers.ts";
import { nameOf } from "../cnb/order-file.ts";
import type { History, ImageConfig } from "../oci/config.ts";
import { type Image, type Layer, withLayers } from "../oci/image.ts";
import { compareBytes } from "../std/byte.ts";
import { type Emit, logTo } from "../std/event.ts";
import type { BlobSource } from "../store/contract.ts";
import { firstOf } from "../store/first-of.ts";
import { flattenedLayer, layerOf, ownLayerOf, type Workbench } from "./layer.ts";
import type { Part } from "./part.ts";

/** A layer with what its history says of it. */
export interface Titled {
  readonly title: string;
  readonly layer: Layer;
}

/** Modules as they stand in an image: each layer once, and what the label says of each. */
export interface Laid {
  readonly layers: readonly Titled[];
  readonly modules: readonly ModuleLayer[];
  /** Where the layers that came from packages are read. */
  readonly sources: readonly BlobSource[];
}

function fullName({ descriptor }: Part): string {
  return nameOf(descriptor.info);
}

function recordOf({ descriptor }: Part, layer: Layer): ModuleLayer {
  const { api, stacks, targets, order, info } = descriptor;
  const { id, version, name, homepage } = info;
  return {
    id,
    version,
    api,
    stacks,
    targets,
    order,
    diffId: layer.diffId,
    ...(name && { name }),
    ...(homepage && { homepage }),
  };
}

interface Standing {
  readonly part: Part;
  readonly layer: Layer;
}

/**
 * One layer for each module. Of several with one name and other contents the last counts, with a warning; what shared a layer with one that
 * does not count gets a layer of its own, so that nothing of the other one stays.
 */
async function single(parts: readonly Part[], bench: Workbench, emit: Emit): Promise<readonly Standing[]> {
  const standing = new Map<string, Standing>();
  const passedOver = new Set<string>();
  for (const part of parts) {
    const name = fullName(part);
    const layer = await layerOf(part, bench);
    const earlier = standing.get(name);
    if (earlier && earlier.layer.diffId !== layer.diffId) {
      passedOver.add(earlier.layer.diffId);
      logTo(emit).warn(`${name} is given twice with different contents: the last one is used`);
    }
    standing.set(name, { part, layer });
  }
  const settled: Standing[] = [];
  for (const { part, layer } of standing.values())
    settled.push({ part, layer: passedOver.has(layer.diffId) ? await ownLayerOf(part, bench) : layer });
  return settled;
}

/**
 * Lays modules out in layers: each group of `together` in one, all others in one each, in the byte order of their names whatever order they came in.
 * A name in `together` that no module has is passed over.
 */
export async function layModules(
  parts: readonly Part[],
  together: readonly (readonly string[])[],
  bench: Workbench,
  emit: Emit,
): Promise<Laid> {
  const byName = (a: Standing, b: Standing) => compareBytes(fullName(a.part), fullName(b.part));
  const taken = new Set<string>();
  const grouped: Standing[] = [];
  const layers: Titled[] = [];
  for (const names of together) {
    const members = [...new Map(parts.map((part) => [fullName(part), part])).entries()]
      .filter(([name]) => names.includes(name) && !taken.has(name))
      .sort(([a], [b]) => compareBytes(a, b));
    if (members.length === 0) continue;
    const layer = await flattenedLayer(
      members.map(([, part]) => part),
      bench,
    );
    layers.push({ title: members.map(([name]) => name).join(", "), layer });
    for (const [name, part] of members) {
      taken.add(name);
      grouped.push({ part, layer });
    }
  }
  const others = parts.filter((part) => !taken.has(fullName(part)));
  const alone = [...(await single(others, bench, emit))].sort(byName);
  for (const { part, layer } of alone)
    if (!layers.some((one) => one.layer.diffId === layer.diffId)) layers.push({ title: fullName(part), layer });
  return {
    layers,
    modules: [...grouped, ...alone].map(({ part, layer }) => recordOf(part, layer)),
    sources: [...new Set(parts.flatMap(({ content }) => (content.kind === "layer" ? [content.blobs] : [])))],
  };
}

/** One entry for each layer; a base whose history does not fit its layers loses it. */
function historyOf(base: ImageConfig, added: readonly Titled[], created: string): readonly History[] {
  const filled = base.history.filter((entry) => !entry.empty_layer);
  const below: readonly History[] = filled.length === base.diffIds.length ? base.history : base.diffIds.map(() => ({}));
  return [...below, ...added.map(({ title }) => ({ created, created_by: title }))];
}

/** An image with more layers on top, labels and one time. */
export function grownImage(
  base: Image,
  added: readonly Titled[],
  labels: Readonly<Record<string, string>>,
  created: string,
): Image {
  const { config } = base.config;
  const image: Image = {
    ...base,
    config: {
      ...base.config,
      created,
      history: historyOf(base.config, added, created),
      config: { ...config, Labels: { ...config.Labels, ...labels } },
    },
  };
  return withLayers(image, [...base.layers, ...added.map(({ layer }) => layer)]);
}

/** Where every layer of an image that was made is read. */
export function blobsFor(bench: Workbench, ...more: readonly BlobSource[]): BlobSource {
  return firstOf(bench.blobs, ...more);
}
