import { chmod, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "./fault.ts";

/** Removes a directory with everything below it, also below directories nobody may write; nothing happens when it is not there. */
export async function removeTree(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true });
  } catch (error) {
    if (errnoOf(error) !== "EACCES" && errnoOf(error) !== "EPERM") throw error;
    await removeClosed(directory);
  }
}

/** Removing what is in a directory takes the right to write it, which its maker may have taken away. */
async function removeClosed(directory: string): Promise<void> {
  // The first attempt has failed, but parts of it go on: what is here now may be gone a moment later.
  const unlessGone = async <T>(work: Promise<T>): Promise<T | undefined> =>
    work.catch((error) => {
      if (errnoOf(error) !== "ENOENT") throw error;
      return undefined;
    });
  await unlessGone(chmod(directory, 0o700));
  for (const entry of (await unlessGone(readdir(directory, { withFileTypes: true }))) ?? []) {
    const path = join(directory, entry.name);
    await (entry.isDirectory() ? removeClosed(path) : rm(path, { force: true }));
  }
  await unlessGone(rmdir(directory));
}
