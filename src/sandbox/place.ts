import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { posix } from "node:path";
import { errnoOf } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";
import { isThere } from "./locate.ts";
import { isFolder } from "./skeleton.ts";
import { type MountStep, type Shown, seenAs } from "./view.ts";

/** Makes one entry also in a directory of ours that is closed to its owner, as the root of some distributions is. */
async function makeIn(parent: string, make: () => Promise<unknown>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return;
    if (errnoOf(error) !== "EACCES") throw error;
    const { mode } = await stat(parent);
    await chmod(parent, 0o700);
    await make().finally(() => chmod(parent, mode & 0o7777));
  }
}

async function makeFolders(root: HostPath, guest: string): Promise<void> {
  let path = root;
  for (const name of guest.split("/").slice(1)) {
    const [parent, next] = [path, under(path, name)];
    await makeIn(parent, async () => {
      await mkdir(next);
      await chmod(next, 0o755);
    });
    path = next;
  }
}

async function makeFile(root: HostPath, guest: string): Promise<void> {
  await makeFolders(root, posix.dirname(guest));
  const path = under(root, guest);
  await makeIn(posix.dirname(path), () => writeFile(path, "", { flag: "wx" }));
}

/** Makes in a root that is ours to change what `mounts` (without links on their way) and the kernel's folders go upon and it lacks. */
export async function makePlaces(root: MountStep, mounts: readonly Shown[]): Promise<void> {
  const folder = seenAs(root);
  await makeFolders(folder, "/proc");
  await makeFolders(folder, "/dev");
  for (const mount of mounts) {
    if (await isThere([root], mount.guest)) continue;
    await ((await isFolder(seenAs(mount))) ? makeFolders : makeFile)(folder, mount.guest);
  }
}
