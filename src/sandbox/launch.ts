import type { ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import type { Exit } from "./contract.ts";
import { readReport } from "./report.ts";
import { endOf, toolPath } from "./spawn.ts";
import { send } from "./tree.ts";

/** What `start` is given for a container; `attend` takes care of its fourth and fifth descriptor. */
export function commandOf(argv: readonly string[]) {
  return { argv, env: { PATH: toolPath }, cwd: "/" };
}

/** A started container. */
export interface Attended {
  /** How it ended: its own code or signal, or `undefined` when its program was never started. */
  readonly exit: Promise<Exit | undefined>;
  /** Kills everything in it. */
  kill(): Promise<void>;
  /** Sends a signal to its program. */
  forward(signal: NodeJS.Signals): Promise<void>;
}

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number as number, name]));

/** A container's first process turns a signal into 128 plus its number, as shells do. */
function exitOf(code: number): Exit {
  const signal = code > 128 ? signalNames.get(code - 128) : undefined;
  return signal === undefined ? { kind: "exited", code } : { kind: "killed", signal };
}

async function programBelow(first: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${first}/task/${first}/children`, "utf8").catch(() => "");
  return Number(children.split(" ")[0]) || undefined;
}

/** Feeds a container its instructions, and follows it to its end. */
export function attend(child: ChildProcess, input: string): Attended {
  const report = readReport(child.stdio[4] as Readable);
  const instructions = child.stdio[3] as Writable;
  // A back end that fails early does not read what it is told, and says why itself.
  instructions.on("error", () => {});
  instructions.end(input);
  // The first process is only waited for by its parent, so while the parent lives no other process has its pid.
  const firstAlive = async () => {
    const first = await report.first;
    return child.exitCode === null && child.signalCode === null ? first : undefined;
  };
  const exit = async () => {
    const [end, code] = await Promise.all([endOf(child), report.code]);
    if (code !== undefined) return exitOf(code);
    return end.kind === "killed" ? end : undefined;
  };
  return {
    exit: exit(),
    async kill() {
      const first = await firstAlive();
      if (first !== undefined) send(first, "SIGKILL");
    },
    async forward(signal) {
      const first = await firstAlive();
      const program = first === undefined ? undefined : await programBelow(first);
      if (program !== undefined) send(program, signal);
    },
  };
}
