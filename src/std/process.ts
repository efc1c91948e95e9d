import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** A process that was seen: its pid, and the moment it started, by which a later one with the same pid differs. */
export interface SeenProcess {
  readonly pid: number;
  readonly start: string;
}

function textOf(pid: number): string {
  try {
    // The kernel answers from memory, so reading at once takes a fraction of what waiting for it would.
    return readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return "";
  }
}

/** A living process of this machine; undefined when there is none of this pid, or only its remains. Reads /proc (proc(5)). */
export function readProcess(pid: number): SeenProcess | undefined {
  const text = textOf(pid);
  // The program's name stands in parentheses and may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, start] = [fields[0], fields[19]];
  return start === undefined || state === "Z" || state === "X" ? undefined : { pid, start };
}

/** Whether this very process is still alive. */
export function isAlive({ pid, start }: SeenProcess): boolean {
  return readProcess(pid)?.start === start;
}

/** Resolves when this very process is gone; made for one that is about to go. */
export async function goneOf(seen: SeenProcess): Promise<void> {
  for (let pause = 1; isAlive(seen); pause = Math.min(pause * 2, 50)) await delay(pause);
}

/** Sends a signal to a process, or with a negative pid to a group; nothing happens when it is gone. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in the meantime.
  }
}
