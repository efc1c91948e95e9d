import { lstat, readdir, readlink, realpath } from "node:fs/promises";
import { errnoOf } from "../std/fault.ts";
import { type GuestPath, guestPath, hostPath } from "../std/path.ts";
import type { Step } from "./view.ts";

// What a system is made of, on every distribution; where programs of the store kind live, only their stores.
const systemFolders = [
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/etc",
  "/nix/store",
  "/gnu/store",
];

async function stepFor(folder: string): Promise<Step | undefined> {
  try {
    const found = await lstat(folder);
    if (found.isSymbolicLink()) return { make: "link", guest: guestPath(folder), target: await readlink(folder) };
    return { make: "mount", host: hostPath(folder), guest: guestPath(folder), access: "ro" };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Everything below a folder that only some users may read: running as root, the kernel would not keep a job from it. */
async function confidential(folder: string): Promise<Step[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry): Promise<Step[]> => {
      const path = `${folder}/${entry.name}`;
      if (entry.isSymbolicLink()) return [];
      const { mode } = await lstat(path);
      const guest = guestPath(path);
      if (entry.isDirectory())
        return (mode & 0o005) === 0o005 ? confidential(path) : [{ make: "cover", guest, kind: "directory" }];
      return (mode & 0o004) === 0 ? [{ make: "cover", guest, kind: "file" }] : [];
    }),
  );
  return found.flat();
}

function isShown(path: string): boolean {
  return systemFolders.some((folder) => path.startsWith(`${folder}/`));
}

/** The resolver's configuration is often a link to a folder jobs do not see. */
async function resolver(): Promise<Step[]> {
  const path = await realpath("/etc/resolv.conf").catch(() => undefined);
  if (path === undefined || isShown(path)) return [];
  return [{ make: "mount", host: hostPath(path), guest: guestPath(path), access: "ro" }];
}

/** This machine's system folders, read-only, without what is not meant for everyone. */
export async function machineSteps(network: "host" | "none"): Promise<Step[]> {
  const folders = await Promise.all(systemFolders.map(stepFor));
  const shown = folders.filter((step) => step !== undefined);
  return [...shown, ...(await confidential("/etc")), ...(network === "host" ? await resolver() : [])];
}

/** The guest paths of the files that say who is who. */
export const accountFiles: { readonly passwd: GuestPath; readonly group: GuestPath } = {
  passwd: guestPath("/etc/passwd"),
  group: guestPath("/etc/group"),
};
