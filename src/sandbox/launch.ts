import type { ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { goneOf, isAlive, readProcess, send } from "../std/process.ts";
import type { Exit } from "./contract.ts";
import { readReport } from "./report.ts";
import { endOf, toolPath } from "./spawn.ts";

/** What `start` is given for a container; `attend` takes care of its fourth and fifth descriptor. */
export function commandOf(argv: readonly string[]) {
  return { argv, env: { PATH: toolPath }, cwd: "/" };
}

/** A started container. */
export interface Attended {
  /** How it ended, once nothing of it is left: its program's code or signal, or undefined when its program was never started. */
  readonly exit: Promise<Exit | undefined>;
  /** Kills everything in it. */
  kill(): Promise<void>;
  /** Sends a signal to its program. */
  forward(signal: NodeJS.Signals): Promise<void>;
}

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number as number, name]));

/** A container's first process turns a signal into 128 plus its number, as shells do. */
export function exitOf(code: number): Exit {
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

  // When the first process of a pid namespace is gone, the kernel has ended all others.
  const seen = report.first.then((pid) => (pid === undefined ? undefined : readProcess(pid)));
  const kill = async () => {
    const first = await seen;
    if (first !== undefined && isAlive(first)) send(first.pid, "SIGKILL");
  };
  const exit = async () => {
    const [end, code, first] = await Promise.all([endOf(child), report.code, seen]);
    if (first !== undefined) {
      await kill();
      await goneOf(first);
    }
    if (code !== undefined) return exitOf(code);
    return end.kind === "killed" ? end : undefined;
  };
  return {
    exit: exit(),
    kill,
    async forward(signal) {
      const first = await seen;
      await report.begun;
      // The program may not have begun; a signal that came before it must not be lost.
      while (first !== undefined && isAlive(first)) {
        const program = await programBelow(first.pid);
        if (program !== undefined) return send(program, signal);
        await delay(5);
      }
    },
  };
}
