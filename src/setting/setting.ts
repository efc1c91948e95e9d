import { existsSync } from "node:fs";
import { bundle } from "../bundle.ts";
import { isSameRunImage } from "../cnb/run-image.ts";
import { digestOf, hexOf } from "../oci/digest.ts";
import type { Compressor } from "../oci/media-type.ts";
import { ociArchitecture, type Platform } from "../oci/platform.ts";
import { formatReference } from "../oci/reference.ts";
import type { RunImageChoice } from "../phase/analyze.ts";
import { type Kept, openKept } from "../phase/kept/kept.ts";
import { lookAtSource } from "../phase/kept/laid.ts";
import { beginLooks } from "../phase/kept/layers.ts";
import { openWorkspace } from "../phase/workspace.ts";
import { type Reach, sourcesOf, unpackedLayers } from "../reach/fetch.ts";
import { homeAt } from "../reach/home.ts";
import { Outside } from "../reach/outside.ts";
import { keyOf, openPlace } from "../reach/place.ts";
import { pullRecord } from "../reach/pull-record.ts";
import { findRunImage, runImageNamesFor } from "../reach/run-image.ts";
import type { Selects } from "../source/app.ts";
import type { OpenBuilder } from "../source/builder.ts";
import { officialRegistry } from "../source/registry.ts";
import { gatherSupply, type Supply } from "../source/supply.ts";
import { type Emit, logTo } from "../std/event.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import { OpenedStack } from "../std/stack.ts";
import type { StoredImage } from "../store/contract.ts";
import { type Layout, openLayout } from "../store/layout.ts";
import { Listers } from "../tar/list-thread.ts";
import { openCompany } from "./company.ts";
import { imageGround, machineGround } from "./ground.ts";
import { imageRootFor } from "./image-root.ts";
import { groundImage, openBuilder } from "./open-builder.ts";
import { bindingsOf, pullPolicyOf, type SourceOptions, volumesOf, wantedOf } from "./options.ts";
import { checkRunImage, runImageName, runImageText } from "./run-image-choice.ts";
import { probeEarly, sandboxFor } from "./sandbox-choice.ts";
import { type Stage, setStage } from "./stage.ts";

/** Everything a build or a detection stands on, opened; disposing it leaves nothing behind but the store. */
export interface Setting extends AsyncDisposable {
  readonly store: Layout;
  readonly builder: OpenBuilder;
  readonly supply: Supply;
  readonly runImage: RunImageChoice;
  /** The run image of this name, found as the first one was; throws the same faults. */
  runImageAt(text: string): Promise<RunImageChoice>;
  /** The image scripts stand on; undefined when that is this machine's own system. */
  readonly buildImage: StoredImage | undefined;
  /** The stage with another image for scripts to stand on, one that extends `buildImage`. */
  stageOn(extended: StoredImage): Promise<Stage>;
  readonly stage: Stage;
  readonly platform: Platform;
  /** What the last build has left for this one, the app's copy among it. */
  readonly kept: Kept;
  readonly outside: Outside;
  /** What engines that apply Dockerfiles work in. */
  readonly engines: HostPath;
  /** Relative paths in image locations begin here. */
  readonly base: HostPath;
}

/** What a setting is opened for. */
export interface Purpose {
  /** Which of the app's paths go into the build; all unless said. */
  readonly selects?: Selects | undefined;
  /** Relative paths in image locations begin here. */
  readonly base: HostPath;
  /** The registry the image goes to, if it goes to one: then the run image stays there as well, from there if that has it. */
  readonly registry?: string | undefined;
  /** A directory with tars of layers that a daemon may be sent. */
  readonly launchCache?: HostPath | undefined;
  readonly compression?: Compressor | undefined;
  /** Whether to work on a copy of the app in any case. */
  readonly copies?: boolean;
  /** Names the workspace where its paths end up in the image. */
  readonly name: string;
  /** The image whose kept directories serve; `forget` drops them first. Undefined when nothing is to be kept. */
  readonly image?: { readonly text: string; readonly forget: boolean };
}

/** Opens what builds are fetched with. */
function reachFor(options: SourceOptions, purpose: Purpose, opened: OpenedStack, emit: Emit): Reach {
  const home = homeAt(options.home);
  const platform: Platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  const store = opened.use(openLayout(home.store, { platform, hold: true }));
  const { compression, launchCache, base } = purpose;
  const { signal } = options;
  const outside = opened.use(
    new Outside({ ...options.outside, platform, compression, launchCache, store, storeRoot: home.store }, emit, signal),
  );
  const registry = options.buildpackRegistry ?? officialRegistry;
  return { home, store, outside, platform, policy: pullPolicyOf(options), registry, base, opened, emit, signal };
}

async function findRunImageFor(
  options: SourceOptions,
  { registry }: Purpose,
  builder: OpenBuilder,
  reach: Reach,
  switched?: string,
): Promise<RunImageChoice> {
  const { home, store, outside, platform, base, opened, emit, policy } = reach;
  const given = switched ?? options.runImage;
  const text = runImageText(given, builder);
  const place = opened.use(openPlace(text, store, { base, platform, outside }));
  const leave = registry !== undefined;
  const search = { store, outside, policy, record: pullRecord(home.pulls), leave, emit };
  const names = given ? { image: text } : (builder.runImages[0] ?? {});
  const found = await findRunImage(place, runImageNamesFor(names, options.runImageMirrors, registry), search);
  const stored = checkRunImage(found?.stored, text, platform.architecture);
  const name = found?.name ?? runImageName(text, builder);
  return { name, stored, ...(isSameRunImage(text, formatReference(name)) && { given: text }) };
}

