import { readFile } from "node:fs/promises";
import { appLabels, createdBy, type Entrypoint, layerIds, planConfig, planEntrypoint } from "../../cnb/app-image.ts";
import { encodeBuildMetadata } from "../../cnb/build-metadata.ts";
import { appShas, encodeLifecycleMetadata, type LifecycleMetadata } from "../../cnb/label.ts";
import { checkProcessTypes } from "../../cnb/launch.ts";
import { withOwnAnnotations } from "../../cnb/own-label.ts";
import { encodeProjectMetadata } from "../../cnb/project-file.ts";
import type { DiffId } from "../../oci/digest.ts";
import { type Image, withLayers } from "../../oci/image.ts";
import { formatReference } from "../../oci/reference.ts";
import { logTo } from "../../std/event.ts";
import { Fault, reasonOf } from "../../std/fault.ts";
import { kindOf } from "../../std/file.ts";
import { type HostPath, type Place, placeUnder } from "../../std/path.ts";
import type { BlobSource } from "../../store/contract.ts";
import { firstOf } from "../../store/first-of.ts";
import { appLayers, directoryLayer, type LayerTar, launcherLayer, processTypesLayer } from "../../tar/layer.ts";
import { Assembly, type ExportedLayer, type ExportInputs } from "./assembly.ts";
import type { MadeLayer } from "./make.ts";
import { parentsOf } from "./parent.ts";
import { recordsOf, usedOf, writeConfig } from "./record.ts";
import { type PlannedLayer, planLaunchLayers } from "./request.ts";

/** An image ready to be written: its value, its blobs, and what became of each layer. */
export interface Exported {
  readonly image: Image;
  readonly blobs: BlobSource;
  readonly layers: readonly ExportedLayer[];
  readonly made: readonly MadeLayer[];
  /** Those of `made` that hold the app. */
  readonly app: readonly MadeLayer[];
  readonly entrypoint: Entrypoint;
}

async function addBuildpackLayers(work: Assembly, inputs: ExportInputs): Promise<Map<PlannedLayer, DiffId>> {
  const shas = new Map<PlannedLayer, DiffId>();
  for (const planned of planLaunchLayers(inputs.group, inputs.analyzed.previous?.metadata.buildpacks ?? [])) {
    if (planned.from === "previous") work.takeOver(planned, planned.previous?.sha ?? "");
    else {
      const { place } = planned.layer;
      const tar = directoryLayer({ place, parents: parentsOf(place, inputs.owner), owner: inputs.owner });
      const verdict = inputs.verdicts.layers.get(place.host);
      await work.add(planned.id, planned.createdBy, tar, [planned.previous?.sha], { verdict });
    }
    shas.set(planned, work.placed.at(-1)!.layer.diffId);
  }
  return shas;
}

/** The app's layers; where there is a verdict of them, the app is looked through only when one must be made. */
async function sliceTars(inputs: ExportInputs): Promise<readonly LayerTar[]> {
  const place = inputs.app;
  const parents = parentsOf(place, inputs.owner);
  const slices = inputs.built.slices.map((slice) => slice.paths);
  const deal = () => appLayers({ place, slices, owner: inputs.owner, parents });
  return (
    inputs.verdicts.app?.map((_, at) => ({
      async *open(signal) {
        yield* (await deal())[at]!.open(signal);
      },
      async *lend(signal) {
        yield* (await deal())[at]!.lend(signal);
      },
    })) ?? (await deal())
  );
}

async function addSlices(work: Assembly, inputs: ExportInputs): Promise<MadeLayer[]> {
  const tars = await sliceTars(inputs);
  const previous = inputs.analyzed.previous ? appShas(inputs.analyzed.previous.metadata) : [];
  const made: MadeLayer[] = [];
  for (const [at, tar] of tars.entries()) {
    const options = { quiet: true, verdict: inputs.verdicts.app?.[at] };
    made.push(await work.add(layerIds.ofSlice(at), createdBy.ofSlice(at, tars.length), tar, previous, options));
  }
  const reused = made.filter((layer) => layer.isKnown).length;
  const log = logTo(inputs.emit);
  if (reused > 0) log.info(`Reused ${reused}/${made.length} app layer(s)`);
  if (made.length > reused) log.info(`Added ${made.length - reused}/${made.length} app layer(s)`);
  return made;
}

/** Throws Fault `launcher.missing` when there is no launcher for the image's architecture. */
async function readLauncher(path: HostPath): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Fault("launcher.missing", `Cannot read launcher at ${path}: ${reasonOf(cause)}`, {
      cause,
      exit: "export",
      hint: "there are launchers for linux on amd64 and arm64",
    });
  }
}

