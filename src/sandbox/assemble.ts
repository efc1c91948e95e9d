import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { type GuestPath, guestPath, type HostPath, under } from "../std/path.ts";
import { groupWith, homeOf, passwdWith } from "./account.ts";
import type { Mount, Root, Surroundings } from "./contract.ts";
import { missingFolders, withPlaces } from "./layout.ts";
import { locate } from "./locate.ts";
import { kernelSteps, machineSteps } from "./machine.ts";
import { type MountStep, mountStep, outerFirst, type Step, type View } from "./view.ts";

function rootStep(root: Extract<Root, { kind: "directory" }>): MountStep {
  return mountStep({ host: root.path, guest: guestPath("/"), access: root.access });
}

async function textIn(root: Root, guest: string): Promise<string | undefined> {
  if (root.kind === "machine") return undefined;
  const { host } = await locate([rootStep(root)], guestPath(guest));
  return host === "nothing" || host === "kernel" ? undefined : readFile(host, "utf8");
}

async function privateFolder(scratch: HostPath, name: string, guest: string, mode: number): Promise<Mount> {
  const host = under(scratch, name);
  await mkdir(host);
  await chmod(host, mode);
  return { host, guest: guestPath(guest), access: "rw" };
}

async function privateFile(scratch: HostPath, name: string, guest: string, text: string): Promise<Mount> {
  const host = under(scratch, name);
  await writeFile(host, text);
  await chmod(host, 0o644);
  return { host, guest: guestPath(guest), access: "ro" };
}

/** What a sandbox adds of its own: who is who, and places to write that nobody else sees. */
async function privateMounts(scratch: HostPath, { root, user }: Surroundings): Promise<Mount[]> {
  const passwd = passwdWith(user, await textIn(root, "/etc/passwd"));
  const group = groupWith(user, await textIn(root, "/etc/group"));
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

/** The mounts with guest paths that hold no links of the root, so that nothing is mounted upon a link. */
async function settled(base: readonly Step[], mounts: readonly Mount[]): Promise<Mount[]> {
  return Promise.all(mounts.map(async (mount) => ({ ...mount, guest: (await locate(base, mount.guest)).guest })));
}

async function rootSteps({ root, network }: Surroundings): Promise<Step[]> {
  return root.kind === "directory" ? [rootStep(root)] : machineSteps(network);
}

/** Plans what the jobs of a sandbox see, and makes what it adds in `scratch`. Mounts asked for win over the sandbox's own. */
export async function assembleView(scratch: HostPath, surroundings: Surroundings): Promise<View> {
  const base = await rootSteps(surroundings);
  const asked = await settled(base, surroundings.mounts);
  const own = await settled(base, await privateMounts(scratch, surroundings));
  const mounts = outerFirst([...own.filter(({ guest }) => !asked.some((mount) => mount.guest === guest)), ...asked]);
  const places = [guestPath("/proc"), guestPath("/dev"), ...mounts.map(({ guest }) => guest)];
  const shown = (await Promise.all(base.map((step) => placesIn(step, places)))).flat();
  return {
    steps: [...shown, ...missingFolders(shown, places), ...(await kernelSteps()), ...mounts.map(mountStep)],
    sealed: !shown.some((step) => step.guest === "/"),
  };
}
