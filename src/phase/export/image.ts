import { readFile } from "node:fs/promises";
import { appLabels, createdBy, type Entrypoint, layerIds, planConfig, planEntrypoint } from "../../cnb/app-image.ts";
import { encodeBuildMetadata, type LauncherSource } from "../../cnb/build-metadata.ts";
import {
  appShas,
  type BuildpackRecord,
  encodeLifecycleMetadata,
  type LifecycleMetadata,
  type RunImageNames,
} from "../../cnb/label.ts";
import { checkProcessTypes, parseStore } from "../../cnb/launch.ts";
import { formatMetadata } from "../../cnb/metadata-file.ts";
import { encodeProjectMetadata, type ProjectMetadata } from "../../cnb/project-file.ts";
import type { DiffId } from "../../oci/digest.ts";
import { type Image, type Layer, withLayers } from "../../oci/image.ts";
import { formatReference } from "../../oci/reference.ts";
import { type Emit, logTo } from "../../std/event.ts";
import { Fault, reasonOf } from "../../std/fault.ts";
import { kindOf, writeText } from "../../std/file.ts";
import { type HostPath, type Place, placeUnder, under } from "../../std/path.ts";
import type { BlobSource, BlobStore } from "../../store/contract.ts";
import type { Owner } from "../../tar/entry.ts";
import { appLayers, directoryLayer, type LayerTar, launcherLayer, processTypesLayer } from "../../tar/layer.ts";
import type { Analyzed } from "../analyze.ts";
import type { Built } from "../build.ts";
import type { Verdicts } from "../kept/kept.ts";
import type { Verdict } from "../kept/record.ts";
import { buildpackPlace } from "../layer.ts";
import { readLeft } from "../left.ts";
import type { Workspace } from "../workspace.ts";
import { type MadeLayer, makeLayer } from "./make.ts";
import { parentsOf } from "./parent.ts";
import { type BuildpackLayers, type PlannedLayer, planLaunchLayers } from "./request.ts";
import { firstOf } from "./source.ts";

/** What the export works with. */
export interface ExportInputs {
  readonly analyzed: Analyzed;
  readonly group: readonly BuildpackLayers[];
  readonly built: Built;
  readonly workspace: Workspace;
  readonly owner: Owner;
  readonly launcher: { readonly path: HostPath; readonly source: LauncherSource };
  readonly runImageNames: RunImageNames;
  readonly project: ProjectMetadata | undefined;
  readonly defaultProcess: string | undefined;
  readonly execEnv: string;
  /** RFC 3339. */
  readonly created: string;
  readonly store: BlobStore;
  readonly verdicts: Verdicts;
  /** Layers the restore could not read back. */
  readonly damaged: ReadonlySet<string>;
  readonly emit: Emit;
  readonly signal: AbortSignal | undefined;
}

/** One layer of the image above its base, and why it is what it is. */
export interface ExportedLayer {
  readonly id: string;
  readonly diffId: DiffId;
  /** The tar's length in bytes; undefined for one taken over unread. */
  readonly size: number | undefined;
  readonly action: "add" | "reuse";
  readonly reason: string;
}

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

interface Placed {
  readonly layer: Layer;
  readonly createdBy: string;
  readonly report: ExportedLayer;
}

class Export {
  readonly #inputs: ExportInputs;
  readonly #log: ReturnType<typeof logTo>;
  readonly placed: Placed[] = [];
  readonly made: MadeLayer[] = [];

  constructor(inputs: ExportInputs) {
    this.#inputs = inputs;
    this.#log = logTo(inputs.emit);
  }

  #place(placed: Placed): void {
    const { report } = placed;
    this.placed.push(placed);
    this.#inputs.emit({
      type: "layer",
      id: report.id,
      action: report.action,
      diffId: report.diffId,
      reason: report.reason,
      ...(report.size !== undefined && { size: report.size }),
    });
  }

  async add(
    id: string,
    history: string,
    tar: LayerTar,
    known: readonly (string | undefined)[],
    { quiet = false, verdict }: { readonly quiet?: boolean; readonly verdict?: Verdict | undefined } = {},
  ): Promise<MadeLayer> {
    const { store, analyzed, signal } = this.#inputs;
    const request = {
      id,
      createdBy: history,
      tar,
      verdict,
      known,
      damaged: this.#inputs.damaged,
    };
    const made = await makeLayer(store, analyzed.runImage.stored.image.family, request, signal);
    this.made.push(made);
    const reason = made.isKnown
      ? "its content is that of the previous image"
      : request.known.some(Boolean)
        ? "its content changed"
        : "the previous image has no such layer";
    if (!quiet) this.#log.info(`${made.isKnown ? "Reusing" : "Adding"} layer '${id}'`);
    this.#log.debug(`Layer '${id}' SHA: ${made.layer.diffId}`);
    this.#place({
      layer: made.layer,
      createdBy: history,
      report: { id, diffId: made.layer.diffId, size: made.size, action: made.isKnown ? "reuse" : "add", reason },
    });
    return made;
  }

  /** A layer whose directory the buildpack left out: it stays what it was in the previous image. */
  takeOver(planned: PlannedLayer, sha: string): void {
    const layer = this.#inputs.analyzed.previous?.stored.image.layers.find((item) => item.diffId === sha);
    if (!layer) {
      throw new Fault("layer.missing", `Cannot reuse layer '${planned.id}': the previous image does not have ${sha}`, {
        exit: "export",
        hint: "build with --clear-cache, so that the buildpack makes the layer again",
      });
    }
    this.#log.info(`Reusing layer '${planned.id}'`);
    const reason = "the buildpack kept it without its contents";
    this.#place({
      layer,
      createdBy: planned.createdBy,
      report: { id: planned.id, diffId: layer.diffId, size: undefined, action: "reuse", reason },
    });
  }
}

