import { realpath } from "node:fs/promises";
import type { ContainerConfig } from "../oci/config.ts";
import { Fault } from "../std/fault.ts";
import { makeDirectory } from "../std/file.ts";
import { guestPath, type HostPath, hostPath, under } from "../std/path.ts";
import { groupWith, homeOf, type Ids, idsOf, passwdWith } from "./account.ts";
import { settled } from "./assemble.ts";
import { programOf, type Wishes } from "./command.ts";
import type { Backend, Start } from "./container.ts";
import type { Mount } from "./contract.ts";
import { envIn, isThere, locate, textAt } from "./locate.ts";
import { kernelSteps } from "./machine.ts";
import { obstacleOf } from "./obstacle.ts";
import { checkJob } from "./open.ts";
import { layOverDirectory } from "./overlay.ts";
import { privateFile, privateFolder } from "./private.ts";
import { mountStep, outerFirst, type Step, type View } from "./view.ts";

/** An image to start, and how. */
export interface UnpackedImage extends Wishes {
  /** What people call it. */
  readonly name: string;
  /** Where all of its files are. */
  readonly directory: HostPath;
  readonly config: ContainerConfig;
  /** The user, in the words of an image config. */
  readonly user: string | undefined;
  readonly network: "host" | "none";
  readonly volumes: readonly Mount[];
}

interface ImageView {
  readonly view: View;
  /** The same with the image itself in place of the directory for writing: what stands where before the program begins. */
  readonly before: readonly Step[];
  readonly user: Ids;
  readonly home: string;
}

/** What of this machine's name resolution a program on its network needs. */
async function resolverMounts(): Promise<Mount[]> {
  const mounts = ["/etc/resolv.conf", "/etc/hosts"].map(async (path): Promise<Mount[]> => {
    const host = await realpath(path).catch(() => undefined);
    return host === undefined ? [] : [{ host: hostPath(host), guest: guestPath(path), access: "ro" }];
  });
  return (await Promise.all(mounts)).flat();
}

/** The files that name the user, where the image does not, and places an image is expected to have. */
async function completions(scratch: HostPath, base: readonly Step[], user: Ids, home: string): Promise<Mount[]> {
  const found: Mount[] = [];
  const passwd = await textAt(base, "/etc/passwd");
  const group = await textAt(base, "/etc/group");
  if (passwdWith(user, passwd) !== passwd)
    found.push(await privateFile(scratch, "passwd", "/etc/passwd", passwdWith(user, passwd)));
  if (groupWith(user, group) !== group)
    found.push(await privateFile(scratch, "group", "/etc/group", groupWith(user, group)));
  if (!(await isThere(base, "/tmp"))) found.push(await privateFolder(scratch, "tmp", "/tmp", 0o1777));
  if (!(await isThere(base, home))) found.push(await privateFolder(scratch, "home", home, 0o755));
  return found;
}

/** Plans what a program sees of an image; undefined for a user the image does not know. */
async function viewImage(image: UnpackedImage, root: HostPath, scratch: HostPath): Promise<ImageView | undefined> {
  const base = [mountStep({ host: image.directory, guest: guestPath("/"), access: "ro" })];
  const passwd = await textAt(base, "/etc/passwd");
  const user = idsOf(image.user, passwd ?? "", (await textAt(base, "/etc/group")) ?? "");
  if (user === undefined) return undefined;
  const home = homeOf(user.uid, passwdWith(user, passwd));
  const resolver = image.network === "host" ? await resolverMounts() : [];
  const asked = await settled(base, image.volumes);
  const own = await settled(base, [...resolver, ...(await completions(scratch, base, user, home))]);
  const wanted = own.filter(({ guest }) => !asked.some((mount) => mount.guest === guest));
  const rest = [...(await kernelSteps()), ...outerFirst([...wanted, ...asked]).map(mountStep)];
  const writable = mountStep({ host: root, guest: guestPath("/"), access: "rw" });
  return { view: { steps: [writable, ...rest], sealed: false }, before: [...base, ...rest], user, home };
}

/**
 * Makes ready to start the program of an image: what is said here of `folder` (empty, the caller's to remove) stands in it, the image
 * itself is not changed. Throws Fault `run.start` with what stands in the way.
 */
export async function prepareImage(backend: Backend, image: UnpackedImage, folder: HostPath): Promise<Start> {
  const refuse = (because: string, hint?: string): never => {
    throw new Fault("run.start", `Cannot start ${image.name}: ${because}`, { exit: "launch", ...(hint && { hint }) });
  };
  const scratch = under(folder, "scratch");
  await makeDirectory(scratch);
  const root = await layOverDirectory(image.directory, folder);
  const seen = (await viewImage(image, root.path, scratch)) ?? refuse(`it has no user ${image.user}`);
  const program =
    programOf(image.config, image, seen.home) ?? refuse("it names no program", "name one with --entrypoint");
  checkJob(program);
  const obstacle = await obstacleOf(program, async (path) => (await locate(seen.before, guestPath(path))).host);
  if (obstacle !== undefined) refuse(obstacle);
  const { view, user } = seen;
  const env = await envIn(seen.before);
  const startOf = await backend.prepare({ view, user, network: image.network, env, scratch });
  const { argv, input } = startOf(program);
  return { argv: root.wrap(argv), input };
}
