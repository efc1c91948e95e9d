import { accessSync, constants, type Dirent, lstatSync, readdirSync } from "node:fs";
import { lstat, readlink, realpath } from "node:fs/promises";
import { errnoOf } from "../std/fault.ts";
import { guestPath, hostPath } from "../std/path.ts";
import { isWithin, type MountStep, mountStep, type Step } from "./view.ts";

// What a system consists of, whatever the distribution. Nix and Guix keep programs in stores of their own.
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

function shownAsItIs(path: string): MountStep {
  return mountStep({ host: hostPath(path), guest: guestPath(path), access: "ro" });
}

async function stepFor(folder: string): Promise<Step | undefined> {
  try {
    const isLink = (await lstat(folder)).isSymbolicLink();
    return isLink ? { make: "link", guest: guestPath(folder), target: await readlink(folder) } : shownAsItIs(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function canRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function modeOf(path: string): number | undefined {
  try {
    return lstatSync(path).mode;
  } catch {
    return undefined;
  }
}

function entriesIn(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/**
 * Covers over everything below a folder that is not for every user's eyes but for ours, most of all when we are root. It takes some
 * milliseconds; waiting for each of so many small answers would take several times as long.
 */
function covers(folder: string): Step[] {
  return entriesIn(folder).flatMap((entry): Step[] => {
    const path = `${folder}/${entry.name}`;
    const mode = entry.isSymbolicLink() ? undefined : modeOf(path);
    if (mode === undefined) return [];
    const isOpen = entry.isDirectory() ? (mode & 0o005) === 0o005 : (mode & 0o004) !== 0;
    if (isOpen) return entry.isDirectory() ? covers(path) : [];
    const kind = entry.isDirectory() ? "directory" : "file";
    return canRead(path) ? [{ make: "cover", guest: guestPath(path), kind }] : [];
  });
}

/** Where the resolver's configuration really is, when that is a folder jobs do not see: on many systems it is a link into /run. */
async function resolver(): Promise<Step[]> {
  const path = await realpath("/etc/resolv.conf").catch(() => undefined);
  if (path === undefined || systemFolders.some((folder) => isWithin(path, folder))) return [];
  return [shownAsItIs(path)];
}

/** This machine's system folders, read-only, without what is not meant for everyone; with what name resolution needs on the host's network. */
export async function machineSteps(network: string): Promise<Step[]> {
  const folders = await Promise.all(systemFolders.map(stepFor));
  const shown = folders.filter((step) => step !== undefined);
  return [...shown, ...covers("/etc"), ...(network === "host" ? await resolver() : [])];
}

/** The kernel's switches, read-only: a process that is root outside may turn them even without any capability. */
function switches(): Step[] {
  if (process.getuid?.() !== 0) return [];
  // Names alone: what kind a process's folder is cannot be told any more when the process has ended meanwhile.
  return readdirSync("/proc")
    .filter((name) => !/^\d+$/.test(name))
    .flatMap((name): Step[] => {
      const path = `/proc/${name}`;
      const mode = modeOf(path) ?? 0;
      const kind = mode & constants.S_IFMT;
      const isShown = kind === constants.S_IFDIR || (kind !== constants.S_IFLNK && (mode & 0o222) !== 0);
      return isShown ? [shownAsItIs(path)] : [];
    });
}

/** The kernel's own folders. */
export function kernelSteps(): Step[] {
  return [{ make: "proc", guest: guestPath("/proc") }, ...switches(), { make: "dev", guest: guestPath("/dev") }];
}
