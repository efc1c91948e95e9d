import { randomUUID } from "node:crypto";
import { chmod, lstat, mkdir, readdir, rename } from "node:fs/promises";
import { errnoOf } from "../../std/fault.ts";
import { type HostPath, under } from "../../std/path.ts";

function isRefusal(error: unknown): boolean {
  return errnoOf(error) === "EACCES" || errnoOf(error) === "EPERM";
}

/** Renames a directory, also one that nobody may write: a new parent is written into it. Its mode stays. */
export async function moveTree(from: HostPath, to: HostPath): Promise<void> {
  try {
    return await rename(from, to);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  const mode = (await lstat(from)).mode & 0o7777;
  await chmod(from, mode | 0o700);
  try {
    await rename(from, to);
  } catch (error) {
    await chmod(from, mode);
    throw error;
  }
  await chmod(to, mode);
}

/** Runs a step; false when the system refuses it. */
async function succeeds(step: () => Promise<unknown>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

/**
 * Directories that wait between two builds, each under a name. They change hands whole, by renaming: of several takers one gets it, and what is on its way when a
 * process dies is swept with that process's workspace.
 */
export class Slots {
  readonly #root: HostPath | undefined;
  readonly #aside: HostPath;

  /** `root` is where they wait; without it there is nothing to take, and no place to leave anything. `aside` is a directory of the build, in the same file system. */
  constructor(root: HostPath | undefined, aside: HostPath) {
    this.#root = root;
    this.#aside = aside;
  }

  /** A new name for a directory of this build. */
  fresh(): HostPath {
    return under(this.#aside, randomUUID());
  }

  /** Takes what waits under the name; undefined when nothing does, or it cannot be moved. */
  async take(name: string): Promise<HostPath | undefined> {
    const taken = this.fresh();
    const root = this.#root;
    if (root === undefined) return undefined;
    return (await succeeds(() => rename(under(root, name), taken))) ? taken : undefined;
  }

  /** Leaves a directory under the name, in the place of what waits there; false when that is not possible. */
  async give(name: string, directory: HostPath): Promise<boolean> {
    const root = this.#root;
    if (root === undefined) return false;
    return succeeds(async () => {
      await mkdir(root, { recursive: true, mode: 0o700 });
      await this.take(name);
      await rename(directory, under(root, name));
    });
  }

  /** Takes away everything that waits under a name with this beginning but these. */
  async retain(beginning: string, names: ReadonlySet<string>): Promise<void> {
    const waiting: string[] = this.#root === undefined ? [] : await readdir(this.#root).catch(() => []);
    for (const name of waiting) if (name.startsWith(beginning) && !names.has(name)) await this.take(name);
  }
}
