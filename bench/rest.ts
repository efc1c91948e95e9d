import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";

/** So much free memory the system keeps for itself; less than twice of it is left alone. */
const spare = 400e6;

/** Where files are made that fill the memory. */
let folder: string | undefined;
let count = 0;

/** From now on `bringToRest` fills memory that is free with files in this folder, which stay until it is deleted. */
export function fillMemoryIn(path: string): void {
  folder = path;
}

function freeBytes(): number {
  try {
    return Number(/^MemFree:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Reads a file that is one hole: its pages take memory, and none of the disk. */
function fillMemory(path: string, size: number): void {
  const file = openSync(path, "wx+");
  try {
    ftruncateSync(file, size);
    const piece = Buffer.alloc(8 << 20);
    while (readSync(file, piece) > 0);
  } finally {
    closeSync(file);
  }
}

/**
 * Brings the computer into the state of one that has been in use: the disk is done with what was written before, and hardly any memory is free, but full of
 * files that nobody needs. In a virtual machine, memory that is free has to be got from the host first, which makes writing a file four times as long.
 */
export function bringToRest(): void {
  execFileSync("sync");
  const size = freeBytes() - spare;
  if (folder !== undefined && size > spare) fillMemory(join(folder, `memory-${count++}`), size);
}