async function supplyFor(options: SourceOptions, builder: OpenBuilder, reach: Reach): Promise<Supply> {
  const { buildpacks = [], preBuildpacks = [], postBuildpacks = [], disableSystemBuildpacks = false } = options;
  const { extensions = [] } = options;
  const library = { cache: reach.home.modules, arch: reach.platform.architecture };
  return gatherSupply(
    builder,
    { buildpacks, pre: preBuildpacks, post: postBuildpacks, extensions, withoutSystem: disableSystemBuildpacks },
    { library, sources: sourcesOf(reach), base: reach.base },
  );
}

/**
 * Opens store, builder, run image, sandbox and workspace, and copies the app. Throws Fault for each of them that cannot be had, leaving
 * nothing behind.
 */
export async function openSetting(options: SourceOptions, purpose: Purpose, emit: Emit): Promise<Setting> {
  const { base } = purpose;
  const wanted = wantedOf(options);
  const opened = new OpenedStack();
  // Probing is mostly waiting, and there is enough to do meanwhile.
  const { sandbox: memory, kept: waiting, work } = homeAt(options.home);
  const probed = probeEarly(options, memory);
  const { list } = opened.use(new Listers());
  const kept = purpose.image && under(waiting, keyOf(purpose.image.text, base));
  const app = { from: hostPath(options.app), signal: options.signal };
  const isLaid = (options.sandbox ?? "namespace") === "namespace" && !purpose.copies && !purpose.selects;
  // The folder is there after the first build; without it there is no moment to go by.
  const source = isLaid && existsSync(work) ? lookAtSource(list, work, app) : undefined;
  source?.catch(() => {});
  const early = kept && !purpose.image?.forget ? beginLooks(list, kept) : Promise.resolve(new Map());
  try {
    const reach = reachFor(options, purpose, opened, emit);
    const { home, store, outside, platform } = reach;
    const builder = await openBuilder(options.builder, reach);
    for (const warning of builder.warnings) logTo(emit).warn(warning);
    const supply = await supplyFor(options, builder, reach);
    const runImage = await findRunImageFor(options, purpose, builder, reach);
    const image = await groundImage(builder, reach);
    const { kind, explanation } = await sandboxFor(options, image ? "image" : "machine");
    logTo(emit).debug(`Sandbox: ${explanation}`);
    if (!kind.isolation.filesystem) logTo(emit).warn(`Buildpacks run without isolation: ${explanation}`);
    const ground = image
      ? await imageGround(builder, image, imageRootFor(kind, options.builder ?? builder.name, reach), wanted)
      : machineGround(kind, runImage.stored.image.config, wanted);
    const volumes = volumesOf(options, ground.places.app, emit);
    const workspace = opened.use(
      await openWorkspace(home.work, kind.translates, hexOf(digestOf(purpose.name)).slice(0, 16), ground.places),
    );
    if (options.workspace !== undefined && !kind.translates)
      logTo(emit).warn(
        `The sandbox ${kind.name} shows the app where it is on this machine, not at ${ground.places.app}`,
      );
    const keeping = opened.use(
      await openKept(
        {
          root: kept,
          forget: purpose.image?.forget ?? false,
          workspace,
          owner: ground.user,
          blobs: store,
          store: home.store,
          version: bundle.version(),
          list,
          early,
          source,
          // Extensions hand the app on to programs that do not see what is laid over it.
          lays:
            !purpose.copies &&
            !purpose.selects &&
            supply.extensions.order.length === 0 &&
            (await kind.stacks(home.work)),
        },
        { ...app, selects: purpose.selects },
      ),
    );
    logTo(emit).debug(keeping.app.summary);
    const company = await openCompany(options, options.outside?.env ?? {}, workspace.platform);
    const stage = await setStage(
      {
        kind,
        ground,
        workspace,
        overlay: keeping.app.overlay,
        supply,
        network: options.network ?? "host",
        volumes,
        signal: options.signal,
      },
      {
        env: options.env ?? {},
        variables: company.variables,
        bindings: { ...company.bindings, ...(await bindingsOf(options, image === undefined)) },
        buildConfig: builder.buildConfig,
      },
    );
    const stageOn = async (extended: StoredImage) => {
      const layers = await unpackedLayers(extended, "the extended build image", reach);
      // No image has this name, so none of the user's loses its own to it.
      const makeRoot = imageRootFor(kind, "the extended build image", reach);
      const ids = { ...wanted, ...ground.user };
      return stage.on(await imageGround(builder, { stored: extended, layers }, makeRoot, ids));
    };
    return {
      store,
      builder,
      supply,
      runImage,
      runImageAt: (text) => findRunImageFor(options, purpose, builder, reach, text),
      buildImage: image?.stored,
      stageOn,
      stage,
      platform,
      kept: keeping,
      outside,
      engines: home.engines,
      base,
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  } catch (error) {
    await probed;
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}
