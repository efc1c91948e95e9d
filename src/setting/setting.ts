import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { bundle } from "../bundle.ts";
import { appPlace, volumeWarning } from "../cnb/app-place.ts";
import { isSameRunImage } from "../cnb/run-image.ts";
import type { Config } from "../config/config.ts";
import { digestOf, hexOf } from "../oci/digest.ts";
import type { Compressor } from "../oci/media-type.ts";
import { ociArchitecture, type Platform } from "../oci/platform.ts";
import { formatReference } from "../oci/reference.ts";
import type { RunImageChoice } from "../phase/analyze.ts";
import { type Kept, openKept } from "../phase/kept/kept.ts";
import { lookAtSource } from "../phase/kept/laid.ts";
import { beginLooks } from "../phase/kept/layers.ts";
import type { Binding } from "../phase/platform.ts";
import { openWorkspace } from "../phase/workspace.ts";
import { type Reach, sourcesOf, unpackedLayers } from "../reach/fetch.ts";
import { homeAt } from "../reach/home.ts";
import { Outside } from "../reach/outside.ts";
import { keyOf, openPlace } from "../reach/place.ts";
import type { PullPolicy } from "../reach/pull-policy.ts";
import { pullRecord } from "../reach/pull-record.ts";
import { findRunImage, type RunImageMirrors, runImageNamesFor } from "../reach/run-image.ts";
import type { Mount } from "../sandbox/contract.ts";
import type { Selects } from "../source/app.ts";
import { readBinding } from "../source/binding.ts";
import type { OpenBuilder } from "../source/builder.ts";
import { readNpmSettings } from "../source/npm.ts";
import { type BuildpackRegistry, officialRegistry } from "../source/registry.ts";
import { gatherSupply, type Supply } from "../source/supply.ts";
import { type Emit, logTo } from "../std/event.ts";
import { type GuestPath, guestPath, type HostPath, hostPath, under } from "../std/path.ts";
import { OpenedStack } from "../std/stack.ts";
import type { StoredImage } from "../store/contract.ts";
import { type Layout, openLayout } from "../store/layout.ts";
import { Listers } from "../tar/list-thread.ts";
import { type CompanyOptions, openCompany } from "./company.ts";
import { imageGround, machineGround, type Wanted } from "./ground.ts";
import { imageRootFor } from "./image-root.ts";
import { groundImage, openBuilder } from "./open-builder.ts";
import { checkRunImage, runImageName, runImageText } from "./run-image-choice.ts";
import { probeEarly, type SandboxOptions, sandboxFor } from "./sandbox-choice.ts";
import { type Stage, setStage } from "./stage.ts";

