import { analyzeFor } from "./build/analyzing.ts";
import { buildFor } from "./build/building.ts";
import { directoryOf, openCache } from "./build/cache-place.ts";
import { parseDestination } from "./build/destination.ts";
import { detectFor } from "./build/detecting.ts";
import { cacheFor, exportFor } from "./build/exporting.ts";
import { runExtensions } from "./build/extending.ts";
import type { BuildOptions } from "./build/options.ts";
import { writePhaseFiles } from "./build/phase-files.ts";
import { restoreFor } from "./build/restoring.ts";
import type { Work } from "./build/work.ts";
import { createdTime } from "./cnb/app-image.ts";
import { execEnvName } from "./cnb/exec-env.ts";
import { checkAnnotations, checkLabels } from "./cnb/own-label.ts";
import type { PlanEntry } from "./cnb/plan.ts";
import type { Digest } from "./oci/digest.ts";
import type { ExportedLayer } from "./phase/export/assembly.ts";
import { saveSboms } from "./phase/sbom.ts";
import { keyOf, openPlace } from "./reach/place.ts";
import { writeReport } from "./reach/save.ts";
import { openSetting } from "./setting/setting.ts";
import { openSource } from "./setting/written.ts";
import { type Emit, type Event, logTo, type Phase } from "./std/event.ts";
import { Fault } from "./std/fault.ts";
import { hostPath } from "./std/path.ts";
import { OpenedStack } from "./std/stack.ts";

export type { BuildOptions } from "./build/options.ts";

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
  const execEnv = execEnvName(options.execEnv ?? "");
  checkLabels(options.labels ?? {});
  const { created, warning } = createdTime(options.creationTime?.toString());
  if (warning) logTo(emit).warn(warning);
  const { image, output: keeper = "local", compression, annotations = {}, cache } = options;
  const { tags, registry } = parseDestination(options, base);
  const launchCache = options.launchCache && directoryOf(options.launchCache, base, options.home);
  const kept = { text: image, forget: options.clearCache ?? false };
  const purpose = { name: image, image: kept, selects, base, copies, registry, launchCache, compression };
  await using setting = await openSetting(options, purpose, emit);
  checkAnnotations(annotations, setting.runImage.stored.image.family);
  const { store, platform, outside } = setting;
  await using target = openPlace(image, store, { base, platform, compression, outside, keeper });
  await using cachePlace = openCache(cache, keyOf(image, base), setting, options);
  const opened = { options, setting, target, tags, registry, cachePlace, launchCache };
  return await runPhases({ ...opened, project: source.metadata, execEnv, created, emit }, timings);
}

async function runPhases(work: Work, timings: BuildReport["timings"]): Promise<BuildReport> {
  const { options, setting, target, execEnv, emit } = work;
  const before = await analyzeFor(work);
  const detected = await detectFor(work, before);
  const { group, extensions } = detected;
  const extending = await runExtensions(setting, {
    detected,
    analyzed: before,
    execEnv,
    engine: options.engine,
    useKept: !options.clearCache,
    emit,
  });
  const { entries, analyzed, extended } = extending;
  const remembered = await restoreFor(work, group, analyzed);
  await using held = new OpenedStack();
  const building = await buildFor(work, group, extending, held);
  const exporting = await exportFor(work, { group, extensions, extending, remembered, building }, held);
  await cacheFor(work, exporting);
  const { exported, saved } = exporting;
  const { kind, workspace, ground } = setting.stage;
  if (options.reportDirectory) {
    const { buildImage } = ground;
    const results = { analyzed, group, extensions, extended, entries, workspace, buildImage };
    await writePhaseFiles(options.reportDirectory, results);
    await writeReport(options.reportDirectory, saved, target.kind, setting.outside);
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
    processes: building.built.processes.processes.map((process) => process.type),
    sandbox: kind.name,
    timings,
  };
}
