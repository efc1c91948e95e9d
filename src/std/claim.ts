import { mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { readText } from "./file.ts";
import { type HostPath, hostPath, under } from "./path.ts";
import { isAlive, readProcess } from "./process.ts";
import { removeTree } from "./remove.ts";

/** Whether a directory was marked as that of a process that lives no more. */
export async function isAbandoned(directory: HostPath): Promise<boolean> {
  // What we may not read belongs to somebody else.
  const text = await readText(under(directory, "owner")).catch(() => undefined);
  const owner = /^(\d+) (\d+)$/.exec(text ?? "");
  return owner !== null && !isAlive({ pid: Number(owner[1]), start: owner[2]! });
}

/** Marks a directory as this process's. */
export async function markOwned(directory: HostPath): Promise<void> {
  const own = readProcess(process.pid);
  await writeFile(under(directory, "owner"), own === undefined ? "" : `${own.pid} ${own.start}`);
}

/**
 * Makes a directory `prefix…` in `parent` that is known to be this process's, after removing those of processes that were killed
 * before they could do so themselves.
 */
export async function claimDirectory(parent: HostPath, prefix: string): Promise<HostPath> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (const name of await readdir(parent)) {
    const directory = under(parent, name);
    if (name.startsWith(prefix) && (await isAbandoned(directory))) await removeTree(directory);
  }
  const fresh = hostPath(await mkdtemp(under(parent, prefix)));
  await markOwned(fresh);
  return fresh;
}
