import { realpath } from "node:fs/promises";
import { Fault, reasonOf } from "../../std/fault.ts";
import { guestPath, type HostPath, hostPath, under } from "../../std/path.ts";
import { removeTree } from "../../std/remove.ts";
import { OpenedStack } from "../../std/stack.ts";
import { checkMounts } from "../assemble.ts";
import type { ImageRoot, Job, Mount, Output, Sandbox, SandboxKind, Surroundings } from "../contract.ts";
import { exactly } from "../exact.ts";
import { exitOf } from "../launch.ts";
import { locate, seenIn } from "../locate.ts";
import { type Find, obstacleOf } from "../obstacle.ts";
import { makeScratch, type RunJob, sandboxOf } from "../open.ts";
import { newMark } from "../tree.ts";
import { mountStep, outerFirst } from "../view.ts";
import { bindProof } from "./bind.ts";
import { type Running, readImage, startContainer } from "./container.ts";
import { type Copies, copiesOf, noCopies } from "./copies.ts";
import { type Dial, type Engine, engineFault } from "./engine.ts";
import { execute } from "./exec.ts";
import { asFamily, endEverything, endFamily } from "./family.ts";
import { lookIn } from "./look.ts";
import { removeOrphans } from "./owner.ts";
import { complete } from "./private.ts";
import type { Limits } from "./spec.ts";

/** A container with what jobs see in place. */
interface Furnished {
  readonly running: Running;
  readonly copies: Copies;
  readonly imageEnv: readonly string[];
}

function refuse(because: string, hint: string): never {
  throw new Fault("sandbox.docker", `Cannot open sandbox docker: ${because}`, { hint });
}

async function imageOf({ root, overlays }: Surroundings): Promise<string> {
  if (root.kind !== "image") {
    const thing = root.kind === "machine" ? "this machine" : root.path;
    return refuse(`it cannot make ${thing} the root of jobs`, "name a builder image with --builder");
  }
  if (overlays?.length) return refuse("it cannot stack directories", "use the sandbox namespace");
  return nameInEngine(root);
}

async function nameInEngine({ inEngine }: ImageRoot): Promise<string> {
  return inEngine ? inEngine() : refuse("the image is not in the engine", "use the sandbox namespace");
}

/** Mounts as they really are, links followed. */
async function realMounts(mounts: readonly Mount[]): Promise<Mount[]> {
  const real = mounts.map(async (mount) => ({ ...mount, host: hostPath(await realpath(mount.host)) }));
  return outerFirst(await Promise.all(real));
}

/** A container with the mounts bound; undefined where the engine does not see this machine's files, or maps ids. */
async function withBinds(
  engine: Engine,
  parts: Omit<Parameters<typeof startContainer>[1], "binds">,
  { mounts, user }: Pick<Surroundings, "mounts" | "user">,
  scratch: HostPath,
): Promise<Running | undefined> {
  // Who is somebody else outside could not even make files for it.
  if (user.uid !== 0 && (user.uid !== process.getuid?.() || user.gid !== process.getgid?.())) return undefined;
  const proof = await bindProof(scratch);
  let running: Running | undefined;
  try {
    running = await startContainer(engine, { ...parts, binds: [...mounts, proof.mount] });
    if (await proof.holds(running.container, mounts, user)) return running;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "sandbox.docker") throw error;
  }
  await running?.[Symbol.asyncDispose]();
  return undefined;
}

async function furnish(
  engine: Engine,
  limits: Limits,
  surroundings: Surroundings,
  scratch: HostPath,
): Promise<Furnished> {
  const { user, network } = surroundings;
  const image = await imageOf(surroundings);
  const { env: imageEnv } = await readImage(engine, image);
  const mounts = await realMounts(surroundings.mounts);
  const parts = { image, imageEnv, network, limits };
  const bound = await withBinds(engine, parts, { mounts, user }, scratch);
  const running = bound ?? (await startContainer(engine, { ...parts, binds: [] }));
  return { running, copies: bound ? noCopies : copiesOf(running.container, mounts, user, scratch), imageEnv };
}

/** How jobs find things: below a mount on this machine, else in the container. */
function findIn(mounts: readonly Mount[], look: Find): Find {
  const steps = outerFirst(mounts).map(mountStep);
  return async (path) => {
    const { guest, host } = await locate(steps, guestPath(path));
    return host === "nothing" || host === "kernel" ? look(guest) : host;
  };
}

/** Runs jobs of one container, several at a time. */
function runnerOf({ running, copies, imageEnv }: Furnished, find: Find, { user }: Surroundings): RunJob {
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
  for (const path of ["/usr/bin/env", "/bin/env"]) if (!["nothing"].includes(await find(path))) return path;
  throw new Fault("sandbox.env", "Cannot open sandbox: its root has no program env");
}

async function openIn(dial: Dial, limits: Limits, surroundings: Surroundings): Promise<Sandbox> {
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

async function probe(dial: Dial): ReturnType<SandboxKind["probe"]> {
  try {
    using engine = await dial();
    const { Os, Version } = await engine.docker.version().catch((error) => {
      throw engineFault("reach the engine", engine, error);
    });
    if (Os !== "linux")
      return {
        usable: false,
        because: `the engine at ${engine.place} runs ${Os}`,
        hint: "switch it to Linux containers",
      };
    return { usable: true, detail: `a container of the engine ${Version} at ${engine.place}` };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { usable: false, because: error.message.replace(/^Cannot /, "we cannot "), hint: error.hint ?? "start it" };
  }
}

/** The sandbox that is one container of an engine, a program in it for every job. */
export function dockerOver(dial: Dial, limits: Limits = {}): SandboxKind {
  return {
    name: "docker",
    translates: true,
    isolation: { filesystem: true, network: true, user: true },
    stacks: async () => false,
    probe: () => probe(dial),
    open: (surroundings) => openIn(dial, limits, surroundings),
  };
}
