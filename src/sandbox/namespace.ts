import { stat } from "node:fs/promises";
import { Fault, reasonOf } from "../std/fault.ts";
import { guestPath, type HostPath } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import { OpenedStack } from "../std/stack.ts";
import { assembleView } from "./assemble.ts";
import { bubblewrap } from "./bubblewrap.ts";
import { startCaptured } from "./capture.ts";
import { unusable } from "./choose.ts";
import type { Backend, Start } from "./container.ts";
import type { Exit, Output, Refusal, Sandbox, SandboxKind, Surroundings } from "./contract.ts";
import { attend, commandOf } from "./launch.ts";
import { envIn, locate, seenIn } from "./locate.ts";
import { Memory } from "./memory.ts";
import { canStack, mergeIn } from "./merge.ts";
import { obstacleOf } from "./obstacle.ts";
import { makeScratch, type RunJob, sandboxOf } from "./open.ts";
import { type MakePipe, pipesIn } from "./pipe.ts";
import { explainRefusal, readFacts } from "./refusal.ts";
import { toolPath } from "./spawn.ts";
import { unshare } from "./unshare.ts";
import type { Step } from "./view.ts";

function tailOf(length: number, output: Output) {
  let tail = Buffer.alloc(0);
  const hear = (chunk: Uint8Array) => {
    tail = Buffer.concat([tail, chunk.subarray(-length)]).subarray(-length);
    output(chunk);
  };
  return { hear, lastLine: () => tail.toString().trim().split("\n").at(-1) || "it ended without a word" };
}

function isNetwork(network: string): network is "host" | "none" {
  return network === "host" || network === "none";
}

/** `failed` is called when a container could not be made, or directories not be stacked for it. */
async function openWith(backend: Backend, surroundings: Surroundings, failed?: () => Promise<void>): Promise<Sandbox> {
  const { user, network } = surroundings;
  if (!isNetwork(network))
    throw new Fault("sandbox.network", `Cannot open sandbox namespace: it knows no network ${network}`, {
      exit: "usage",
      hint: "take host or none, or the sandbox docker",
    });
  const scratch = await makeScratch(surroundings.scratch);
  const opened = new OpenedStack();
  opened.use({ [Symbol.asyncDispose]: () => removeTree(scratch) });
  try {
    const { holder, merged } = await mergeIn(scratch, surroundings);
    if (holder !== undefined) opened.use(holder);
    const view = await assembleView(scratch, surroundings, merged);
    const startOf = await backend.prepare({ view, user, network, env: await envIn(view.steps), scratch });
    const makePipe = pipesIn(scratch);
    const find = async (path: string) => (await locate(view.steps, guestPath(path))).host;
    const runJob: RunJob = async (job, output, signal) => {
      const obstacle = await obstacleOf(job, find);
      if (obstacle !== undefined) return { kind: "unstartable", because: obstacle };
      const { argv, input } = startOf(job);
      const exit = await runContained({ argv: holder?.enter(argv) ?? argv, input }, makePipe, output, signal);
      if (exit.kind === "unstartable") await failed?.();
      return exit;
    };
    return sandboxOf(opened, runJob, seeIn(view.steps));
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    if (error instanceof Fault && error.code === "sandbox.overlay") await failed?.();
    throw error;
  }
}

function seeIn(steps: readonly Step[]): Sandbox["see"] {
  return (guest) => {
    const path = seenIn(steps, guest);
    if (path !== undefined) return path;
    throw new Fault("sandbox.see", `Cannot see ${guest} of sandbox: nothing of this machine is mounted there`);
  };
}

async function runContained(
  { argv, input }: Start,
  makePipe: MakePipe,
  output: Output,
  signal: AbortSignal,
): Promise<Exit> {
  const { hear, lastLine } = tailOf(1000, output);
  const { child, drained } = await startCaptured(makePipe, commandOf(argv), hear, ["pipe", "pipe"]);
  const { exit, kill } = attend(child, input);
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  const [ended] = await Promise.all([exit, drained]);
  signal.removeEventListener("abort", kill);
  signal.throwIfAborted();
  return ended ?? { kind: "unstartable", because: lastLine() };
}

