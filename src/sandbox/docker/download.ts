import { lstat, mkdir, readdir, rename, symlink } from "node:fs/promises";
import { posix } from "node:path";
import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { loadExeca } from "../../std/execa.ts";
import { errnoOf, Fault } from "../../std/fault.ts";
import { kindOf } from "../../std/file.ts";
import { type HostPath, under } from "../../std/path.ts";
import { removeTree } from "../../std/remove.ts";
import { unpackTar } from "../../tar/unpack.ts";
import type { Mount } from "../contract.ts";
import { toolPath } from "../spawn.ts";
import { isWithin } from "../view.ts";
import type { Listed } from "./listing.ts";

async function move(from: HostPath, to: HostPath): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (errnoOf(error) !== "EXDEV") throw error;
    const execa = await loadExeca();
    await execa("cp", ["-a", "--", from, to], { env: { PATH: toolPath }, extendEnv: false, stdin: "ignore" });
  }
}

async function replaceContent(of: HostPath, by: HostPath): Promise<void> {
  for (const name of await readdir(of)) await removeTree(under(of, name));
  for (const name of await readdir(by)) await move(under(by, name), under(of, name));
}

/** What other mounts show inside this one is theirs. */
async function leaveOut(unpacked: HostPath, mount: Mount, others: readonly Mount[]): Promise<void> {
  for (const { guest } of others) {
    if (guest === mount.guest || !isWithin(guest, mount.guest)) continue;
    await removeTree(under(unpacked, posix.relative(mount.guest, guest)));
  }
}

/** Brings one entry of a mounted directory back, as it was `listed` there, in place of what is here; one that is gone is removed. */
export async function downloadEntry(
  container: Docker.Container,
  mount: Mount,
  name: string,
  listed: Listed | undefined,
  others: readonly Mount[],
  folder: HostPath,
): Promise<void> {
  const [guest, host] = [under(mount.guest, name), under(mount.host, name)];
  await mkdir(folder);
  try {
    const unpacked = under(folder, name);
    // Podman follows a link that is asked for by its name.
    if (listed?.link !== undefined) await symlink(listed.link, unpacked);
    else if (listed !== undefined) {
      await unpackTar((await container.getArchive({ path: guest })) as Readable, folder);
      await leaveOut(unpacked, { ...mount, guest }, others);
    }
    await removeTree(host);
    if ((await kindOf(unpacked)) !== undefined) await move(unpacked, host);
  } finally {
    await removeTree(folder);
  }
}

/**
 * Brings what jobs have made of a mount back to this machine, by way of `folder` (new, removed in the end): what was there is
 * replaced only when all of it has arrived.
 */
export async function download(
  container: Docker.Container,
  mount: Mount,
  others: readonly Mount[],
  folder: HostPath,
): Promise<void> {
  await mkdir(folder);
  try {
    const archive = (await container.getArchive({ path: mount.guest })) as Readable;
    await unpackTar(archive, folder);
    const unpacked = under(folder, posix.basename(mount.guest));
    const [before, after] = await Promise.all([lstat(mount.host), lstat(unpacked)]);
    if (before.isDirectory() && after.isDirectory()) {
      await leaveOut(unpacked, mount, others);
      await replaceContent(mount.host, unpacked);
    } else if (before.isFile() && after.isFile()) await move(unpacked, mount.host);
    else throw new Fault("sandbox.copy", `Cannot copy ${mount.guest} from container: a job made something else of it`);
  } finally {
    await removeTree(folder);
  }
}
