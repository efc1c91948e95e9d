import { mkdir, rename } from "node:fs/promises";
import { availableParallelism } from "node:os";
import pLimit from "p-limit";
import type { DiffId, Digest } from "../oci/digest.ts";
import type { Layer } from "../oci/image.ts";
import { claimDirectory } from "../std/claim.ts";
import { errnoOf } from "../std/fault.ts";
import { makeDirectory, namesIn, readText, writeText } from "../std/file.ts";
import { type HostPath, under } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import type { StackedLayer } from "../tar/stacked.ts";
import { unpackLayer } from "../tar/unpack.ts";
import type { StoredImage } from "./contract.ts";
import { layerTar } from "./layer.ts";

/** How layers are kept unpacked. */
export interface UnpackSettings {
  /** Below this directory, each by its diffID; nobody else may look into it, as files keep their modes but not their owners. */
  readonly root: HostPath;
  /** Keeps these diffIDs from `pruneLayers` for as long as they are needed. */
  readonly hold: (diffIds: readonly Digest[]) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

function placeOf(root: HostPath, diffId: DiffId): HostPath {
  return under(root, diffId.replace(":", "-"));
}

async function readLayer(place: HostPath): Promise<StackedLayer | undefined> {
  // Written last before the layer got its name, so that what is there is whole.
  const text = await readText(under(place, "opaque"));
  if (text === undefined) return undefined;
  const opaque = text.split("\0").filter((path) => path !== "");
  return { tree: under(place, "tree"), opaque: new Set(opaque.map((path) => Buffer.from(path).toString("latin1"))) };
}

async function unpackInto(place: HostPath, layer: Layer, stored: StoredImage, signal?: AbortSignal): Promise<void> {
  await makeDirectory(place);
  const tree = under(place, "tree");
  await makeDirectory(tree);
  const { opaque } = await unpackLayer(layerTar(layer, stored.blobs), tree, signal && { signal });
  const names = opaque.map((path) => Buffer.from(path, "latin1").toString());
  await writeText(under(place, "opaque"), names.map((name) => `${name}\0`).join(""));
}

/** Gives a finished layer its name; when another process was faster, theirs is as good. */
async function settle(fresh: HostPath, place: HostPath): Promise<void> {
  await rename(fresh, place).catch((error) => {
    if (errnoOf(error) !== "ENOTEMPTY" && errnoOf(error) !== "EEXIST") throw error;
  });
}

/**
 * The layers of an image, bottom first, as directories that overlayfs can stack: each is unpacked once on this machine, aside, verified by its diffID
 * and renamed, so that several processes may do it at once and a killed one leaves nothing that counts. Throws the faults of
 * `layerTar` and `unpackLayer`.
 */
export async function unpackLayers(stored: StoredImage, settings: UnpackSettings): Promise<readonly StackedLayer[]> {
  const { root, signal } = settings;
  const layers = [...new Map(stored.image.layers.map((layer) => [layer.diffId, layer])).values()];
  await settings.hold(layers.map(({ diffId }) => diffId as string as Digest));
  const found = await Promise.all(layers.map(({ diffId }) => readLayer(placeOf(root, diffId))));
  const missing = layers.filter((_, at) => found[at] === undefined);
  if (missing.length > 0) {
    await mkdir(root, { recursive: true, mode: 0o700 });
    const aside = await claimDirectory(root, ".new-");
    const limit = pLimit(Math.max(2, availableParallelism()));
    try {
      const unpackOne = async (layer: Layer) => {
        const fresh = placeOf(aside, layer.diffId);
        await unpackInto(fresh, layer, stored, signal);
        await settle(fresh, placeOf(root, layer.diffId));
      };
      const done = await Promise.allSettled(missing.map((layer) => limit(unpackOne, layer)));
      for (const outcome of done) if (outcome.status === "rejected") throw outcome.reason;
    } finally {
      await removeTree(aside);
    }
  }
  return Promise.all(stored.image.layers.map(async ({ diffId }) => (await readLayer(placeOf(root, diffId)))!));
}

/** Removes the unpacked layers whose diffID is not needed. Nobody may begin to rely on one meanwhile. */
export async function pruneLayers(root: HostPath, isNeeded: (diffId: string) => boolean): Promise<void> {
  for (const name of await namesIn(root)) {
    if (!/^[a-z0-9]+-[0-9a-f]+$/.test(name) || isNeeded(name.replace("-", ":"))) continue;
    await removeTree(under(root, name));
  }
}
