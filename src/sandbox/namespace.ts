import { chmod, mkdir, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { reasonOf } from "../std/fault.ts";
import { guestPath, type HostPath, hostPath, under } from "../std/path.ts";
import { accountHome, groupOf, passwdOf } from "./account.ts";
import { bubblewrap } from "./bubblewrap.ts";
import { startCaptured } from "./capture.ts";
import type { Container } from "./container.ts";
import type { Exit, Mount, Output, Probe, Sandbox, SandboxKind, Surroundings } from "./contract.ts";
import { accountFiles, machineSteps } from "./machine.ts";
import { makeScratch, sandboxOf } from "./open.ts";
import { readReport } from "./report.ts";
import { endOf, toolPath } from "./spawn.ts";
import { send } from "./tree.ts";
import { mountStep, outerFirst, type Step, type View } from "./view.ts";

/** Private folders: what jobs may write beside the mounts they are given. */
async function privateMounts(scratch: HostPath, { mounts, user }: Surroundings): Promise<Mount[]> {
  const taken = new Set(mounts.map((mount) => mount.guest as string));
  const open = async (name: string, guest: string, mode: number): Promise<Mount> => {
    const host = under(scratch, name);
    await mkdir(host);
    await chmod(host, mode);
    return { host, guest: guestPath(guest), access: "rw" };
  };
  const file = async (name: string, guest: string, text: string): Promise<Mount> => {
    const host = under(scratch, name);
    await writeFile(host, text);
    await chmod(host, 0o644);
    return { host, guest: guestPath(guest), access: "ro" };
  };
  const made = [
    await open("tmp", "/tmp", 0o1777),
    await open("var-tmp", "/var/tmp", 0o1777),
    await open("home", accountHome, 0o755),
    await file("passwd", accountFiles.passwd, passwdOf(user)),
    await file("group", accountFiles.group, groupOf(user)),
  ];
  return made.filter((mount) => !taken.has(mount.guest));
}

async function viewOf(scratch: HostPath, surroundings: Surroundings): Promise<View> {
  const { root, mounts, network } = surroundings;
  const mountSteps = outerFirst([...(await privateMounts(scratch, surroundings)), ...mounts]).map(mountStep);
  const special: Step[] = [
    { make: "proc", guest: guestPath("/proc") },
    { make: "dev", guest: guestPath("/dev") },
    { make: "mount", host: hostPath("/proc/sys"), guest: guestPath("/proc/sys"), access: "ro" },
  ];
  if (root.kind === "directory") {
    const base: Step = { make: "mount", host: root.path, guest: guestPath("/"), access: root.access };
    return { steps: [base, ...special, ...mountSteps], sealed: false };
  }
  return { steps: [...(await machineSteps(network)), ...special, ...mountSteps], sealed: true };
}

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number as number, name]));

/** A container's first process turns a signal into 128 plus its number, as shells do. */
function exitOf(code: number): Exit {
  const signal = code > 128 ? signalNames.get(code - 128) : undefined;
  return signal === undefined ? { kind: "exited", code } : { kind: "killed", signal };
}

async function runIn(container: Container, scratch: HostPath, output: Output, signal: AbortSignal): Promise<Exit> {
  const { argv, input } = bubblewrap.startOf(container);
  let tail = "";
  const hear = (chunk: Uint8Array) => {
    tail = (tail + Buffer.from(chunk).toString("latin1")).slice(-1000);
    output(chunk);
  };
  const { child, drained } = await startCaptured(scratch, { argv, env: { PATH: toolPath }, cwd: "/" }, hear, [
    "pipe",
    "pipe",
  ]);
  const { first, code } = readReport(child.stdio[4] as Readable);
  const kill = async () => {
    const pid = await first;
    if (pid !== undefined && child.exitCode === null && child.signalCode === null) send(pid, "SIGKILL");
  };
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  // A back end that fails early does not read what it is told, and says why itself.
  await pipeline([input], child.stdio[3] as Writable).catch(() => {});
  const [end, reported] = await Promise.all([endOf(child), code, drained]);
  signal.removeEventListener("abort", kill);
  signal.throwIfAborted();
  if (reported !== undefined) return exitOf(reported);
  if (end.kind === "killed") return end;
  return { kind: "unstartable", because: Buffer.from(tail, "latin1").toString().trim().split("\n").at(-1)! };
}

async function probe(): Promise<Probe> {
  if (process.platform !== "linux")
    return {
      usable: false,
      because: `namespaces are a part of Linux, and this is ${process.platform}`,
      hint: "use another sandbox",
    };
  try {
    await using sandbox = await open({
      root: { kind: "machine" },
      mounts: [],
      user: { uid: 1000, gid: 1000 },
      network: "host",
    });
    const exit = await sandbox.run({ argv: ["true"], cwd: guestPath("/"), env: { PATH: toolPath } }, () => {});
    if (exit.kind === "exited" && exit.code === 0) return { usable: true, detail: "bubblewrap" };
    return { usable: false, because: exit.kind === "unstartable" ? exit.because : "true fails in it", hint: "" };
  } catch (error) {
    return { usable: false, because: reasonOf(error), hint: "install bubblewrap" };
  }
}

async function open(surroundings: Surroundings): Promise<Sandbox> {
  const scratch = await makeScratch(surroundings.scratch);
  const { user, network } = surroundings;
  const view = await viewOf(scratch, surroundings);
  return sandboxOf(scratch, ({ argv, cwd, env }, output, signal) =>
    runIn({ view, user, network, argv, cwd, env }, scratch, output, signal),
  );
}

/** Runs jobs in namespaces of their own, over this machine's system folders or an unpacked image. */
export const namespace: SandboxKind = {
  name: "namespace",
  translates: true,
  isolation: { filesystem: true, network: true, user: true },
  probe,
  open,
};
