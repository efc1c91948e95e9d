import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { type Buildpack, escapedId } from "../cnb/buildpack.ts";
import type { EnvFile, Environment } from "../cnb/environment.ts";
import { baseEnvironment } from "../cnb/environment.ts";
import { generatedPlace } from "../phase/generated.ts";
import { type Binding, writePlatform } from "../phase/platform.ts";
import type { Runner } from "../phase/script.ts";
import { type ScriptEnvironment, scriptEnvironment } from "../phase/script-environment.ts";
import type { Workspace } from "../phase/workspace.ts";
import type { Mount, Overlay, SandboxKind } from "../sandbox/contract.ts";
import type { Supply } from "../source/supply.ts";
import { isDirectory, writeText } from "../std/file.ts";
import { type Place, under } from "../std/path.ts";
import type { Ground } from "./ground.ts";

/** What a build is made with, before the first phase. */
export interface Stage {
  readonly kind: SandboxKind;
  readonly ground: Ground;
  readonly workspace: Workspace;
  /** What is laid over the app's source; undefined when the app's place has a copy. */
  readonly overlay?: Pick<Overlay, "lower" | "upper" | "work"> | undefined;
  readonly supply: Supply;
  readonly environment: ScriptEnvironment;
  readonly network: string;
  readonly volumes: readonly Mount[];
  readonly signal: AbortSignal | undefined;
  /** The same on another ground. */
  on(ground: Ground): Stage;
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
  parts: Omit<Stage, "environment" | "on">,
  platform: {
    readonly env: Environment;
    /** What every script has, whatever it clears: the company's certificates and proxies. */
    readonly variables: Environment;
    readonly bindings: Readonly<Record<string, Binding>>;
    readonly buildConfig: readonly EnvFile[];
  },
): Promise<Stage> {
  const { ground, workspace } = parts;
  const { env, variables, bindings, buildConfig } = platform;
  await writePlatform(workspace, { userVariables: env, buildConfig, bindings });
  await makeMountPoints(workspace.platform, parts.volumes);
  const environmentOn = (place: Ground) =>
    scriptEnvironment(
      { ...baseEnvironment({ ...place.environment, HOME: place.home ?? workspace.home.guest }), ...variables },
      env,
      buildConfig,
    );
  const on = (other: Ground): Stage => ({ ...parts, ground: other, environment: environmentOn(other), on });
  return on(ground);
}

function shown(place: Place, access: "ro" | "rw"): Mount {
  return { host: place.host, guest: place.guest, access };
}

/** Opens the sandbox for a phase: only in build the app can be written, in none the buildpacks' own directories can. */
export async function openRunner(
  stage: Stage,
  phase: "detect" | "generate" | "build",
  buildpacks: readonly Buildpack[],
): Promise<Runner & AsyncDisposable> {
  const { kind, ground, workspace, supply } = stage;
  const pathOf = (buildpack: Buildpack) =>
    workspace.modulePath(
      supply.extensions.has(buildpack) ? "extension" : "buildpack",
      escapedId(buildpack.id),
      buildpack.version,
      supply.rootOf(buildpack),
    );
  const access = phase === "build" ? "rw" : "ro";
  const sandbox = await kind.open({
    root: ground.root,
    scratch: workspace.scratch,
    network: stage.network,
    user: ground.user,
    mounts: [
      ...ground.mounts,
      ...(stage.overlay ? [] : [shown(workspace.app, access)]),
      ...(phase === "build" ? [shown(workspace.layers, "rw")] : []),
      ...(phase === "generate" ? buildpacks.map((one) => shown(generatedPlace(workspace, one), "rw")) : []),
      shown(workspace.platform, "ro"),
      shown(workspace.buildConfig, "ro"),
      shown(workspace.plans, "rw"),
      // An image has a home of its own, which the sandbox makes writable.
      ...(ground.home === undefined ? [shown(workspace.home, "rw")] : []),
      ...buildpacks.flatMap((buildpack): Mount[] => {
        const root = supply.rootOf(buildpack);
        return root === undefined ? [] : [{ host: root, guest: pathOf(buildpack), access: "ro" }];
      }),
      ...stage.volumes,
    ],
    ...(stage.overlay && { overlays: [{ ...stage.overlay, guest: workspace.app.guest, access }] }),
  });
  return { sandbox, pathOf, signal: stage.signal, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
}
