import { Fault } from "../std/fault.ts";
import { kindOf } from "../std/file.ts";
import { type GuestPath, guestPath, type HostPath } from "../std/path.ts";
import { groupWith, homeOf, passwdWith } from "./account.ts";
import type { Mount, Root, Surroundings } from "./contract.ts";
import { missingFolders, withPlaces } from "./layout.ts";
import { locate, textAt } from "./locate.ts";
import { kernelSteps, machineSteps } from "./machine.ts";
import { privateFile, privateFolder } from "./private.ts";
import { type MountStep, mountStep, outerFirst, type Step, type View } from "./view.ts";

function rootStep(root: Extract<Root, { kind: "directory" }>): MountStep {
  return mountStep({ host: root.path, guest: guestPath("/"), access: root.access });
}

/** What a sandbox adds of its own: who is who, and places to write that nobody else sees. */
async function privateMounts(scratch: HostPath, base: readonly Step[], { root, user }: Surroundings): Promise<Mount[]> {
  // The accounts of the machine itself are none of a job's business.
  const known = root.kind === "machine" ? [] : base;
  const passwd = passwdWith(user, await textAt(known, "/etc/passwd"));
  const group = groupWith(user, await textAt(known, "/etc/group"));
  return [
    await privateFile(scratch, "passwd", "/etc/passwd", passwd),
    await privateFile(scratch, "group", "/etc/group", group),
    await privateFolder(scratch, "tmp", "/tmp", 0o1777),
    await privateFolder(scratch, "var-tmp", "/var/tmp", 0o1777),
    await privateFolder(scratch, "home", homeOf(user.uid, passwd), 0o755),
  ];
}

function placesIn(step: Step, places: readonly GuestPath[]): Step[] | Promise<Step[]> {
  return step.make === "mount" && step.access === "ro" ? withPlaces(step, places) : [step];
}

async function checkMounts(mounts: readonly Mount[]): Promise<void> {
  for (const { host, guest } of mounts) {
    if ((await kindOf(host)) === undefined)
      throw new Fault("sandbox.mount", `Cannot open sandbox: there is nothing at ${host} to show as ${guest}`);
  }
}

/** The mounts with guest paths that hold no links of what is at their base, so that nothing is mounted upon a link. */
export async function settled(base: readonly Step[], mounts: readonly Mount[]): Promise<Mount[]> {
  return Promise.all(mounts.map(async (mount) => ({ ...mount, guest: (await locate(base, mount.guest)).guest })));
}

async function rootSteps({ root, network }: Surroundings): Promise<Step[]> {
  return root.kind === "directory" ? [rootStep(root)] : machineSteps(network);
}

/** Plans what the jobs of a sandbox see, and makes what it adds in `scratch`. Mounts asked for win over the sandbox's own. */
export async function assembleView(scratch: HostPath, surroundings: Surroundings): Promise<View> {
  await checkMounts(surroundings.mounts);
  const base = await rootSteps(surroundings);
  const asked = await settled(base, surroundings.mounts);
  const own = await settled(base, await privateMounts(scratch, base, surroundings));
  const mounts = outerFirst([...own.filter(({ guest }) => !asked.some((mount) => mount.guest === guest)), ...asked]);
  const places = [guestPath("/proc"), guestPath("/dev"), ...mounts.map(({ guest }) => guest)];
  const shown = (await Promise.all(base.map((step) => placesIn(step, places)))).flat();
  return {
    steps: [...shown, ...missingFolders(shown, places), ...(await kernelSteps()), ...mounts.map(mountStep)],
    sealed: !shown.some((step) => step.guest === "/"),
  };
}
