import { Fault } from "../../std/fault.ts";
import { under } from "../../std/path.ts";
import { removeTree } from "../../std/remove.ts";
import { OpenedStack } from "../../std/stack.ts";
import { checkMounts } from "../assemble.ts";
import type { Sandbox, Surroundings } from "../contract.ts";
import { seenIn } from "../locate.ts";
import { makeScratch, sandboxOf } from "../open.ts";
import { mountStep, outerFirst } from "../view.ts";
import type { Dial } from "./engine.ts";
import { furnish } from "./furnish.ts";
import { lookIn } from "./look.ts";
import { removeOrphans } from "./owner.ts";
import { complete } from "./private.ts";
import { findIn, runnerOf } from "./run.ts";
import type { Limits } from "./spec.ts";

/** Opens the sandbox that is a container (`SandboxKind.open`). */
export async function openContainer(dial: Dial, limits: Limits, surroundings: Surroundings): Promise<Sandbox> {
  await checkMounts(surroundings.mounts);
  const opened = new OpenedStack();
  try {
    const engine = await dial();
    opened.use({ [Symbol.asyncDispose]: async () => engine[Symbol.dispose]() });
    const scratch = await makeScratch(surroundings.scratch);
    opened.use({ [Symbol.asyncDispose]: () => removeTree(scratch) });
    await removeOrphans(engine).catch(() => {});
    const furnished = await furnish(engine, limits, surroundings, scratch);
    const { container } = opened.use(furnished.running);
    const look = lookIn(container, under(scratch, "looks"));
    await complete(container, surroundings.user, look, scratch);
    const steps = outerFirst(surroundings.mounts).map(mountStep);
    return sandboxOf(opened, runnerOf(furnished, findIn(surroundings.mounts, look), surroundings), (guest) => {
      const path = seenIn(steps, guest);
      if (path !== undefined) return path;
      throw new Fault("sandbox.see", `Cannot see ${guest} of sandbox: nothing of this machine is mounted there`);
    });
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}
