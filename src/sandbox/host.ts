import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "../std/fault.ts";
import { type GuestPath, hostPath } from "../std/path.ts";
import { send } from "../std/process.ts";
import { removeTree } from "../std/remove.ts";
import { startCaptured } from "./capture.ts";
import type { Exit, Job, Output, SandboxKind, Surroundings } from "./contract.ts";
import { exactly } from "./exact.ts";
import { obstacleOf } from "./obstacle.ts";
import { makeScratch, sandboxOf } from "./open.ts";
import { type MakePipe, pipesIn } from "./pipe.ts";
import { endOf } from "./spawn.ts";
import { killTree, newMark, stopTree } from "./tree.ts";

// How long an aborted job may take to clean up after itself.
const grace = 2000;

// Should this process end in the middle of a job, nothing else would end the job.
const leaders = new Set<number>();
function killAll(): void {
  for (const leader of leaders) send(-leader, "SIGKILL");
}

async function runOnHost(makePipe: MakePipe, job: Job, output: Output, signal: AbortSignal): Promise<Exit> {
  const obstacle = await obstacleOf(job, async (path) => path);
  if (obstacle !== undefined) return { kind: "unstartable", because: obstacle };
  const mark = newMark();
  const { child, drained, deafen } = await startCaptured(
    makePipe,
    { ...exactly(job, "/usr/bin/env"), cwd: job.cwd, mark },
    output,
  );
  const leader = child.pid!;
  if (leaders.size === 0) process.on("exit", killAll);
  leaders.add(leader);
  try {
    let stopping: Promise<void> | undefined;
    const stop = () => {
      stopping = stopTree(leader, mark, grace);
    };
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    const exit = await endOf(child);
    signal.removeEventListener("abort", stop);
    await (stopping ?? killTree(leader, mark));
    // Whoever still holds the pipe got away; its words are not waited for.
    await Promise.race([drained, delay(1000, undefined, { ref: false })]);
    signal.throwIfAborted();
    return exit;
  } finally {
    deafen();
    leaders.delete(leader);
    if (leaders.size === 0) process.off("exit", killAll);
  }
}

function check({ root, mounts, network, overlays }: Surroundings): void {
  const moved = mounts.find((mount) => (mount.host as string) !== mount.guest);
  const because =
    root.kind === "directory"
      ? `it cannot make ${root.path} the root of jobs`
      : root.kind === "image"
        ? "it cannot make an image the root of jobs"
        : overlays?.length
          ? "it cannot stack directories"
          : network !== "host"
            ? "it cannot give jobs another network than this machine's"
            : moved && `it cannot show ${moved.host} as ${moved.guest}`;
  if (because === undefined) return;
  throw new Fault("sandbox.host", `Cannot open sandbox host: ${because}`, { hint: "use the sandbox namespace" });
}

/** Runs jobs as plain processes of this machine: nothing but their environment is kept from them. */
export const host: SandboxKind = {
  name: "host",
  translates: false,
  isolation: { filesystem: false, network: false, user: false },
  refuses: ({ root, network, limited }) => {
    const hint = "use the sandbox namespace or docker";
    if (root !== "machine") return { usable: false, because: "plain processes cannot run in a builder image", hint };
    if (network !== "host") return { usable: false, because: "plain processes have this machine's network", hint };
    if (limited) return { usable: false, because: "plain processes have no limits", hint: "use the sandbox docker" };
    return undefined;
  },
  stacks: async () => false,
  probe: async () => ({ usable: true, detail: "plain processes, no isolation: buildpacks see this whole machine" }),
  async open(surroundings) {
    check(surroundings);
    const scratch = await makeScratch(surroundings.scratch);
    const makePipe = pipesIn(scratch);
    const opened = { [Symbol.asyncDispose]: () => removeTree(scratch) };
    const see = (guest: GuestPath) => hostPath(guest);
    return sandboxOf(opened, (job, output, signal) => runOnHost(makePipe, job, output, signal), see);
  },
};
