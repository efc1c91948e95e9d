import type { Target } from "../cnb/target.ts";
import type { Analyzed } from "../phase/analyze.ts";
import { type Detected, detect } from "../phase/detect.ts";
import { openRunner, type Stage } from "../setting/stage.ts";
import type { Emit } from "../std/event.ts";
import { phaseOf } from "./phase-of.ts";
import type { Work } from "./work.ts";

/** Runs the detect phase over all that a stage has: its buildpacks, and the image extensions before them. */
export async function detectOn(
  stage: Stage,
  inputs: { readonly target: Target; readonly execEnv: string; readonly emit: Emit },
): Promise<Detected> {
  const { supply, workspace, environment } = stage;
  const components = supply.modules.filter(({ buildpack }) => !buildpack.order);
  const all = [...components, ...supply.extensions.modules].map(({ buildpack }) => buildpack);
  await using runner = await openRunner(stage, "detect", all);
  const { order, lookup, extensions } = supply;
  return await detect({ order, lookup, extensions, workspace, runner, environment, ...inputs });
}

/** Finds the group that builds the app (Platform spec, "detector"). Throws Fault when none passes, and when one does that cannot be run here. */
export async function detectFor({ setting, execEnv, emit }: Work, { target }: Analyzed): Promise<Detected> {
  const { stage } = setting;
  return await phaseOf(emit, "detect", "detect", async () => {
    const found = await detectOn(stage, { target, execEnv, emit });
    if (found.failure) throw found.failure;
    for (const buildpack of found.group) stage.ground.check(buildpack);
    return found;
  });
}
