import { detectOn } from "./build/detecting.ts";
import type { Buildpack } from "./cnb/buildpack.ts";
import type { GroupVerdict } from "./cnb/detection.ts";
import { execEnvName } from "./cnb/exec-env.ts";
import type { Coordinates } from "./cnb/order.ts";
import type { PlanEntry } from "./cnb/plan.ts";
import { analyze } from "./phase/analyze.ts";
import type { SourceOptions } from "./setting/options.ts";
import { openSetting } from "./setting/setting.ts";
import { openSource } from "./setting/written.ts";
import { inPhase } from "./std/event.ts";
import { type Fault, withExit } from "./std/fault.ts";

/** How detection went. */
export interface DetectReport {
  /** The groups that were tried, in order; the last one passed unless there is a `failure`. */
  readonly verdicts: readonly GroupVerdict[];
  readonly group: readonly { readonly id: string; readonly version: string }[];
  /** The image extensions that take part. */
  readonly extensions: readonly { readonly id: string; readonly version: string }[];
  readonly plan: readonly PlanEntry[];
  /** Why no group passed. */
  readonly failure: Fault | undefined;
}

function coordinatesOf(modules: readonly Buildpack[]): Coordinates[] {
  return modules.map(({ id, version }) => ({ id, version }));
}

/** Finds out which buildpacks would build an app, and stops after the plan (Platform spec, "detector"). No group passing is not thrown. */
export async function detect(written: SourceOptions): Promise<DetectReport> {
  const emit = written.onEvent ?? (() => {});
  const execEnv = execEnvName(written.execEnv ?? "");
  try {
    await using source = await openSource(written, emit);
    const { options, selects, base } = source;
    await using setting = await openSetting(options, { name: "detect", selects, base }, emit);
    const { stage, runImage } = setting;
    const previous = { text: "", read: async () => undefined };
    const { target } = await analyze({ previous, runImage, osRelease: () => stage.ground.osRelease(), emit });
    const found = await inPhase(emit, "detect", () => detectOn(stage, { target, execEnv, emit }));
    const { verdicts, entries, failure } = found;
    return {
      verdicts,
      group: coordinatesOf(found.group),
      extensions: coordinatesOf(found.extensions),
      plan: entries,
      failure,
    };
  } catch (error) {
    throw withExit(error, "detect");
  }
}
