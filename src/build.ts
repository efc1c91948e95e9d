import { directoryOf, keepLaunchLayers, openCache } from "./build/cache-place.ts";
import { parseDestination } from "./build/destination.ts";
import { detectOn } from "./build/detecting.ts";
import { type EngineName, runExtensions } from "./build/extending.ts";
import { writePhaseFiles } from "./build/phase-files.ts";
import { phaseOf } from "./build/phase-of.ts";
import { createdTime } from "./cnb/app-image.ts";
import { execEnvName, isForOther } from "./cnb/exec-env.ts";
import { labelNames } from "./cnb/label.ts";
import { checkAnnotations, checkLabels } from "./cnb/own-label.ts";
import type { PlanEntry } from "./cnb/plan.ts";
import { runImageRecord } from "./cnb/run-image.ts";
import { labelsOf } from "./oci/config.ts";
import type { Digest } from "./oci/digest.ts";
import type { Compressor } from "./oci/media-type.ts";
import { analyze } from "./phase/analyze.ts";
import { runBuilds } from "./phase/build.ts";
import { makeCacheLayers, writeCache } from "./phase/cache.ts";
import type { ExportedLayer } from "./phase/export/assembly.ts";
import { exportImage } from "./phase/export/image.ts";
import { buildpackPlace, readLayers } from "./phase/layer.ts";
import { restore } from "./phase/restore.ts";
import { saveSboms, writeSboms } from "./phase/sbom.ts";
import { type Keeper, keyOf, openPlace } from "./reach/place.ts";
import { saveImage, writeReport } from "./reach/save.ts";
import type { CacheForm } from "./setting/cache-form.ts";
import type { SourceOptions } from "./setting/options.ts";
import { runImageNames } from "./setting/run-image-choice.ts";
import { openSetting } from "./setting/setting.ts";
import { openRunner } from "./setting/stage.ts";
import { openSource } from "./setting/written.ts";
import { beside } from "./std/beside.ts";
import { type Emit, type Event, logTo, type Phase } from "./std/event.ts";
import { Fault } from "./std/fault.ts";
import { hostPath, type Place } from "./std/path.ts";
import { OpenedStack } from "./std/stack.ts";

/** What a build is asked to do; only `app` and `image` are needed. */
export interface BuildOptions extends SourceOptions {
  /** The image's name in the local store, or `oci:DIR[:tag]`, `docker-archive:FILE[:name]`, `oci-archive:FILE[:tag]`. */
  readonly image: string;
  /** Who keeps it: the local store unless said, the registry its name says, or the Docker daemon. */
  readonly output?: Keeper;
  /** More names for it, kept by the same. */
  readonly tags?: readonly string[];
  /** The image whose layers may be reused; `image` unless said. */
  readonly previousImage?: string;
  /** The process type the image starts with; what the buildpacks say unless said. */
  readonly defaultProcess?: string;
  /** Where layers are cached for the next build; in the local store unless said. */
  readonly cache?: CacheForm;
  /** A directory where the image's layers are kept for a daemon, which then need not give them back; the local store does that unless said. */
  readonly launchCache?: CacheForm;
  /** Forget what earlier builds of this image have cached. */
  readonly clearCache?: boolean;
  /** How the Dockerfiles of image extensions are applied; the first that works here unless said. */
  readonly engine?: EngineName;
  /** Seconds since 1970; 1980-01-01T00:00:01Z unless said. */
  readonly creationTime?: number;
  /** Labels of the image; they win over those of buildpacks. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations of the image's manifest. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of layers that go to a directory or an archive; gzip unless said. */
  readonly compression?: Compressor;
  /** Where to write `report.toml`, and what the phases decided: `analyzed.toml`, `group.toml`, `plan.toml`, `metadata.toml`. */
  readonly reportDirectory?: string;
  /** Where to write the bills of materials. */
  readonly sbomDirectory?: string;
}

/** What a build made. */
export interface BuildReport {
  /** The config's digest, the same in every store. */
  readonly imageId: Digest;
  /** The manifest's digest where the image was written. */
  readonly digest: Digest;
  readonly names: readonly string[];
  /** The layers above the run image, bottom first, and why each was added or reused. */
  readonly layers: readonly ExportedLayer[];
  readonly group: readonly { readonly id: string; readonly version: string }[];
  /** The image extensions that took part. */
  readonly extensions: readonly { readonly id: string; readonly version: string }[];
  readonly plan: readonly PlanEntry[];
  readonly processes: readonly string[];
  readonly sandbox: string;
  /** Milliseconds by phase. */
  readonly timings: Readonly<Partial<Record<Phase, number>>>;
}

