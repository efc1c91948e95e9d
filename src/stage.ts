import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { bundle } from "./bundle.ts";
import { type Builder, buildConfigFiles } from "./cnb/builder.ts";
import { type Buildpack, escapedId } from "./cnb/buildpack.ts";
import type { EnvFile, Environment } from "./cnb/environment.ts";
import { baseEnvironment } from "./cnb/environment.ts";
import type { RunImageNames } from "./cnb/label.ts";
import { isNamed, referenceOf, runImageRecord } from "./cnb/run-image.ts";
import { envOf, type ImageConfig } from "./oci/config.ts";
import { formatReference, type Reference, withDefaultTag } from "./oci/reference.ts";
import { type Binding, writePlatform } from "./phase/platform.ts";
import type { Runner } from "./phase/script.ts";
import { type ScriptEnvironment, scriptEnvironment } from "./phase/script-environment.ts";
import type { Workspace } from "./phase/workspace.ts";
import type { Mount, SandboxKind } from "./sandbox/contract.ts";
import type { Supply } from "./source/builder.ts";
import { Fault } from "./std/fault.ts";
import { isDirectory, writeText } from "./std/file.ts";
import { guestPath, hostPath, type Place, under } from "./std/path.ts";
import type { StoredImage } from "./store/contract.ts";
import type { Owner } from "./tar/entry.ts";

/** Where the standard folders for programs are. */
const standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Where buildpacks find the Node that runs us when it is not among this machine's system folders. */
const nodePlace = "/cnb/node";

/** What a build is made with, before the first phase. */
export interface Stage {
  readonly kind: SandboxKind;
  readonly workspace: Workspace;
  readonly supply: Supply;
  readonly user: Owner;
  readonly environment: ScriptEnvironment;
  readonly network: "host" | "none";
  readonly volumes: readonly Mount[];
  readonly signal: AbortSignal | undefined;
}

/** The ids a build runs under and its layers belong to: those the run image names, else 1000:1000 (Platform spec, "Build Image"). */
export function ownerOf(config: ImageConfig): Owner {
  const id = (name: string, fallback: string | undefined): number => {
    const text = envOf(config, name) ?? fallback ?? "";
    return /^\d{1,9}$/.test(text) ? Number(text) : 1000;
  };
  const [uid, gid] = (config.config.User ?? "").split(":");
  return { uid: id("CNB_USER_ID", uid || undefined), gid: id("CNB_GROUP_ID", gid || undefined) };
}

function nodeMount(kind: SandboxKind): { mounts: readonly Mount[]; path: string } {
  const bin = dirname(process.execPath);
  if (/^\/(usr|bin|sbin|nix\/store|gnu\/store)(\/|$)/.test(bin)) return { mounts: [], path: standardPath };
  if (!kind.translates) return { mounts: [], path: `${bin}:${standardPath}` };
  const mount: Mount = { host: hostPath(dirname(bin)), guest: guestPath(nodePlace), access: "ro" };
  return { mounts: [mount], path: `${nodePlace}/bin:${standardPath}` };
}

function environmentFor(
  kind: SandboxKind,
  workspace: Workspace,
  user: Environment,
  operator: readonly EnvFile[],
): ScriptEnvironment {
  const base = baseEnvironment({ PATH: nodeMount(kind).path, HOME: workspace.home.guest });
  return scriptEnvironment(base, user, operator);
}

/** Makes what volumes below the platform directory are mounted on: scripts see that directory read-only, and so does who mounts. */
async function makeMountPoints(platform: Place, volumes: readonly Mount[]): Promise<void> {
  for (const { host, guest } of volumes) {
    if (!guest.startsWith(`${platform.guest}/`)) continue;
    const point = under(platform.host, guest.slice(platform.guest.length));
    const isFolder = await isDirectory(host);
    await mkdir(isFolder ? point : dirname(point), { recursive: true });
    if (!isFolder) await writeText(point, "");
  }
}

