import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "./fault.ts";

/** Removes a directory with everything below it, also below directories nobody may write; nothing happens when it is not there. */
export async function removeTree(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true });
  } catch (error) {
    if (errnoOf(error) !== "EACCES" && errnoOf(error) !== "EPERM") throw error;
    await openUp(directory);
    await rm(directory, { recursive: true, force: true });
  }
}

/** Removing what is in a directory takes the permission to write it, which its maker may have taken away. */
async function openUp(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await openUp(join(directory, entry.name));
  }
}
