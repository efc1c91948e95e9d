import { dirname } from "node:path";
import { bundle } from "../bundle.ts";
import { platformApi } from "../cnb/api.ts";
import type { LauncherSource } from "../cnb/build-metadata.ts";
import type { Buildpack } from "../cnb/buildpack.ts";
import { baseEnvironment, type Environment } from "../cnb/environment.ts";
import { labelNames } from "../cnb/label.ts";
import { checkLauncherApi, platformApiFor } from "../cnb/negotiation.ts";
import { referenceOf } from "../cnb/run-image.ts";
import { envOf, type ImageConfig, labelsOf } from "../oci/config.ts";
import { recordedName } from "../oci/reference.ts";
import { type GuestPlaces, standardPlaces } from "../phase/workspace.ts";
import { homeOf } from "../sandbox/account.ts";
import type { ImageRoot, Mount, Root, Sandbox, SandboxKind } from "../sandbox/contract.ts";
import type { OpenBuilder } from "../source/builder.ts";
import { environmentOf, type UnpackedImage } from "../source/builder-image.ts";
import { readText } from "../std/file.ts";
import { type GuestPath, guestPath, type HostPath, hostPath } from "../std/path.ts";
import type { Owner } from "../tar/entry.ts";
import { Stacked } from "../tar/stacked.ts";
import { lifecycleSboms, readLauncherSource } from "./lifecycle-in-builder.ts";

/** What scripts stand on: this machine's own system folders, or an image; and all that follows from it. */
export interface Ground {
  readonly root: Root;
  /** The ids scripts run under and layers belong to. */
  readonly user: Owner;
  /** What every script's environment starts from, but for its home. */
  readonly environment: Environment;
  /** The home directory the root gives its user; undefined when it gives none. */
  readonly home: string | undefined;
  readonly mounts: readonly Mount[];
  readonly places: GuestPlaces;
  /** The image's reference by digest, or its ID where it has no name; undefined for the machine. */
  readonly buildImage: string | undefined;
  /** The launcher of images, for this architecture, and where it says it comes from; a builder's lifecycle is asked in the sandbox. */
  readonly launcher: { readonly path: HostPath; source(sandbox: Sandbox): Promise<LauncherSource> };
  /** Bills of materials of the lifecycle that image and build get, by their path below `<layers>/sbom`. */
  readonly sboms: Readonly<Record<string, string>>;
  /** Throws Fault `builder.buildpack-api` (exit 12) for a buildpack whose processes the launcher could not start. */
  check(buildpack: Buildpack): void;
  /** The Platform API that the launcher and we both follow. */
  readonly platformApi: string;
  /** The text of its /etc/os-release. */
  osRelease(): Promise<string | undefined>;
}

/** Where the standard folders for programs are. */
const standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Where buildpacks find the Node that runs us when it is not among this machine's system folders. */
const nodePlace = "/cnb/node";

/** The ids an image names for builds, else those of its user, else 1000:1000 (Platform spec, "Build Image"). */
export function ownerOf(config: ImageConfig): Owner {
  const id = (name: string, fallback: string | undefined): number => {
    const text = envOf(config, name) ?? fallback ?? "";
    return /^\d{1,9}$/.test(text) ? Number(text) : 1000;
  };
  const [uid, gid] = (config.config.User ?? "").split(":");
  return { uid: id("CNB_USER_ID", uid || undefined), gid: id("CNB_GROUP_ID", gid || undefined) };
}

type Launching = Pick<Ground, "launcher" | "sboms" | "platformApi" | "check">;

/** Our own launcher. */
function ownLaunching(arch: string): Launching {
  const source = { version: bundle.version(), source: { git: { repository: "", commit: "" } } };
  return { launcher: { path: bundle.launcher(arch), source: async () => source }, sboms: {}, platformApi, check() {} };
}