/** Why a back end does not work here, in its own words; undefined when it does. */
async function complaintOf(backend: Backend): Promise<string | undefined> {
  await using sandbox = await openWith(backend, {
    root: { kind: "machine" },
    mounts: [],
    user: { uid: 1000, gid: 1000 },
    network: "host",
  });
  const exit = await sandbox.run({ argv: ["true"], cwd: guestPath("/"), env: { PATH: toolPath } }, () => {});
  if (exit.kind === "unstartable") return exit.because;
  return exit.kind === "exited" && exit.code === 0 ? undefined : "a program that does nothing fails in it";
}

/** The first back end that works here, or why none does. */
async function findBackend(backends: readonly Backend[]): Promise<Backend | Refusal> {
  if (process.platform !== "linux") {
    const because = `namespaces are a part of Linux, and this is ${process.platform}`;
    return { usable: false, because, hint: "use another sandbox here" };
  }
  const complaints: string[] = [];
  for (const backend of backends) {
    const complaint = await complaintOf(backend).catch(reasonOf);
    if (complaint === undefined) return backend;
    complaints.push(complaint);
  }
  return explainRefusal(await readFacts(), complaints);
}

/** The sandbox made of namespaces. */
export interface NamespaceKind extends SandboxKind {
  /** From now on what is found by trying is kept in this file, and taken from it while nothing has changed that it depends on. */
  remember(file: HostPath): void;
  /** How namespaces are made here. Throws Fault `sandbox.unusable` when they cannot be. */
  backend(): Promise<Backend>;
}

/** The sandbox made with the first of these back ends that works; which one is found by trying, once. */
export function namespaceOver(backends: readonly Backend[]): NamespaceKind {
  let finding: Promise<Backend | Refusal> | undefined;
  let memory: Memory | undefined;
  const recallOrFind = async () => {
    const known = backends[Number(await memory?.recall("back end"))];
    if (known !== undefined) return known;
    const result = await findBackend(backends);
    if (!("usable" in result)) await memory?.keep("back end", String(backends.indexOf(result)));
    return result;
  };
  const found = () => {
    finding ??= recallOrFind();
    return finding;
  };
  const backend = async () => {
    const result = await found();
    if ("usable" in result) throw unusable("namespace", result);
    return result;
  };
  return {
    name: "namespace",
    translates: true,
    isolation: { filesystem: true, network: true, user: true },
    refuses({ network, limited }) {
      const hint = "use the sandbox docker";
      if (!isNetwork(network))
        return { usable: false, because: `namespaces know no network ${network}, only host and none`, hint };
      return limited ? { usable: false, because: "namespaces have no limits of memory and cores", hint } : undefined;
    },
    async probe() {
      const result = await found();
      return "usable" in result ? result : { usable: true, detail: `Linux namespaces through ${result.name}` };
    },
    backend,
    remember(file) {
      memory ??= new Memory(file);
    },
    async stacks(place) {
      if ("usable" in (await found())) return false;
      const device = await stat(place).catch(() => undefined);
      const question = `stack in ${place} on ${device?.dev}`;
      if (device && (await memory?.recall(question)) === "yes") return true;
      const answer = await canStack(place);
      if (answer && device) await memory?.keep(question, "yes");
      return answer;
    },
    open: async (surroundings) => openWith(await backend(), surroundings, () => memory?.forget() ?? Promise.resolve()),
  };
}

/** Runs jobs in namespaces of their own, over this machine's system folders or an unpacked image. */
export const namespace: NamespaceKind = namespaceOver([
  bubblewrap({ nested: false }),
  bubblewrap({ nested: true }),
  unshare,
]);
