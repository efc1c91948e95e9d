import { availableParallelism } from "node:os";
import pLimit from "p-limit";
import { abilitiesOf } from "../cnb/api.ts";
import { type Buildpack, escapedId } from "../cnb/buildpack.ts";
import {
  type Attempt,
  detectionFailure,
  type GroupVerdict,
  judgeGroup,
  type Line,
  mismatchOf,
  outcomeOf,
} from "../cnb/detection.ts";
import { detectVariables } from "../cnb/environment.ts";
import {
  checkOrder,
  type Element,
  type Expansion,
  expandOrder,
  type Lookup,
  nameOf,
  type Order,
} from "../cnb/order.ts";
import { type PlanEntry, parsePlan } from "../cnb/plan.ts";
import type { Target } from "../cnb/target.ts";
import { type Emit, logTo } from "../std/event.ts";
import type { Fault } from "../std/fault.ts";
import { kindOf, makeDirectory, writeText } from "../std/file.ts";
import { type HostPath, type Place, placeUnder, under } from "../std/path.ts";
import { readLeft } from "./left.ts";
import { type Runner, runScript } from "./script.ts";
import type { ScriptEnvironment } from "./script-environment.ts";
import type { Workspace } from "./workspace.ts";

/** What the detect phase works with. */
export interface DetectInputs {
  readonly order: Order;
  readonly lookup: Lookup;
  /** Image extensions to try before each group, and where on this machine their files are. */
  readonly extensions?: NonNullable<Expansion["extensions"]> & { directoryOf(extension: Buildpack): HostPath };
  readonly target: Target;
  readonly execEnv: string;
  readonly workspace: Workspace;
  readonly runner: Runner;
  readonly environment: ScriptEnvironment;
  readonly emit: Emit;
}

/** The groups that were tried, in order; the last one passed, or `failure` says why none did. */
export interface Detected {
  readonly group: readonly Buildpack[];
  readonly extensions: readonly Buildpack[];
  readonly entries: readonly PlanEntry[];
  readonly verdicts: readonly GroupVerdict[];
  readonly failure: Fault | undefined;
}

/** What an extension without `bin/detect` offers: the plan in its `detect` folder (Image Extension spec, "Detection"). */
async function readyMade(inputs: DetectInputs, element: Element): Promise<Attempt | undefined> {
  if (!element.extension) return undefined;
  const root = inputs.extensions!.directoryOf(element.buildpack);
  if ((await kindOf(under(root, "bin", "detect"))) !== undefined) return undefined;
  const text = await readLeft(root, under(root, "detect", "plan.toml"));
  return { element, outcome: outcomeOf({ kind: "exited", code: 0 }, () => offerIn(inputs, element, text)) };
}

function offerIn(inputs: DetectInputs, { buildpack, extension }: Element, text: string | undefined) {
  const { warn } = logTo(inputs.emit);
  return parsePlan(text ?? "", `the build plan of ${nameOf(buildpack)}`, { warn, extension: extension ?? false });
}

/** Where a buildpack or an extension writes its plan. */
function planDirectory({ workspace }: DetectInputs, { buildpack, extension }: Element): Place {
  const name = `${extension ? "extension-" : ""}detect-${escapedId(buildpack.id)}-${buildpack.version}`;
  return placeUnder(workspace.plans, name);
}

/** Makes an empty plan for each of those that will be asked, before the first one is: a sandbox may see none that is made while a script runs. */
async function makePlans(inputs: DetectInputs, elements: readonly Element[]): Promise<void> {
  for (const element of elements.filter((one) => !mismatchOf(one, inputs.target))) {
    const directory = planDirectory(inputs, element);
    await makeDirectory(directory.host);
    await writeText(under(directory.host, "plan.toml"), "");
  }
}