/** Fills the platform directory and gathers what scripts run with. */
export async function setStage(
  parts: Omit<Stage, "environment">,
  platform: {
    readonly env: Environment;
    readonly bindings: Readonly<Record<string, Binding>>;
    readonly builder: Builder | undefined;
  },
): Promise<Stage> {
  const buildConfig = buildConfigFiles(platform.builder?.env ?? []);
  await writePlatform(parts.workspace, { userVariables: platform.env, buildConfig, bindings: platform.bindings });
  await makeMountPoints(parts.workspace.platform, parts.volumes);
  return { ...parts, environment: environmentFor(parts.kind, parts.workspace, platform.env, buildConfig) };
}

function shown(place: Place, access: "ro" | "rw"): Mount {
  return { host: place.host, guest: place.guest, access };
}

/** Opens the sandbox for a phase: in detect the app cannot be written, and in both the buildpacks' own directories cannot. */
export async function openRunner(
  stage: Stage,
  phase: "detect" | "build",
  buildpacks: readonly Buildpack[],
): Promise<Runner & AsyncDisposable> {
  const { kind, workspace, supply } = stage;
  const pathOf = (buildpack: Buildpack) =>
    workspace.buildpackPath(escapedId(buildpack.id), buildpack.version, supply.rootOf(buildpack));
  const sandbox = await kind.open({
    root: { kind: "machine" },
    scratch: workspace.scratch,
    network: stage.network,
    user: stage.user,
    mounts: [
      ...nodeMount(kind).mounts,
      shown(workspace.app, phase === "detect" ? "ro" : "rw"),
      ...(phase === "build" ? [shown(workspace.layers, "rw")] : []),
      shown(workspace.platform, "ro"),
      shown(workspace.buildConfig, "ro"),
      shown(workspace.plans, "rw"),
      shown(workspace.home, "rw"),
      ...buildpacks.map(
        (buildpack): Mount => ({ host: supply.rootOf(buildpack), guest: pathOf(buildpack), access: "ro" }),
      ),
      ...stage.volumes,
    ],
  });
  return { sandbox, pathOf, signal: stage.signal, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
}

/** The name a run image is asked for by: the one given, else the builder's first. Throws Fault `run-image.none`. */
export function runImageText(given: string | undefined, builder: Builder | undefined): string {
  const text = given ?? builder?.runImages[0]?.image;
  if (text !== undefined) return text;
  throw new Fault("run-image.none", "Cannot choose run image: neither the command nor the builder names one", {
    exit: "analyze",
    hint: "name one with --run-image",
  });
}

/** What the image remembers of its run image's names: a run image named by hand stands for itself, as it does in pack. */
export function runImageNames(given: string | undefined, builder: Builder | undefined, name: Reference): RunImageNames {
  const listed = builder?.runImages ?? [];
  const isForeign =
    given !== undefined && referenceOf(given) !== undefined && !listed.some((entry) => isNamed(entry, given));
  return runImageRecord(isForeign ? [{ image: given, mirrors: [] }] : listed, formatReference(name));
}

/** The run image as a name: directories and files stand under the name the builder gives to its run image. */
export function runImageName(text: string, builder: Builder | undefined): Reference {
  const name = referenceOf(text) ??
    referenceOf(builder?.runImages[0]?.image ?? "") ?? { registry: "pack.local", repository: "run" };
  return withDefaultTag(name);
}

/** Throws Fault `run-image.missing` when there is no run image, `run-image.platform` (exit 32) when it is not for `arch`. */
export function checkRunImage(stored: StoredImage | undefined, text: string, arch: string): StoredImage {
  if (!stored) {
    throw new Fault("run-image.missing", `Cannot read run image ${text}: it is not in the local store`, {
      exit: "analyze",
      hint: `make it with "pack base create ${text} --file ${bundle.base}", or name another one with --run-image`,
    });
  }
  const { architecture, os } = stored.image.config;
  if (os === "linux" && architecture !== arch) {
    throw new Fault(
      "run-image.platform",
      `Cannot build on run image ${text}: it is for ${os}/${architecture}, this machine is linux/${arch}`,
      {
        exit: "analyze",
        hint: `name a run image for linux/${arch} with --run-image`,
      },
    );
  }
  return stored;
}
