import { Fault, reasonOf } from "../../std/fault.ts";
import { guestPath } from "../../std/path.ts";
import type { Job, Mount, Output, Surroundings } from "../contract.ts";
import { exactly } from "../exact.ts";
import { exitOf } from "../launch.ts";
import { locate } from "../locate.ts";
import { type Find, obstacleOf } from "../obstacle.ts";
import type { RunJob } from "../open.ts";
import { newMark } from "../tree.ts";
import { mountStep, outerFirst } from "../view.ts";
import { execute } from "./exec.ts";
import { asFamily, endEverything, endFamily } from "./family.ts";
import type { Furnished } from "./furnish.ts";

/** How jobs find things: below a mount on this machine, else in the container. */
export function findIn(mounts: readonly Mount[], look: Find): Find {
  const steps = outerFirst(mounts).map(mountStep);
  return async (path) => {
    const { guest, host } = await locate(steps, guestPath(path));
    return host === "nothing" || host === "kernel" ? look(guest) : host;
  };
}

/** Lets tasks run one after the other. */
function oneAtATime(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const next = last.then(task, task);
    last = next.catch(() => {});
    return next;
  };
}

async function envFor(find: Find): Promise<string> {
  for (const path of ["/usr/bin/env", "/bin/env"]) if ((await find(path)) !== "nothing") return path;
  throw new Fault("sandbox.env", "Cannot open sandbox: its root has no program env");
}

/** Runs jobs of one container, several at a time. */
export function runnerOf({ running, copies, imageEnv }: Furnished, find: Find, { user }: Surroundings): RunJob {
  const { container } = running;
  const who = `${user.uid}:${user.gid}`;
  // What Docker and an image add to every program.
  const added = ["HOSTNAME", "HOME", "PATH", "TERM", "container", ...imageEnv.map((entry) => entry.split("=", 1)[0]!)];
  const turn = oneAtATime();
  let active = 0;

  const runExactly = async (job: Job, output: Output, signal: AbortSignal): Promise<number> => {
    const mark = newMark();
    const { argv, env } = exactly(job, await envFor(find), added);
    const end = () => execute(container, { argv: endFamily(mark), user: who }, () => {});
    let running = true;
    // An aborted job may not have begun yet: it is ended until it has.
    const stop = async () => {
      while (running) await end().catch(() => {});
    };
    signal.throwIfAborted();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const command = { argv: asFamily(mark, argv), user: who, cwd: job.cwd, env };
      const code = await execute(container, command, output);
      // Whoever has ended the shell that ends the others may have stayed.
      if (code > 128) await end();
      return code;
    } finally {
      running = false;
      signal.removeEventListener("abort", stop);
    }
  };

  return async (job, output, signal) => {
    const obstacle = await turn(async () => {
      if (active === 0) await copies.bring();
      signal.throwIfAborted();
      active += 1;
      return obstacleOf(job, find);
    });
    try {
      if (obstacle !== undefined) return { kind: "unstartable", because: obstacle };
      return exitOf(await runExactly(job, output, signal));
    } catch (error) {
      signal.throwIfAborted();
      return { kind: "unstartable", because: reasonOf(error) };
    } finally {
      await turn(async () => {
        active -= 1;
        if (active === 0 && user.uid !== 0) await execute(container, { argv: endEverything, user: who }, () => {});
        if (obstacle === undefined) await copies.fetch();
      });
      signal.throwIfAborted();
    }
  };
}
