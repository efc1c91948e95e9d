import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { readProcess, send } from "../std/process.ts";

// The limit on resident memory has had no effect since Linux 2.4, every process inherits it whatever becomes of its parent, group
// and session, and everybody may read it: a number of our own in it marks a whole family.
const row = /^Max resident set\s+(\d+)/m;

let count = 0;

/** A limit in KiB that no other job of this machine has. */
export function newMark(): number {
  count += 1;
  return 2 ** 42 + (process.pid % 2 ** 22) * 2 ** 16 + (count % 2 ** 16);
}

function isMarked(pid: number, mark: number): boolean {
  try {
    return Number(row.exec(readFileSync(`/proc/${pid}/limits`, "latin1"))?.[1]) === mark * 1024;
  } catch {
    return false;
  }
}

/** The pids of all living processes with this mark; none where there is no /proc. */
export function marked(mark: number): number[] {
  try {
    const pids = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
    return pids.filter((pid) => isMarked(pid, mark) && readProcess(pid) !== undefined);
  } catch {
    return [];
  }
}

function hasGroup(leader: number): boolean {
  try {
    return process.kill(-leader, 0);
  } catch {
    return false;
  }
}

/** Kills the group `leader` leads and every process with the mark; resolves when none is left, and gives up on what cannot be killed. */
export async function killTree(leader: number, mark: number): Promise<void> {
  send(-leader, "SIGKILL");
  // A process may fork while we look: look again until there is nothing to see.
  for (let round = 0; round < 100; round += 1) {
    const pids = marked(mark);
    if (pids.length === 0) return;
    for (const pid of pids) send(pid, "SIGKILL");
    await delay(round);
  }
}

/** Asks all of it to end, waits until it has, at most `grace` milliseconds, and kills the rest. */
export async function stopTree(leader: number, mark: number, grace: number): Promise<void> {
  const pids = marked(mark);
  for (const pid of pids.length === 0 ? [-leader] : pids) send(pid, "SIGTERM");
  const end = performance.now() + grace;
  while (performance.now() < end && (hasGroup(leader) || marked(mark).length > 0)) await delay(20);
  await killTree(leader, mark);
}
