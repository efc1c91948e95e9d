import { chmod, mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { posix } from "node:path";
import { type HostPath, under } from "../std/path.ts";
import { seenAs, type View } from "./view.ts";

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}

async function makeFile(path: string): Promise<void> {
  await makeFolder(posix.dirname(path));
  await writeFile(path, "", { flag: "a" });
}

/** Whether something of this machine is a directory; a mount takes one only upon another. */
export async function isFolder(host: string): Promise<boolean> {
  return (await stat(host)).isDirectory();
}

/**
 * Makes in the empty folder `root` everything a view without a root of its own mounts upon, and its links. What is inside another
 * mount is made, too, and then not seen.
 */
export async function makeSkeleton(root: HostPath, view: View): Promise<void> {
  await chmod(root, 0o755);
  for (const step of view.steps) {
    const path = under(root, step.guest);
    if (step.make === "link") await symlink(step.target, path);
    else if (step.make === "mount" && !(await isFolder(seenAs(step)))) await makeFile(path);
    else if (step.make !== "cover") await makeFolder(path);
  }
}

const devices = ["null", "zero", "full", "random", "urandom", "tty"];

/** Makes in an empty folder the places and links of a minimal /dev, and returns the names of the devices that belong there. */
export async function makeDev(dev: HostPath): Promise<readonly string[]> {
  await chmod(dev, 0o755);
  await Promise.all(devices.map((name) => makeFile(under(dev, name))));
  await Promise.all(["pts", "shm"].map((name) => makeFolder(under(dev, name))));
  await symlink("/proc/self/fd", under(dev, "fd"));
  await Promise.all(["stdin", "stdout", "stderr"].map((name, fd) => symlink(`/proc/self/fd/${fd}`, under(dev, name))));
  await symlink("pts/ptmx", under(dev, "ptmx"));
  return devices;
}
