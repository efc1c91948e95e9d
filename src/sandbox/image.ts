import type { ContainerConfig } from "../oci/config.ts";
import { Fault } from "../std/fault.ts";
import { makeDirectory } from "../std/file.ts";
import { guestPath, type HostPath, under } from "../std/path.ts";
import { groupWith, homeOf, type Ids, idsOf, passwdWith } from "./account.ts";
import { settled } from "./assemble.ts";
import { type Changeable, openChangeable } from "./changeable.ts";
import { programOf, type Wishes } from "./command.ts";
import type { Backend, Start } from "./container.ts";
import type { Mount } from "./contract.ts";
import { envIn, isThere, locate, textAt } from "./locate.ts";
import { kernelSteps } from "./machine.ts";
import { obstacleOf } from "./obstacle.ts";
import { checkJob } from "./open.ts";
import { privateFile, privateFolder } from "./private.ts";
import { resolverMounts } from "./resolver.ts";
import { mountStep, outerFirst, type Step, type View } from "./view.ts";

/** An image to start, and how. */
export interface UnpackedImage extends Wishes {
  /** What people call it. */
  readonly name: string;
  /** The directories its files are in, bottom first (`ImageRoot`). */
  readonly layers: readonly HostPath[];
  readonly config: ContainerConfig;
  /** The user, in the words of an image config. */
  readonly user: string | undefined;
  readonly network: "host" | "none";
  readonly volumes: readonly Mount[];
}

interface ImageView {
  readonly view: View;
  readonly user: Ids;
  readonly home: string;
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
async function viewImage(image: UnpackedImage, root: Changeable, scratch: HostPath): Promise<ImageView | undefined> {
  const base = [mountStep({ host: root.host, seen: root.seen, guest: guestPath("/"), access: "rw" })];
  const passwd = await textAt(base, "/etc/passwd");
  const user = idsOf(image.user, passwd ?? "", (await textAt(base, "/etc/group")) ?? "");
  if (user === undefined) return undefined;
  const home = homeOf(user.uid, passwdWith(user, passwd));
  const resolver = image.network === "host" ? await resolverMounts() : [];
  const asked = await settled(base, image.volumes);
  const own = await settled(base, [...resolver, ...(await completions(scratch, base, user, home))]);
  const wanted = own.filter(({ guest }) => !asked.some((mount) => mount.guest === guest));
  const rest = [...kernelSteps(), ...outerFirst([...wanted, ...asked]).map(mountStep)];
  return { view: { steps: [...base, ...rest], sealed: false }, user, home };
}

async function startOf(backend: Backend, image: UnpackedImage, root: Changeable, scratch: HostPath): Promise<Start> {
  const refuse = (because: string, hint?: string): never => {
    throw new Fault("run.start", `Cannot start ${image.name}: ${because}`, { exit: "launch", ...(hint && { hint }) });
  };
  const { view, user, home } = (await viewImage(image, root, scratch)) ?? refuse(`it has no user ${image.user}`);
  const program = programOf(image.config, image, home) ?? refuse("it names no program", "name one with --entrypoint");
  checkJob(program);
  const obstacle = await obstacleOf(program, async (path) => (await locate(view.steps, guestPath(path))).host);
  if (obstacle !== undefined) refuse(obstacle);
  const env = await envIn(view.steps);
  const { argv, input } = (await backend.prepare({ view, user, network: image.network, env, scratch }))(program);
  return { argv: root.enter(argv), input };
}

/** How to start an image; dispose of it when its program has ended. */
export type PreparedImage = Start & AsyncDisposable;

/**
 * Makes ready to start the program of an image: what is said here of `folder` (empty, the caller's to remove) stands in it, the image
 * itself is not changed. Throws Fault `run.start` with what stands in the way.
 */
export async function prepareImage(backend: Backend, image: UnpackedImage, folder: HostPath): Promise<PreparedImage> {
  const scratch = under(folder, "scratch");
  await makeDirectory(scratch);
  const root = await openChangeable(image.layers, folder);
  try {
    const start = await startOf(backend, image, root, scratch);
    return { ...start, [Symbol.asyncDispose]: () => root[Symbol.asyncDispose]() };
  } catch (error) {
    await root[Symbol.asyncDispose]();
    throw error;
  }
}
