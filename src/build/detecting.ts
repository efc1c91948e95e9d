import type { Target } from "../cnb/target.ts";
import { type Detected, detect } from "../phase/detect.ts";
import { openRunner, type Stage } from "../setting/stage.ts";
import type { Emit } from "../std/event.ts";

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