function timed(emit: Emit): { emit: Emit; timings: Partial<Record<Phase, number>> } {
  const timings: Partial<Record<Phase, number>> = {};
  return {
    timings,
    emit: (event: Event) => {
      if (event.type === "phase" && event.state === "end") timings[event.phase] = event.ms;
      emit(event);
    },
  };
}

/**
 * Builds an image from source (Platform spec, "Operations"): analyze, detect, restore, build, export, cache. Throws Fault with the exit
 * code of the phase that failed; then the previous image and the cache are as they were. An aborted signal ends it the same way.
 */
export async function build(written: BuildOptions): Promise<BuildReport> {
  try {
    return await buildOnce(written, false);
  } catch (error) {
    if (!(error instanceof Fault) || !workOnCopy.has(error.code)) throw error;
    const why = error.code === "app.changed" ? "it was changed meanwhile" : "no directory can be laid over it";
    logTo(written.onEvent ?? (() => {})).info(`Building again from a copy of the app: ${why}`);
    return await buildOnce(written, true);
  }
}

/** The faults of a build on the app's source itself that one on a copy does not have. */
const workOnCopy: ReadonlySet<string> = new Set(["app.changed", "sandbox.overlay"]);

/** With `copies` buildpacks work on a copy of the app in any case. */
async function buildOnce(written: BuildOptions, copies: boolean): Promise<BuildReport> {
  const { emit, timings } = timed(written.onEvent ?? (() => {}));
  parseDestination(written, hostPath(written.app));
  await using source = await openSource(written, emit);
  const { options, selects, base } = source;
  const log = logTo(emit);
  const { signal } = options;
  const execEnv = execEnvName(options.execEnv ?? "");
  checkLabels(options.labels ?? {});
  const { created, warning } = createdTime(options.creationTime?.toString());
  if (warning) log.warn(warning);
  const { output: keeper = "local" } = options;
  const { tags, registry } = parseDestination(options, base);
  const launchCache = options.launchCache && directoryOf(options.launchCache, base, options.home);
  const image = { text: options.image, forget: options.clearCache ?? false };
  await using setting = await openSetting(
    options,
    { name: options.image, image, selects, base, copies, registry, launchCache, compression: options.compression },
    emit,
  );
  checkAnnotations(options.annotations ?? {}, setting.runImage.stored.image.family);
  const { store, stage, builder, platform, kept } = setting;
  const { workspace, ground } = stage;
  const owner = ground.user;
  const { outside } = setting;
  const { compression } = options;
  await using target = openPlace(options.image, store, { base, platform, compression, outside, keeper });
  await using cachePlace = openCache(options.cache, keyOf(options.image, base), setting, options);

  const chosen = await phaseOf(emit, "analyze", "analyze", async () => {
    await cachePlace.check?.();
    if (registry !== undefined) await (await outside.registry()).ensureWritable([...target.names, ...tags]);
    await using previous = openPlace(options.previousImage ?? options.image, store, {
      base,
      platform,
      outside,
      keeper,
      byId: options.previousImage !== undefined,
    });
    if (options.previousImage !== undefined && previous.kind !== target.kind)
      log.info(`${previous.text} is not kept where ${target.text} goes: layers of it have to be sent, which is slower`);
    return await analyze({
      previous: { text: previous.text, read: previous.read },
      runImage: setting.runImage,
      osRelease: () => ground.osRelease(),
      emit,
    });
  });
  const detected = await phaseOf(emit, "detect", "detect", async () => {
    const found = await detectOn(stage, { target: chosen.target, execEnv, emit });
    if (found.failure) throw found.failure;
    for (const buildpack of found.group) ground.check(buildpack);
    return found;
  });
  const { group, extensions } = detected;
  const extending = await runExtensions(setting, {
    detected,
    analyzed: chosen,
    execEnv,
    engine: options.engine,
    useKept: !options.clearCache,
    emit,
  });
  const { entries, analyzed, switchedTo, extended } = extending;
  const builtFor = analyzed.previous && labelsOf(analyzed.previous.stored.image.config)[labelNames.execEnv];
  const isOther = isForOther(builtFor, execEnv);
  if (isOther)
    log.info(`Restoring no layers: the previous image was built for "${builtFor}", this one is for "${execEnv}"`);
  const cache = options.clearCache ? undefined : await cachePlace.read(emit);
  const { damaged } = await phaseOf(emit, "restore", "restore", () =>
    restore({
      group,
      previous: analyzed.previous,
      cache,
      kept: kept.layers,
      skipLayers: isOther || (options.clearCache ?? false),
      workspace,
      emit,
      signal,
    }),
  );
  await using held = new OpenedStack();
  const { built, launcher, app } = await phaseOf(emit, "build", "build", async () => {
    const runner = held.use(await openRunner(extending.stage, "build", group));
    const building = runBuilds({
      group,
      entries,
      workspace,
      runner,
      environment: extending.stage.environment,
      target: analyzed.target,
      execEnv,
      emit,
    });
    const [done, source] = await Promise.all([building, ground.launcher.source(runner.sandbox)]);
    // What is laid over the app's source is seen through the sandbox.
    const { host, guest } = workspace.app;
    const place: Place = { host: kept.app.overlay ? runner.sandbox.see(guest) : host, guest };
    if (!kept.app.overlay) await held[Symbol.asyncDispose]();
    return { built: done, launcher: { path: ground.launcher.path, source }, app: place };
  });
  const left = await Promise.all(
    group.map(async (buildpack) => ({
      buildpack,
      layers: await readLayers(workspace.layers.host, buildpackPlace(workspace.layers, buildpack)),
    })),
  );
  const { exported, saved, caching } = await phaseOf(emit, "export", "export", async () => {
    const slices = built.slices.map((slice) => slice.paths);
    const looked = await kept.look(left, slices, signal);
    await writeSboms(workspace, ground.sboms);
    const forCache = { store, previous: cache, group: left, workspace, verdicts: looked.layers, damaged, owner };
    const cacheLayers = held.use(beside(signal, (ended) => makeCacheLayers({ ...forCache, signal: ended })));
    const made = await exportImage({
      analyzed,
      extendedRun: extending.runImage,
      group: left,
      extensions,
      built,
      workspace,
      app,
      owner,
      launcher,
      platformApi: ground.platformApi,
      runImageNames: switchedTo
        ? runImageRecord(builder.runImages, switchedTo, { extended: true })
        : runImageNames(options.runImage, builder, analyzed.runImage.name),
      project: source.metadata,
      labels: options.labels ?? {},
      annotations: options.annotations ?? {},
      defaultProcess: options.defaultProcess,
      execEnv,
      created,
      store,
      verdicts: looked,
      damaged,
      emit,
      signal,
    });
    signal?.throwIfAborted();
    if (made.app.some((layer) => layer.isRead)) await kept.app.confirm(signal);
    const done = await saveImage({ image: made.image, blobs: made.blobs, target, tags, local: store, emit });
    if (launchCache) await keepLaunchLayers(launchCache, target.kind, made, analyzed.runImage.stored.image, emit);
    return { exported: made, saved: done, caching: { ...forCache, made: cacheLayers.result } };
  });
  await phaseOf(emit, "cache", "export", async () => {
    const cached = await writeCache({
      ...caching,
      place: cachePlace,
      made: [...exported.made, ...(await caching.made)],
      emit,
      signal,
    });
    await kept.keep(
      cached,
      exported.app.map(({ layer, size }) => ({ diffId: layer.diffId, size })),
    );
  });
  if (options.reportDirectory) {
    await writePhaseFiles(options.reportDirectory, {
      analyzed,
      group,
      extensions,
      extended,
      entries,
      workspace,
      buildImage: ground.buildImage,
    });
    await writeReport(options.reportDirectory, saved, target.kind, outside);
  }
  if (options.sbomDirectory) await saveSboms(workspace, hostPath(options.sbomDirectory));
  return {
    imageId: saved.identity.imageId,
    digest: saved.identity.digest,
    names: saved.names,
    layers: exported.layers,
    group: group.map(({ id, version }) => ({ id, version })),
    extensions: extensions.map(({ id, version }) => ({ id, version })),
    plan: entries,
    processes: built.processes.processes.map((process) => process.type),
    sandbox: stage.kind.name,
    timings,
  };
}