/**
 * Assembles the app image (Platform spec, "exporter"): buildpack layers, launch SBOM, app slices, launcher, config, process
 * types, then labels, environment and entrypoint. What is new is put into the store; the image itself is not written yet.
 */
export async function exportImage(inputs: ExportInputs): Promise<Exported> {
  const { analyzed, built, workspace, owner, store } = inputs;
  const log = logTo(inputs.emit);
  const previous = analyzed.previous?.metadata;
  const { processes, defaultType } = built.processes;
  checkProcessTypes(processes);
  const entrypoint = planEntrypoint({ processes, buildpackDefault: defaultType, requested: inputs.defaultProcess });
  if (analyzed.previous) log.info(`Reusing layers from image '${analyzed.previous.reference}'`);

  const work = new Assembly(inputs);
  const shas = await addBuildpackLayers(work, inputs);
  const ownLayer = (place: Place) => directoryLayer({ place, parents: parentsOf(place, owner), owner });
  const sbomPlace = placeUnder(workspace.sbom, "launch");
  const sbom =
    (await kindOf(sbomPlace.host)) === "directory"
      ? await work.add(layerIds.launchSbom, createdBy.sbom, ownLayer(sbomPlace), [previous?.sbom?.sha])
      : undefined;
  const app = await addSlices(work, inputs);
  const launcher = await work.add(
    layerIds.launcher,
    createdBy.launcher,
    launcherLayer(await readLauncher(inputs.launcher.path)),
    [previous?.launcher.sha],
  );
  const config = await work.add(layerIds.config, createdBy.config, ownLayer(await writeConfig(inputs)), [
    previous?.config.sha,
  ]);
  const types =
    processes.length > 0
      ? await work.add(
          layerIds.processTypes,
          createdBy.processTypes,
          processTypesLayer(processes.map((process) => process.type)),
          [previous?.["process-types"].sha],
        )
      : undefined;

  const { stored: base, reference } = analyzed.runImage;
  const metadata: LifecycleMetadata = {
    app: app.map((made) => ({ sha: made.layer.diffId })),
    ...(sbom && { sbom: { sha: sbom.layer.diffId } }),
    buildpacks: await recordsOf(inputs, shas),
    config: { sha: config.layer.diffId },
    launcher: { sha: launcher.layer.diffId },
    "process-types": { sha: types?.layer.diffId ?? "" },
    runImage: { topLayer: base.image.layers.at(-1)?.diffId ?? "", reference, ...inputs.runImageNames },
    stack: { runImage: inputs.runImageNames },
  };
  const own = Object.entries(inputs.labels).map(([key, value]) => ({ key, value }));
  const labels = appLabels({
    lifecycle: encodeLifecycleMetadata(metadata),
    build: encodeBuildMetadata({
      buildpacks: inputs.group.map(({ buildpack }) => usedOf(buildpack)),
      extensions: inputs.extensions.map(usedOf),
      launcher: inputs.launcher.source,
      processes,
      ...(defaultType && { defaultProcessType: defaultType }),
    }),
    project: encodeProjectMetadata(inputs.project),
    buildpacks: [...built.labels, ...own],
    execEnv: inputs.execEnv,
  });
  for (const [key] of labels) log.info(`Adding label '${key}'`);
  log.info(entrypoint.type ? `Setting default process type '${entrypoint.type}'` : "no default process type");

  const { image: below, blobs: belowBlobs } = inputs.extendedRun ?? base;
  const config_ = planConfig({
    runImage: below.config,
    layers: work.placed.map(({ layer, createdBy: history }) => ({ diffId: layer.diffId, createdBy: history })),
    labels,
    layersDir: workspace.layers.guest,
    appDir: inputs.app.guest,
    entrypoint,
    platformApi: inputs.platformApi,
    created: inputs.created,
  });
  const annotations = withOwnAnnotations(base.image.annotations, inputs.annotations);
  const image = withLayers({ ...below, config: config_, ...(annotations && { annotations }) }, [
    ...below.layers,
    ...work.placed.map(({ layer }) => layer),
  ]);
  const blobs = firstOf(store, ...(analyzed.previous ? [analyzed.previous.stored.blobs] : []), belowBlobs);
  log.debug(`Image stands on ${formatReference(analyzed.runImage.name)}`);
  return { image, blobs, layers: work.placed.map(({ report }) => report), made: work.made, app, entrypoint };
}
