import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { isAlive, readProcess } from "../../std/process.ts";
import type { Engine } from "./engine.ts";

/** The label of our containers; its value names the process that made one. */
export const ownerLabel = "io.plinth.sandbox";

/** Where pids mean the same. */
async function pidSpace(): Promise<string> {
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(hostname);
  const space = await readlink("/proc/self/ns/pid").catch(() => "");
  return `${boot.trim()} ${space}`;
}

/** This process, as the value of the label. */
export async function ownerText(): Promise<string> {
  return `${await pidSpace()} ${process.pid} ${readProcess(process.pid)?.start ?? ""}`;
}

/** Whether a label's value names a process of our own pids that lives no more. */
export function isOrphan(value: string, space: string): boolean {
  const [, where, pid, start] = /^(.*) (\d+) (\d+)$/.exec(value) ?? [];
  return where === space && !isAlive({ pid: Number(pid), start: start! });
}

/** Removes the containers of processes that ended before they could do so themselves. */
export async function removeOrphans({ docker }: Engine): Promise<void> {
  const space = await pidSpace();
  const found = await docker.listContainers({ all: true, filters: { label: [ownerLabel] } });
  const orphans = found.filter(({ Labels }) => isOrphan(Labels[ownerLabel] ?? "", space));
  // Another one of us may be faster.
  await Promise.all(
    orphans.map(({ Id }) =>
      docker
        .getContainer(Id)
        .remove({ force: true, v: true })
        .catch(() => {}),
    ),
  );
}
