import { posix } from "node:path";
import { type HostPath, under } from "../std/path.ts";
import { type MountPoint, mountsBelow, restrictionsAt, tableLine } from "./mount-table.ts";
import { isFolder } from "./skeleton.ts";
import { type MountStep, type Step, seenAs, type View } from "./view.ts";

const plain = ["nosuid", "nodev"];
// Makes folders nobody has made yet, as in the writable root of an image.
const made = "X-mount.mkdir=0755";

/** The mount options of a step, with the restrictions its source already has. */
export function optionsOf(step: MountStep, points: readonly MountPoint[]): string[] {
  return [...new Set([...plain, ...restrictionsAt(points, step.host), ...(step.access === "ro" ? ["ro"] : [])])];
}

/** Read-only does not reach the mounts inside a mount: each of them is mounted once more upon itself. */
function innerLines(step: MountStep, root: HostPath, points: readonly MountPoint[]): string[] {
  const inner = step.access === "ro" ? mountsBelow(points, step.host) : [];
  return inner.map((place) => {
    const host = place as HostPath;
    const target = posix.join(root, step.guest, posix.relative(step.host, host));
    return tableLine(host, target, "none", ["bind", ...optionsOf({ ...step, host }, points)]);
  });
}

async function mountLines(step: MountStep, root: HostPath, points: readonly MountPoint[]): Promise<string[]> {
  const inner = innerLines(step, root, points);
  if (step.guest === "/") return inner;
  const options = ["rbind", ...optionsOf(step, points), ...((await isFolder(seenAs(step))) ? [made] : [])];
  return [tableLine(step.host, under(root, step.guest), "none", options), ...inner];
}

function devLines(target: HostPath, { folder, names }: Dev): string[] {
  return [
    tableLine(folder, target, "none", ["bind", ...plain, made]),
    ...names.map((name) => tableLine(`/dev/${name}`, under(target, name), "none", ["bind"])),
    tableLine("devpts", under(target, "pts"), "devpts", [
      "newinstance",
      "ptmxmode=0666",
      "mode=620",
      "nosuid",
      "noexec",
    ]),
    tableLine("tmpfs", under(target, "shm"), "tmpfs", ["mode=1777", ...plain]),
  ];
}

/** What a /dev consists of: a folder with its places and links, and the names of the devices. */
export interface Dev {
  readonly folder: HostPath;
  readonly names: readonly string[];
}

async function linesOf(step: Step, root: HostPath, points: readonly MountPoint[], dev: Dev): Promise<string[]> {
  const target = under(root, step.guest);
  switch (step.make) {
    case "mount":
      return mountLines(step, root, points);
    case "cover":
      // A device on a mount that allows none cannot be opened.
      return step.kind === "file"
        ? [tableLine("/dev/null", target, "none", ["bind", "ro", ...plain])]
        : [tableLine("tmpfs", target, "tmpfs", ["ro", "mode=000", ...plain])];
    case "proc":
      return [tableLine("proc", target, "proc", ["nosuid", "nodev", "noexec", made])];
    case "dev":
      return devLines(target, dev);
    case "directory":
    case "link":
      return [];
  }
}

/** The mount table (fstab(5)) that makes a view below `root`, where its root directory is already mounted. */
export async function tableOf(view: View, root: HostPath, points: readonly MountPoint[], dev: Dev): Promise<string> {
  const lines = await Promise.all(view.steps.map((step) => linesOf(step, root, points, dev)));
  return lines.flat().join("");
}
