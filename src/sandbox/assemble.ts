import { Fault } from "../std/fault.ts";
import { kindOf } from "../std/file.ts";
import { type GuestPath, guestPath, type HostPath, under } from "../std/path.ts";
import { groupWith, homeOf, passwdWith } from "./account.ts";
import type { Mount, Surroundings } from "./contract.ts";
import { missingFolders, withPlaces } from "./layout.ts";
import { isThere, locate, textAt } from "./locate.ts";
import { kernelSteps, machineSteps } from "./machine.ts";
import { makePlaces } from "./place.ts";
import { privateFile, privateFolder } from "./private.ts";
import { resolverMounts } from "./resolver.ts";
import { type MountStep, mountStep, outerFirst, type Shown, type Step, seenAs, type View } from "./view.ts";

/** What a holder has mounted for a sandbox. */
export interface Merged {
  /** The root of an image; it can be changed here whatever jobs may do. */
  readonly root: MountStep | undefined;
  readonly overlays: readonly Shown[];
}

/** The home folder: where an image has one, with what is in it. */
async function homeMount(scratch: HostPath, home: string, { root }: Merged): Promise<Shown> {
  if (root === undefined || !(await isThere([root], home))) return privateFolder(scratch, "home", home, 0o755);
  const { guest } = await locate([root], guestPath(home));
  return { host: under(root.host, guest), seen: under(seenAs(root), guest), guest, access: "rw" };
}

/** What a sandbox adds of its own: who is who, and places to write that nobody else sees. */
async function privateMounts(
  scratch: HostPath,
  base: readonly Step[],
  { root, user }: Surroundings,
  merged: Merged,
): Promise<Shown[]> {
  // The accounts of the machine itself are none of a job's business.
  const known = root.kind === "machine" ? [] : base;
  const [oldPasswd, oldGroup] = [await textAt(known, "/etc/passwd"), await textAt(known, "/etc/group")];
  const [passwd, group] = [passwdWith(user, oldPasswd), groupWith(user, oldGroup)];
  return [
    ...(passwd === oldPasswd ? [] : [await privateFile(scratch, "passwd", "/etc/passwd", passwd)]),
    ...(group === oldGroup ? [] : [await privateFile(scratch, "group", "/etc/group", group)]),
    await privateFolder(scratch, "tmp", "/tmp", 0o1777),
    await privateFolder(scratch, "var-tmp", "/var/tmp", 0o1777),
    await homeMount(scratch, homeOf(user.uid, passwd), merged),
  ];
}

function placesIn(step: Step, places: readonly GuestPath[]): Step[] | Promise<Step[]> {
  return step.make === "mount" && step.access === "ro" ? withPlaces(step, places) : [step];
}

/** Throws Fault `sandbox.mount` when there is nothing to mount. */
export async function checkMounts(mounts: readonly Mount[]): Promise<void> {
  for (const { host, guest } of mounts) {
    if ((await kindOf(host)) === undefined)
      throw new Fault("sandbox.mount", `Cannot open sandbox: there is nothing at ${host} to show as ${guest}`);
  }
}

/** The mounts with guest paths that hold no links of what is at their base, so that nothing is mounted upon a link. */
export async function settled(base: readonly Step[], mounts: readonly Shown[]): Promise<Shown[]> {
  return Promise.all(mounts.map(async (mount) => ({ ...mount, guest: (await locate(base, mount.guest)).guest })));
}

async function rootSteps({ root, network }: Surroundings, merged: Merged): Promise<readonly Step[]> {
  if (root.kind === "machine") return machineSteps(network);
  if (root.kind === "directory") return [mountStep({ host: root.path, guest: guestPath("/"), access: root.access })];
  return merged.root ? [merged.root] : [];
}

/** What is not this machine's root has no idea of its names, and learns them where it is on its network. */
async function namesOfMachine({ root, network }: Surroundings): Promise<Mount[]> {
  return root.kind === "image" && network === "host" ? resolverMounts() : [];
}

/** The base as jobs see it, and folders to make in it, so that there is something to mount upon at each of `mounts`. */
async function withRoom(base: readonly Step[], mounts: readonly Shown[], merged: Merged): Promise<Step[]> {
  if (merged.root !== undefined) {
    await makePlaces(merged.root, mounts);
    return [...base];
  }
  const places = [guestPath("/proc"), guestPath("/dev"), ...mounts.map(({ guest }) => guest)];
  const shown = (await Promise.all(base.map((step) => placesIn(step, places)))).flat();
  return [...shown, ...missingFolders(shown, places)];
}

/** Plans what the jobs of a sandbox see, and makes what it adds in `scratch`. Mounts asked for win over the sandbox's own. */
export async function assembleView(scratch: HostPath, surroundings: Surroundings, merged: Merged): Promise<View> {
  await checkMounts(surroundings.mounts);
  const base = await rootSteps(surroundings, merged);
  const asked = await settled(base, [...surroundings.mounts, ...merged.overlays]);
  const names = await namesOfMachine(surroundings);
  const own = await settled(base, [...names, ...(await privateMounts(scratch, base, surroundings, merged))]);
  const mounts = outerFirst([...own.filter(({ guest }) => !asked.some((mount) => mount.guest === guest)), ...asked]);
  const shown = await withRoom(base, mounts, merged);
  return {
    steps: [...shown, ...kernelSteps(), ...mounts.map(mountStep)],
    sealed: !shown.some((step) => step.guest === "/"),
  };
}