/** What `build` and `detect` both take. */
export interface SourceOptions extends SandboxOptions, CompanyOptions {
  /** The app's source directory, or a zip archive of it: an absolute path; it is only read. */
  readonly app: string;
  /** The project descriptor; the app's own `project.toml`, if it has one, unless said. */
  readonly descriptor?: string;
  /** Files that name what does not go into the build; those called `.dockerignore` follow Docker's rules, all others gitignore(5). */
  readonly ignoreFiles?: readonly string[];
  /** Whether the image remembers where its source comes from: what the project says of itself, else its git commit. */
  readonly sourceMetadata?: boolean;
  /** Where Plinth keeps images, caches and work in progress; `~/.pack` unless said. */
  readonly home?: string;
  /** The builder: the path of a `builder.toml`, an image's name, `docker-daemon:NAME`, `oci:DIR` or an archive; the bundled one unless said. */
  readonly builder?: string;
  /**
   * Buildpacks to use, all of them and in this order, instead of the builder's order: paths of directories, archives or packages (`.cnb`), URLs,
   * `docker://IMAGE`, `oci:DIR`, `urn:cnb:registry:ID`, `id` or `id@version` of one that the builder or the registry has, `from=builder` for the
   * builder's own order.
   */
  readonly buildpacks?: readonly string[];
  /** Buildpacks to try before and after those of every group of the builder's order, unless `buildpacks` says otherwise. */
  readonly preBuildpacks?: readonly string[];
  readonly postBuildpacks?: readonly string[];
  /** Image extensions to use, all of them and in this order, instead of the builder's; each as buildpacks are named. */
  readonly extensions?: readonly string[];
  /** Leave out the buildpacks the builder puts around every group. */
  readonly disableSystemBuildpacks?: boolean;
  /** Where ids of buildpacks are looked up that the builder does not have; the public registry unless said. */
  readonly buildpackRegistry?: BuildpackRegistry;
  /** The run image: a name in the local store, `oci:DIR[:tag]` or an archive; the builder's unless said. */
  readonly runImage?: string;
  /** More mirrors of run images, by image: they are tried before the builder's own. */
  readonly runImageMirrors?: RunImageMirrors;
  /** When the builder, the run image and packages are fetched from their registries. */
  readonly pullPolicy?: PullPolicy;
  /** Environment variables for the buildpacks. */
  readonly env?: Readonly<Record<string, string>>;
  /** The execution environment; `production` unless said. */
  readonly execEnv?: string;
  /** Directories of this machine that buildpacks see, by guest path; bindings go below `/platform/bindings`. */
  readonly volumes?: readonly { readonly host: string; readonly guest: string; readonly access: "ro" | "rw" }[];
  /** Service bindings for detect and build: a directory of files by name; never part of the image. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** Where buildpacks and the image have the app: a directory's name, or its path from the root; `workspace` unless said. */
  readonly workspace?: string;
  /** The ids that buildpacks run under and layers belong to, instead of those the base says. */
  readonly uid?: number;
  readonly gid?: number;
  /** The environment this machine's npm reads its settings from; what is no secret of them reaches the buildpacks. */
  readonly npm?: { readonly env: Readonly<Record<string, string | undefined>> };
  /** What the user has configured, for what neither these options nor the project say; nothing unless said. */
  readonly config?: Config;
  /** Takes everything there is to say while it works. */
  readonly onEvent?: Emit;
  readonly signal?: AbortSignal;
}

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

/** The bindings a user gives, and this machine's npm settings where its own Node builds. */
async function bindingsOf(options: SourceOptions, isMachine: boolean): Promise<Readonly<Record<string, Binding>>> {
  const given = Object.entries(options.bindings ?? {}).map(async ([name, directory]) => {
    return [name, await readBinding(name, hostPath(directory))] as const;
  });
  return { ...(isMachine && (await npmBinding(options))), ...Object.fromEntries(await Promise.all(given)) };
}

async function npmBinding(options: SourceOptions): Promise<Record<string, Binding>> {
  const settings = options.npm && (await readNpmSettings(hostPath(homedir()), options.npm.env));
  if (!settings) return {};
  const file = settings.certificates === undefined ? {} : { "ca.pem": settings.certificates };
  const line = settings.certificates === undefined ? "" : "cafile=/platform/bindings/npmrc/ca.pem\n";
  return { npmrc: { type: "npmrc", ".npmrc": settings.text + line, ...file } };
}

/** When a run image is fetched: a builder's own default is only taken from the local store, as nobody may have published its name. */
function pullPolicyOf(options: SourceOptions): PullPolicy {
  return options.pullPolicy ?? (options.runImage || options.builder ? "if-not-present" : "never");
}

/** The volumes as mounts, with a warning for each that is shown in a sensitive place. Throws Fault `volume.place`. */
function volumesOf(options: SourceOptions, app: GuestPath, emit: Emit): readonly Mount[] {
  const mounts = (options.volumes ?? []).map(
    ({ host: from, guest, access }): Mount => ({ host: hostPath(from), guest: guestPath(guest), access }),
  );
  const warnings = mounts.map(({ guest }) => volumeWarning(guest, app));
  for (const warning of warnings) if (warning) logTo(emit).warn(warning);
  return mounts;
}

/** What the user wants to be otherwise than the ground says. */
function wantedOf({ uid, gid, workspace }: SourceOptions): Wanted {
  return {
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(workspace !== undefined && { app: appPlace(workspace) }),
  };
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
