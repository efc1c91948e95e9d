import { rename } from "node:fs/promises";
import { abilitiesOf } from "../cnb/api.ts";
import { type Buildpack, escapedId } from "../cnb/buildpack.ts";
import { buildVariables, type Environment, withBuildLayer } from "../cnb/environment.ts";
import {
  type Label,
  type Launch,
  mergeProcesses,
  noProcesses,
  type ProcessTable,
  parseBuildToml,
  parseLaunch,
  type Slice,
} from "../cnb/launch.ts";
import { isIgnored } from "../cnb/layer.ts";
import { buildpackPlanOf, formatBuildpackPlan, type PlanEntry, type Require, remainingPlan } from "../cnb/plan.ts";
import type { Target } from "../cnb/target.ts";
import { type Emit, logTo } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import { makeDirectory, writeText } from "../std/file.ts";
import { type HostPath, placeUnder, under } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import { readEnvDirectory } from "./env-directory.ts";
import { buildpackPlace, type LayerOnDisk, readLayers } from "./layer.ts";
import { leftKind, readLeft } from "./left.ts";
import { type BomContribution, collectSboms, writeLegacyBoms } from "./sbom.ts";
import { type Runner, runScript } from "./script.ts";
import type { ScriptEnvironment } from "./script-environment.ts";
import type { Workspace } from "./workspace.ts";

/** What the build phase works with. */
export interface BuildInputs {
  readonly group: readonly Buildpack[];
  readonly entries: readonly PlanEntry[];
  readonly workspace: Workspace;
  readonly runner: Runner;
  readonly environment: ScriptEnvironment;
  readonly target: Target;
  readonly execEnv: string;
  readonly emit: Emit;
}

/** What all buildpacks together want of the image (Platform spec, "metadata.toml"). */
export interface Built {
  readonly processes: ProcessTable;
  readonly labels: readonly Label[];
  readonly slices: readonly Slice[];
}

const paths = { bin: "bin", lib: "lib", include: "include", pkgconfig: "pkgconfig" } as const;

/** The environment for later buildpacks after one layer of this one. */
async function withLayer(root: HostPath, env: Environment, layer: LayerOnDisk): Promise<Environment> {
  const found: Record<string, string> = {};
  for (const name of Object.values(paths)) {
    if ((await leftKind(root, under(layer.place.host, name))) === "directory")
      found[name] = under(layer.place.guest, name);
  }
  return withBuildLayer(env, {
    paths: found,
    env: await readEnvDirectory(root, under(layer.place.host, "env")),
    envBuild: await readEnvDirectory(root, under(layer.place.host, "env.build")),
  });
}

/** Puts aside the directories of layers that serve nothing, so that nobody relies on them. */
async function ignore(layers: readonly LayerOnDisk[]): Promise<void> {
  for (const layer of layers) {
    if (!layer.hasDirectory || !isIgnored(layer.metadata)) continue;
    await removeTree(`${layer.place.host}.ignore`);
    await rename(layer.place.host, `${layer.place.host}.ignore`);
  }
}

async function runBuild(
  inputs: BuildInputs,
  buildpack: Buildpack,
  requires: readonly Require[],
  env: Environment,
): Promise<void> {
  const { workspace, runner } = inputs;
  const layers = buildpackPlace(workspace.layers, buildpack);
  const planDirectory = placeUnder(workspace.plans, `build-${escapedId(buildpack.id)}`);
  await makeDirectory(layers.host);
  await makeDirectory(planDirectory.host);
  const plan = placeUnder(planDirectory, "plan.toml");
  await writeText(plan.host, formatBuildpackPlan(requires));
  const own = buildVariables(abilitiesOf(buildpack.api), {
    buildpackDir: runner.pathOf(buildpack),
    platformDir: workspace.platform.guest,
    layersDir: layers.guest,
    planPath: plan.guest,
    target: inputs.target,
    execEnv: inputs.execEnv,
  });
  const decoder = new TextDecoder();
  const say = (text: string) => {
    if (text !== "")
      inputs.emit({ type: "output", phase: "build", buildpack: `${buildpack.id}@${buildpack.version}`, text });
  };
  const exit = await runScript(
    runner,
    {
      buildpack,
      name: "build",
      arguments: [layers.guest, workspace.platform.guest, plan.guest],
      cwd: workspace.app.guest,
      env: { ...inputs.environment(env, buildpack), ...own },
    },
    (chunk) => say(decoder.decode(chunk, { stream: true })),
  );
  say(decoder.decode());
  if (exit.kind === "exited" && exit.code === 0) return;
  const found =
    exit.kind === "exited"
      ? `exit status ${exit.code}`
      : exit.kind === "killed"
        ? `it was ended by ${exit.signal}`
        : exit.because;
  throw new Fault("build.failed", `Cannot build with ${buildpack.id}@${buildpack.version}: ${found}`, {
    exit: "buildpackFailed",
    hint: "the buildpack's own output above says why",
  });
}

function checkUnmet(unmet: readonly string[], requires: readonly Require[], place: string): void {
  const stray = unmet.find((name) => !requires.some((require) => require.name === name));
  if (stray !== undefined) {
    throw new Fault("build.unmet", `Cannot use ${place}: unmet.name '${stray}' must match a requested dependency`, {
      exit: "build",
    });
  }
}

/** Runs `bin/build` of every buildpack of the group, in order (Platform spec, "builder"). Throws Fault with exit 51 or 52. */
export async function runBuilds(inputs: BuildInputs): Promise<Built> {
  const log = logTo(inputs.emit);
  let env = inputs.environment.base;
  let entries = inputs.entries;
  let processes = noProcesses;
  const launches: Launch[] = [];
  const boms: BomContribution[] = [];
  for (const buildpack of inputs.group) {
    const name = `${buildpack.id}@${buildpack.version}`;
    const place = buildpackPlace(inputs.workspace.layers, buildpack);
    const requires = buildpackPlanOf(entries, buildpack.id);
    log.debug(`Running build for buildpack ${name}`);
    await runBuild(inputs, buildpack, requires, env);

    const layers = await readLayers(inputs.workspace.layers.host, place);
    await ignore(layers);
    for (const layer of layers) {
      if (layer.metadata.build && layer.hasDirectory) env = await withLayer(inputs.workspace.layers.host, env, layer);
    }

    const launchPath = under(place.host, "launch.toml");
    const abilities = abilitiesOf(buildpack.api);
    const launch = parseLaunch(
      (await readLeft(inputs.workspace.layers.host, launchPath)) ?? "",
      launchPath,
      { commandList: abilities.commandList, workingDirectory: abilities.workingDirectory },
      buildpack.id,
    );
    for (const warning of launch.warnings) log.warn(warning);
    const merged = mergeProcesses(processes, launch.processes);
    if (merged.warning) log.warn(merged.warning);
    processes = merged.table;
    launches.push(launch);

    const buildPath = under(place.host, "build.toml");
    const built = parseBuildToml((await readLeft(inputs.workspace.layers.host, buildPath)) ?? "", buildPath);
    checkUnmet(built.unmet, requires, buildPath);
    entries = remainingPlan(
      entries,
      requires.map((require) => require.name).filter((require) => !built.unmet.includes(require)),
    );
    boms.push({ buildpack, launch: launch.bom, build: built.bom });
    await collectSboms(inputs.workspace, buildpack, layers);
    log.debug(`Finished running build for buildpack ${name}`);
  }
  await writeLegacyBoms(inputs.workspace, boms);
  return {
    processes,
    labels: launches.flatMap((launch) => launch.labels),
    slices: launches.flatMap((launch) => launch.slices),
  };
}
