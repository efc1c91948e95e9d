import { readFile } from "node:fs/promises";
import { setTimeout as delay, setImmediate as immediate } from "node:timers/promises";

/** A process that was seen: its pid, and the moment it started, by which a later one with the same pid differs. */
export interface SeenProcess {
  readonly pid: number;
  readonly start: string;
}

/** A living process of this machine; undefined when there is none of this pid, or only its remains. Reads /proc (proc(5)). */
export async function readProcess(pid: number): Promise<SeenProcess | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The program's name stands in parentheses and may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, start] = [fields[0], fields[19]];
  return start === undefined || state === "Z" || state === "X" ? undefined : { pid, start };
}

/** Whether this very process is still alive. */
export async function isAlive({ pid, start }: SeenProcess): Promise<boolean> {
  return (await readProcess(pid))?.start === start;
}

/** Resolves when this very process is gone; made for one that is about to go. */
export async function goneOf(seen: SeenProcess): Promise<void> {
  for (let round = 0; await isAlive(seen); round += 1) await (round < 20 ? immediate() : delay(Math.min(round, 50)));
}

/** Sends a signal to a process, or with a negative pid to a group; nothing happens when it is gone. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in the meantime.
  }
}
