import type { Buildpack } from "../cnb/buildpack.ts";
import { type Built, runBuilds } from "../phase/build.ts";
import type { ExportInputs } from "../phase/export/assembly.ts";
import { openRunner } from "../setting/stage.ts";
import type { Place } from "../std/path.ts";
import type { OpenedStack } from "../std/stack.ts";
import type { Extending } from "./extending.ts";
import { phaseOf } from "./phase-of.ts";
import type { Work } from "./work.ts";

/** What the build phase has made, and where to find it. */
export interface Building extends Pick<ExportInputs, "app" | "launcher"> {
  readonly built: Built;
}

/**
 * Runs the `bin/build` of a group (Platform spec, "builder"). Where the app is laid over its source, it is seen as long as the sandbox is open, which
 * `held` then keeps.
 */
export async function buildFor(
  { setting, execEnv, emit }: Work,
  group: readonly Buildpack[],
  { stage, entries, analyzed }: Extending,
  held: OpenedStack,
): Promise<Building> {
  const { workspace, ground } = setting.stage;
  const { overlay } = setting.kept.app;
  const { environment } = stage;
  const { target } = analyzed;
  return await phaseOf(emit, "build", "build", async () => {
    const runner = held.use(await openRunner(stage, "build", group));
    const building = runBuilds({ group, entries, workspace, runner, environment, target, execEnv, emit });
    const [built, source] = await Promise.all([building, ground.launcher.source(runner.sandbox)]);
    const { host, guest } = workspace.app;
    const app: Place = { host: overlay ? runner.sandbox.see(guest) : host, guest };
    if (!overlay) await held[Symbol.asyncDispose]();
    return { built, launcher: { path: ground.launcher.path, source }, app };
  });
}