async function attempt(inputs: DetectInputs, element: Element): Promise<Attempt> {
  const { buildpack } = element;
  const extension = element.extension ?? false;
  const mismatch = mismatchOf(element, inputs.target);
  if (mismatch) return { element, outcome: mismatch };
  const ready = await readyMade(inputs, element);
  if (ready) return ready;
  const { workspace, runner } = inputs;
  const plan = placeUnder(planDirectory(inputs, element), "plan.toml");
  const own = detectVariables(abilitiesOf(buildpack.api), {
    buildpackDir: runner.pathOf(buildpack),
    isExtension: extension,
    platformDir: workspace.platform.guest,
    planPath: plan.guest,
    target: inputs.target,
    execEnv: inputs.execEnv,
  });
  const chunks: Uint8Array[] = [];
  const exit = await runScript(
    runner,
    {
      buildpack,
      name: "detect",
      arguments: [workspace.platform.guest, plan.guest],
      cwd: workspace.app.guest,
      env: { ...inputs.environment(inputs.environment.base, buildpack), ...own },
    },
    (chunk) => chunks.push(chunk),
  );
  const text = exit.kind === "exited" && exit.code === 0 ? await readLeft(workspace.plans.host, plan.host) : undefined;
  return {
    element,
    outcome: outcomeOf(exit, () => offerIn(inputs, element, text)),
    output: Buffer.concat(chunks).toString("utf8"),
  };
}

/** The extensions to try: none without an order of them, and none for Windows (Image Extension spec). */
function extensionsFor({ extensions, target }: DetectInputs): DetectInputs["extensions"] {
  return extensions && extensions.order.length > 0 && target.os !== "windows" ? extensions : undefined;
}

/**
 * Tries the groups of the order until one passes; the buildpacks of a group detect in parallel, each at most once in all (Platform
 * spec, "detector"). Throws only what makes the order itself unusable.
 */
export async function detect(inputs: DetectInputs): Promise<Detected> {
  const extensions = extensionsFor(inputs);
  checkOrder(inputs.order, inputs.lookup, extensions);
  const limit = pLimit(Math.max(2, availableParallelism()));
  const attempts = new Map<string, Promise<Attempt>>();
  // A required element whose target does not fit is not run, so it must not take an optional one's answer with it.
  const keyOf = (element: Element) =>
    `${element.extension ? "extension " : ""}${nameOf(element.buildpack)}${mismatchOf(element, inputs.target) ? " mismatch" : ""}`;
  const attemptOnce = async (element: Element): Promise<Attempt> => {
    const key = keyOf(element);
    const found = attempts.get(key) ?? limit(attempt, inputs, element);
    attempts.set(key, found);
    return { ...(await found), element };
  };
  const verdicts: GroupVerdict[] = [];
  const lines: Line[] = [];
  const expansion = { execEnv: inputs.execEnv, ...(extensions && { extensions }) };
  for (const elements of expandOrder(inputs.order, inputs.lookup, expansion)) {
    await makePlans(
      inputs,
      elements.filter((element) => !attempts.has(keyOf(element))),
    );
    const verdict = judgeGroup(await Promise.all(elements.map(attemptOnce)));
    verdicts.push(verdict);
    lines.push(...verdict.lines);
    for (const line of verdict.lines) inputs.emit({ type: "log", ...line });
    if (verdict.verdict === "pass") {
      const members = (isExtension: boolean) =>
        verdict.participants
          .filter(({ extension }) => (extension ?? false) === isExtension)
          .map((element) => element.buildpack);
      return {
        group: members(false),
        extensions: members(true),
        entries: verdict.entries,
        verdicts,
        failure: undefined,
      };
    }
  }
  const { lines: last, fault } = detectionFailure(verdicts.some((verdict) => verdict.verdict === "error"));
  // What was only worth a debug line while there was hope is what a person needs now.
  for (const line of lines) if (line.level === "debug") inputs.emit({ type: "log", level: "info", text: line.text });
  for (const line of last) inputs.emit({ type: "log", ...line });
  return { group: [], extensions: [], entries: [], verdicts, failure: fault };
}
