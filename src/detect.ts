import type { GroupVerdict } from "./cnb/detection.ts";
import { execEnvName } from "./cnb/exec-env.ts";
import type { PlanEntry } from "./cnb/plan.ts";
import { analyze } from "./phase/analyze.ts";
import { detect as detectPhase } from "./phase/detect.ts";
import { openSetting, type SourceOptions } from "./setting.ts";
import { openRunner } from "./stage.ts";
import { inPhase } from "./std/event.ts";
import { type Fault, withExit } from "./std/fault.ts";
import { openSource } from "./written.ts";

/** How detection went. */
export interface DetectReport {
  /** The groups that were tried, in order; the last one passed unless there is a `failure`. */
  readonly verdicts: readonly GroupVerdict[];
  readonly group: readonly { readonly id: string; readonly version: string }[];
  readonly plan: readonly PlanEntry[];
  /** Why no group passed. */
  readonly failure: Fault | undefined;
}

/** Finds out which buildpacks would build an app, and stops after the plan (Platform spec, "detector"). No group passing is not thrown. */
export async function detect(written: SourceOptions): Promise<DetectReport> {
  const emit = written.onEvent ?? (() => {});
  const execEnv = execEnvName(written.execEnv ?? "");
  try {
    await using source = await openSource(written, emit);
    const { options, selects, base } = source;
    await using setting = await openSetting(options, { name: "detect", selects, base }, emit);
    const { stage, supply, runImage } = setting;
    const previous = { text: "", read: async () => undefined };
    const { target } = await analyze({ previous, runImage, osRelease: () => stage.ground.osRelease(), emit });
    const found = await inPhase(emit, "detect", async () => {
      const components = supply.modules.filter(({ buildpack }) => !buildpack.order).map(({ buildpack }) => buildpack);
      await using runner = await openRunner(stage, "detect", components);
      const { workspace, environment } = stage;
      return await detectPhase({
        order: supply.order,
        lookup: supply.lookup,
        target,
        execEnv,
        workspace,
        runner,
        environment,
        emit,
      });
    });
    const { verdicts, entries, failure } = found;
    return { verdicts, group: found.group.map(({ id, version }) => ({ id, version })), plan: entries, failure };
  } catch (error) {
    throw withExit(error, "detect");
  }
}