async function addBuildpackLayers(work: Export, inputs: ExportInputs): Promise<Map<PlannedLayer, DiffId>> {
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
  const place = inputs.workspace.app;
  const parents = parentsOf(place, inputs.owner);
  const slices = inputs.built.slices.map((slice) => slice.paths);
  const deal = () => appLayers({ place, slices, owner: inputs.owner, parents });
  return (
    inputs.verdicts.app?.map((_, at) => ({
      async *open(signal) {
        yield* (await deal())[at]!.open(signal);
      },
    })) ?? (await deal())
  );
}

async function addSlices(work: Export, inputs: ExportInputs): Promise<MadeLayer[]> {
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

/** Writes `<layers>/config/metadata.toml`, which the launcher reads. */
async function writeConfig(inputs: ExportInputs): Promise<Place> {
  const place = inputs.workspace.config;
  const { processes, labels, slices } = inputs.built;
  const text = formatMetadata({
    buildpacks: inputs.group.map(({ buildpack }) => ({
      id: buildpack.id,
      version: buildpack.version,
      api: buildpack.api.text,
      ...(buildpack.homepage && { homepage: buildpack.homepage }),
    })),
    labels,
    processes: processes.processes,
    slices,
    ...(processes.defaultType && { defaultProcessType: processes.defaultType }),
  });
  await writeText(under(place.host, "metadata.toml"), text);
  return place;
}

async function recordsOf(inputs: ExportInputs, shas: ReadonlyMap<PlannedLayer, DiffId>): Promise<BuildpackRecord[]> {
  const records: BuildpackRecord[] = [];
  for (const { buildpack } of inputs.group) {
    const own = [...shas].filter(([planned]) => planned.buildpack === buildpack);
    const storePath = under(buildpackPlace(inputs.workspace.layers, buildpack).host, "store.toml");
    const storeText = await readLeft(inputs.workspace.layers.host, storePath);
    const layers = own.map(([{ layer, data }, sha]) => {
      const { build, launch, cache } = layer.metadata;
      return [layer.name, { sha, data, build, launch, cache }] as const;
    });
    records.push({
      key: buildpack.id,
      version: buildpack.version,
      layers: Object.fromEntries(layers),
      ...(storeText !== undefined && { store: parseStore(storeText, storePath) }),
    });
  }
  return records;
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

  const work = new Export(inputs);
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
  const labels = appLabels({
    lifecycle: encodeLifecycleMetadata(metadata),
    build: encodeBuildMetadata({
      buildpacks: inputs.group.map(({ buildpack }) => ({
        id: buildpack.id,
        version: buildpack.version,
        ...(buildpack.homepage && { homepage: buildpack.homepage }),
      })),
      launcher: inputs.launcher.source,
      processes,
      ...(defaultType && { defaultProcessType: defaultType }),
    }),
    project: encodeProjectMetadata(inputs.project),
    buildpacks: built.labels,
    execEnv: inputs.execEnv,
  });
  for (const [key] of labels) log.info(`Adding label '${key}'`);
  log.info(entrypoint.type ? `Setting default process type '${entrypoint.type}'` : "no default process type");

  const config_ = planConfig({
    runImage: base.image.config,
    layers: work.placed.map(({ layer, createdBy: history }) => ({ diffId: layer.diffId, createdBy: history })),
    labels,
    layersDir: workspace.layers.guest,
    appDir: workspace.app.guest,
    entrypoint,
    created: inputs.created,
  });
  const image = withLayers({ ...base.image, config: config_ }, [
    ...base.image.layers,
    ...work.placed.map(({ layer }) => layer),
  ]);
  const blobs = firstOf(store, ...(analyzed.previous ? [analyzed.previous.stored.blobs] : []), base.blobs);
  log.debug(`Image stands on ${formatReference(analyzed.runImage.name)}`);
  return { image, blobs, layers: work.placed.map(({ report }) => report), made: work.made, app, entrypoint };
}
