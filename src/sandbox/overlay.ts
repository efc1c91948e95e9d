import { mkdir, symlink } from "node:fs/promises";
import { type HostPath, under } from "../std/path.ts";
import { line } from "./shell.ts";

/** Directories to be stacked: `lower` bottom first, at least one, below `upper`. */
export interface Stack {
  readonly lower: readonly HostPath[];
  readonly upper: HostPath;
  readonly work: HostPath;
}

/** A layer that comes again hides all that its first coming showed, and the kernel takes no directory twice. */
function lastOfEach(lower: readonly HostPath[]): HostPath[] {
  return lower.filter((path, index) => lower.lastIndexOf(path) === index);
}

// Not synced: a machine that stops in the middle of a build begins it anew. Its mark would forbid the next mount.
const options = "userxattr,volatile,index=off";
const forget = "rm -rf work/work/incompat";

/**
 * Makes in the empty `folder` what is needed to mount a stack at `merged` in it, and gives the shell commands that do it. They use
 * short relative names: a mount option cannot hold every character a path can, all of them together are a page at most, and the
 * programs of util-linux must not use the newer call that takes 256 bytes for all lower directories.
 */
export async function overlayCommands(folder: HostPath, stack: Stack): Promise<readonly string[]> {
  const lower = lastOfEach(stack.lower);
  const names = lower.map((_, index) => index.toString(36));
  await mkdir(under(folder, "merged"), { recursive: true });
  await symlink(stack.upper, under(folder, "upper"));
  await symlink(stack.work, under(folder, "work"));
  await Promise.all(names.map((name, index) => symlink(lower[index]!, under(folder, name))));
  const data = `lowerdir=${names.toReversed().join(":")},upperdir=upper,workdir=work,${options}`;
  return [
    line("cd", folder),
    forget,
    `LIBMOUNT_FORCE_MOUNT2=always ${line("mount", "-n", "-t", "overlay", "-o", data, "overlay", "merged")}`,
  ];
}