/** A builder's launcher; ours for a builder without one. */
function launchingOf({ image, name }: OpenBuilder, arch: string): Launching {
  if (image?.launcher === undefined) return ownLaunching(arch);
  const { launcher, lifecycle, files } = image;
  const api = platformApiFor(lifecycle, name);
  return {
    launcher: { path: launcher, source: (sandbox) => readLauncherSource(sandbox, lifecycle.version, api) },
    sboms: lifecycleSboms(files),
    platformApi: api,
    check: (buildpack) => checkLauncherApi(lifecycle, name, buildpack),
  };
}

function nodeMount(kind: SandboxKind): { mounts: readonly Mount[]; path: string } {
  const bin = dirname(process.execPath);
  if (/^\/(usr|bin|sbin|nix\/store|gnu\/store)(\/|$)/.test(bin)) return { mounts: [], path: standardPath };
  if (!kind.translates) return { mounts: [], path: `${bin}:${standardPath}` };
  const mount: Mount = { host: hostPath(dirname(bin)), guest: guestPath(nodePlace), access: "ro" };
  return { mounts: [mount], path: `${nodePlace}/bin:${standardPath}` };
}

/** What a user wants to be otherwise than the ground says. */
export interface Wanted extends Partial<Owner> {
  readonly app?: GuestPath;
}

/** This machine's own system folders, and the Node that runs us; the ids are the run image's. */
export function machineGround(kind: SandboxKind, runImage: ImageConfig, { app, ...ids }: Wanted = {}): Ground {
  const { mounts, path } = nodeMount(kind);
  return {
    root: { kind: "machine" },
    user: { ...ownerOf(runImage), ...ids },
    environment: { PATH: path },
    home: undefined,
    mounts,
    places: { ...standardPlaces, ...(app && { app }) },
    buildImage: undefined,
    ...ownLaunching(runImage.architecture),
    osRelease: () => readText("/etc/os-release"),
  };
}

function placeIn(env: Environment, name: string, standard: GuestPlaces[keyof GuestPlaces]) {
  const text = env[name];
  return text?.startsWith("/") && text !== "/" ? guestPath(text) : standard;
}

/** As analyzed.toml records images. */
function digestReference(name: string, { stored: { identity } }: UnpackedImage): string {
  const reference = referenceOf(name);
  if (reference === undefined) return identity.imageId;
  return recordedName({ registry: reference.registry, repository: reference.repository, digest: identity.digest });
}

/** How an image becomes a root: its layers stacked, where that can be done. */
export type MakeRoot = (image: UnpackedImage) => Promise<ImageRoot | Extract<Root, { kind: "directory" }>>;

/** An image, a builder's or one that a `builder.toml` names: with its ids, its variables and, if it has one, its launcher. */
export async function imageGround(
  builder: OpenBuilder,
  image: UnpackedImage,
  makeRoot: MakeRoot,
  { app, ...ids }: Wanted = {},
): Promise<Ground> {
  const { config } = image.stored.image;
  const files = new Stacked(image.layers);
  const env = environmentOf(image.stored);
  const user = { ...ownerOf(config), ...ids };
  const stackId = labelsOf(config)[labelNames.stackId];
  return {
    root: await makeRoot(image),
    user,
    environment: baseEnvironment({ PATH: standardPath, ...(stackId && { CNB_STACK_ID: stackId }) }, env),
    home: env["HOME"] || homeOf(user.uid, files.textAt(guestPath("/etc/passwd")) ?? ""),
    mounts: [],
    places: {
      app: app ?? placeIn(env, "CNB_APP_DIR", standardPlaces.app),
      layers: placeIn(env, "CNB_LAYERS_DIR", standardPlaces.layers),
      platform: placeIn(env, "CNB_PLATFORM_DIR", standardPlaces.platform),
    },
    buildImage: digestReference(builder.buildImage ?? builder.name, image),
    ...launchingOf(builder, config.architecture),
    osRelease: async () => files.textAt(guestPath("/etc/os-release")),
  };
}
