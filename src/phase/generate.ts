import { cp, rename } from "node:fs/promises";
import { abilitiesOf } from "../cnb/api.ts";
import { type Buildpack, escapedId } from "../cnb/buildpack.ts";
import { generateVariables } from "../cnb/environment.ts";
import { nameOf } from "../cnb/order-file.ts";
import { buildpackPlanOf, formatBuildpackPlan, type PlanEntry, remainingPlan } from "../cnb/plan.ts";
import type { RunImageNames } from "../cnb/run-file.ts";
import { isNamed } from "../cnb/run-image.ts";
import { planRunImage } from "../cnb/run-image-switch.ts";
import type { Target } from "../cnb/target.ts";
import type { Exit } from "../sandbox/contract.ts";
import { type Emit, logTo } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import { kindOf, makeDirectory, writeText } from "../std/file.ts";
import { type HostPath, placeUnder, under } from "../std/path.ts";
import { type GeneratedDockerfile, generatedPlace, readGenerated } from "./generated.ts";
import { type Runner, runScript } from "./script.ts";
import type { ScriptEnvironment } from "./script-environment.ts";
import type { Workspace } from "./workspace.ts";

/** What the generate phase works with. */
export interface GenerateInputs {
  readonly extensions: readonly Buildpack[];
  readonly entries: readonly PlanEntry[];
  /** The directory of an extension on this machine. */
  directoryOf(extension: Buildpack): HostPath;
  readonly workspace: Workspace;
  /** Opens a sandbox that shows nothing of other extensions. */
  openRunner(extension: Buildpack): Promise<Runner & AsyncDisposable>;
  readonly environment: ScriptEnvironment;
  readonly target: Target;
  readonly execEnv: string;
  /** The run images of `run.toml`. */
  readonly runImages: readonly RunImageNames[];
  readonly emit: Emit;
}

/** What extensions want of the images (Platform spec, "Run Image Extension" and "Build Image Extension"). */
export interface Generated {
  /** Those to apply to the build image, in order. */
  readonly build: readonly GeneratedDockerfile[];
  /** Those to apply to the run image, in order. */
  readonly run: readonly GeneratedDockerfile[];
  /** The run image to stand on in place of the one that was chosen. */
  readonly runImage: string | undefined;
  /** The plan without what extensions have met. */
  readonly entries: readonly PlanEntry[];
}

function endOf(exit: Exit): string | undefined {
  if (exit.kind === "killed") return `it was ended by ${exit.signal}`;
  if (exit.kind === "unstartable") return exit.because;
  return exit.code === 0 ? undefined : `exit status ${exit.code}`;
}

async function runGenerate(inputs: GenerateInputs, extension: Buildpack, output: string): Promise<void> {
  const { workspace, emit } = inputs;
  const folder = placeUnder(workspace.plans, `generate-${escapedId(extension.id)}`);
  await makeDirectory(folder.host);
  const plan = placeUnder(folder, "plan.toml");
  await writeText(plan.host, formatBuildpackPlan(buildpackPlanOf(inputs.entries, extension.id, true)));
  await using runner = await inputs.openRunner(extension);
  const own = generateVariables(abilitiesOf(extension.api), {
    buildpackDir: runner.pathOf(extension),
    isExtension: true,
    platformDir: workspace.platform.guest,
    planPath: plan.guest,
    outputDir: output,
    target: inputs.target,
    execEnv: inputs.execEnv,
  });
  const decoder = new TextDecoder();
  const say = (text: string) => {
    if (text !== "") emit({ type: "output", phase: "generate", buildpack: nameOf(extension), text });
  };
  const exit = await runScript(
    runner,
    {
      buildpack: extension,
      name: "generate",
      arguments: [output, workspace.platform.guest, plan.guest],
      cwd: workspace.app.guest,
      env: { ...inputs.environment(inputs.environment.base, extension), ...own },
    },
    (chunk) => say(decoder.decode(chunk, { stream: true })),
  );
  say(decoder.decode());
  const found = endOf(exit);
  if (found === undefined) return;
  throw new Fault("generate.failed", `Cannot generate with ${nameOf(extension)}: ${found}`, {
    exit: "generateFailed",
    hint: "the extension's own output above says why",
  });
}

/** Runs `bin/generate`, or takes the `generate` folder of an extension without one. */
async function generateOne(inputs: GenerateInputs, extension: Buildpack): Promise<readonly GeneratedDockerfile[]> {
  const output = generatedPlace(inputs.workspace, extension);
  await makeDirectory(output.host);
  const root = inputs.directoryOf(extension);
  if ((await kindOf(under(root, "bin", "generate"))) !== undefined) await runGenerate(inputs, extension, output.guest);
  else if ((await kindOf(under(root, "generate"))) === "directory")
    await cp(under(root, "generate"), output.host, { recursive: true, verbatimSymlinks: true });
  return await readGenerated(output.host, extension);
}

/**
 * Lets every extension of the group generate its Dockerfiles, in order, and decides what they make of the run image (Platform spec, "detector"). Throws
 * Fault with exit 91 for a script that failed, 92 for output that cannot be used.
 */
export async function generate(inputs: GenerateInputs): Promise<Generated> {
  const log = logTo(inputs.emit);
  const dockerfiles: GeneratedDockerfile[] = [];
  let { entries } = inputs;
  for (const extension of inputs.extensions) {
    log.debug(`Running generate for extension ${nameOf(extension)}`);
    const found = await generateOne(inputs, extension);
    for (const warning of found.flatMap(({ warnings }) => warnings)) log.warn(warning);
    dockerfiles.push(...found);
    const met = buildpackPlanOf(inputs.entries, extension.id, true).map(({ name }) => name);
    entries = remainingPlan(entries, met);
    log.debug(`Finished running generate for extension ${nameOf(extension)}`);
  }
  const plan = planRunImage(dockerfiles.filter(({ kind }) => kind === "run"));
  for (const { path } of plan.ignored) await rename(path, `${path}.ignore`);
  const { switchesTo } = plan;
  if (switchesTo !== undefined && !inputs.runImages.some((names) => isNamed(names, switchesTo)))
    log.warn(`new runtime base image '${switchesTo}' not found in run metadata`);
  return {
    build: dockerfiles.filter((one) => one.kind === "build" && one.extends),
    run: plan.applied,
    runImage: switchesTo,
    entries,
  };
}
