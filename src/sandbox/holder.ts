import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Fault } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";
import { overlayCommands, type Stack } from "./overlay.ts";
import { endOf, start, toolPath } from "./spawn.ts";

/** A process in a user and mount namespace of ours, which keeps mounts that nobody else sees. It ends with us at the latest. */
export interface Holder extends AsyncDisposable {
  /** Where the mounts of the stacks are for who has entered, in the order they were asked for. */
  readonly merged: readonly HostPath[];
  /** The same place for who has not entered. */
  see(path: HostPath): HostPath;
  /** The command that enters and runs another one there, which is root in that user namespace. */
  enter(argv: readonly string[]): readonly string[];
}

const namespaces = ["--user", "--map-root-user", "--mount"];

function refused(said: string): Fault {
  const because = said.trim().split("\n").at(-1) || "the process that mounts them ended without a word";
  return new Fault("sandbox.overlay", `Cannot stack directories: ${because}`, {
    hint: "it takes Linux 5.11 or newer, and a disk that keeps user attributes and is no overlay itself",
  });
}

function end(child: ChildProcess): Promise<unknown> {
  child.ref();
  child.kill("SIGKILL");
  return endOf(child);
}

/** Mounts stacks in a namespace of their own; `folder` (new) keeps what that takes. Throws Fault `sandbox.overlay` where the kernel refuses. */
export async function openHolder(stacks: readonly Stack[], folder: HostPath): Promise<Holder> {
  await mkdir(folder);
  const folders = stacks.map((_, index) => under(folder, String(index)));
  const commands = await Promise.all(stacks.map((stack, index) => overlayCommands(folders[index]!, stack)));
  // It waits for its input, which ends when we do, however that happens.
  const script = ["set -e", ...commands.flat(), "cd /", "echo", "read -r end"].join("\n");
  const argv = ["setpriv", "--pdeathsig", "KILL", "unshare", ...namespaces, "sh", "-c", script];
  const child = await start({ argv, env: { PATH: toolPath }, cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
  const [stdout, stderr] = [child.stdout!, child.stderr!];
  child.stdin!.on("error", () => {});
  const said = text(stderr);
  const isReady = await Promise.race([once(stdout, "data").then(() => true), once(stdout, "end").then(() => false)]);
  if (!isReady) {
    await end(child);
    throw refused(await said);
  }
  for (const stream of [child.stdin!, stdout, stderr]) (stream as unknown as { unref(): void }).unref();
  child.unref();
  const place = `/proc/${child.pid}`;
  return {
    merged: folders.map((path) => under(path, "merged")),
    see: (path) => under(`${place}/root` as HostPath, path),
    enter: (command) => [
      ...["nsenter", `--user=${place}/ns/user`, `--mount=${place}/ns/mnt`, "--preserve-credentials", "--"],
      ...command,
    ],
    [Symbol.asyncDispose]: async () => {
      await end(child);
    },
  };
}
