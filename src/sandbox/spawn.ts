import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Exit } from "./contract.ts";
import { withoutInherited } from "./inherited.ts";

/** Where the tools sandboxes are made of may live; never the caller's own PATH. */
export const toolPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin";

/** What a child's file descriptor is connected to: nothing, ours of that number, a pipe of its own. */
export type Stdio = "ignore" | "inherit" | "pipe" | number;

/** A program of this machine to start. */
export interface Command {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stdio: readonly Stdio[];
  /** A limit on resident memory in KiB, which has no effect and marks the program's whole family (`tree.ts`). */
  readonly mark?: number;
}

// Node has no way to set one child's umask, and setting its own for a moment would touch files others are writing.
const prelude = 'umask 022; ulimit -S -m "$1" 2>/dev/null; shift; exec "$@"';

/** Starts a program with umask 022 as the leader of a session of its own. Throws what the system says when no process can be made. */
export async function start(command: Command): Promise<ChildProcess> {
  const child = spawn("/bin/sh", ["-c", prelude, "sh", String(command.mark ?? "unlimited"), ...command.argv], {
    env: command.env,
    cwd: command.cwd,
    stdio: withoutInherited(command.stdio),
    detached: true,
  });
  await once(child, "spawn");
  return child;
}

/** How a started program ended. */
export async function endOf(child: ChildProcess): Promise<Exit> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.signalCode === null
    ? { kind: "exited", code: child.exitCode ?? 1 }
    : { kind: "killed", signal: child.signalCode };
}
