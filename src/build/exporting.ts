import type { Buildpack } from "../cnb/buildpack.ts";
import { runImageRecord } from "../cnb/run-image.ts";
import { type CacheInputs, makeCacheLayers, writeCache } from "../phase/cache.ts";
import { type Exported, exportImage } from "../phase/export/image.ts";
import { buildpackPlace, readLayers } from "../phase/layer.ts";
import { writeSboms } from "../phase/sbom.ts";
import { type Saved, saveImage } from "../reach/save.ts";
import { runImageNames } from "../setting/run-image-choice.ts";
import { beside } from "../std/beside.ts";
import type { OpenedStack } from "../std/stack.ts";
import type { Building } from "./building.ts";
import { keepLaunchLayers } from "./cache-place.ts";
import type { Extending } from "./extending.ts";
import { phaseOf } from "./phase-of.ts";
import type { Remembered } from "./restoring.ts";
import type { Work } from "./work.ts";

/** What the phases before have come to. */
export interface ExportingInputs {
  readonly group: readonly Buildpack[];
  readonly extensions: readonly Buildpack[];
  readonly extending: Extending;
  readonly remembered: Remembered;
  readonly building: Building;
}

/** The image as it stands where it goes, and what its cache is to be written from. */
export interface Exporting {
  readonly exported: Exported;
  readonly saved: Saved;
  readonly caching: Omit<CacheInputs, "place" | "made" | "emit" | "signal"> & {
    /** Layers of the cache that the image does not have. */
    readonly made: Promise<CacheInputs["made"]>;
  };
}

/** The names of run images that the image remembers: the builder's for the one extensions chose, else as they were given. */
function namesToRemember({ options, setting }: Work, { switchedTo, analyzed }: Extending) {
  const { builder } = setting;
  return switchedTo
    ? runImageRecord(builder.runImages, switchedTo, { extended: true })
    : runImageNames(options.runImage, builder, analyzed.runImage.name);
}

/**
 * Makes the image and writes it (Platform spec, "exporter"). The layers of the cache are made beside those of the image; `held` ends that when the
 * build fails.
 */
export async function exportFor(work: Work, inputs: ExportingInputs, held: OpenedStack): Promise<Exporting> {
  const { options, setting, target, tags, launchCache, project, execEnv, created, emit } = work;
  const { extensions, extending, remembered, building } = inputs;
  const { store, kept } = setting;
  const { workspace, ground } = setting.stage;
  const { analyzed } = extending;
  const { built, launcher, app } = building;
  const { signal } = options;
  const owner = ground.user;
  const { cache, damaged } = remembered;
  const group = await Promise.all(
    inputs.group.map(async (buildpack) => ({
      buildpack,
      layers: await readLayers(workspace.layers.host, buildpackPlace(workspace.layers, buildpack)),
    })),
  );
  return await phaseOf(emit, "export", "export", async () => {
    const slices = built.slices.map((slice) => slice.paths);
    const verdicts = await kept.look(group, slices, signal);
    await writeSboms(workspace, ground.sboms);
    const forCache = { store, previous: cache, group, workspace, verdicts: verdicts.layers, damaged, owner };
    const cacheLayers = held.use(beside(signal, (ended) => makeCacheLayers({ ...forCache, signal: ended })));
    const exported = await exportImage({
      analyzed,
      extendedRun: extending.runImage,
      group,
      extensions,
      built,
      workspace,
      app,
      owner,
      launcher,
      platformApi: ground.platformApi,
      runImageNames: namesToRemember(work, extending),
      project,
      labels: options.labels ?? {},
      annotations: options.annotations ?? {},
      defaultProcess: options.defaultProcess,
      execEnv,
      created,
      store,
      verdicts,
      damaged,
      emit,
      signal,
    });
    signal?.throwIfAborted();
    if (exported.app.some((layer) => layer.isRead)) await kept.app.confirm(signal);
    const { image, blobs } = exported;
    const saved = await saveImage({ image, blobs, target, tags, local: store, emit });
    if (launchCache) await keepLaunchLayers(launchCache, target.kind, exported, analyzed.runImage.stored.image, emit);
    return { exported, saved, caching: { ...forCache, made: cacheLayers.result } };
  });
}

/** Writes the cache, and leaves the directories of its layers and of the app to the next build. */
export async function cacheFor(work: Work, { exported, caching }: Exporting): Promise<void> {
  const { options, setting, cachePlace: place, emit } = work;
  const { signal } = options;
  await phaseOf(emit, "cache", "export", async () => {
    const made = [...exported.made, ...(await caching.made)];
    const cached = await writeCache({ ...caching, place, made, emit, signal });
    const app = exported.app.map(({ layer, size }) => ({ diffId: layer.diffId, size }));
    await setting.kept.keep(cached, app);
  });
}
