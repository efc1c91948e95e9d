import { access, constants, readFile } from "node:fs/promises";
import type { Refusal } from "./contract.ts";
import { toolPath } from "./spawn.ts";

/** What a machine says about namespaces. */
export interface Facts {
  /** `kernel.unprivileged_userns_clone`, `user.max_user_namespaces` and `kernel.apparmor_restrict_unprivileged_userns`, where they exist. */
  readonly cloneAllowed: string | undefined;
  readonly most: string | undefined;
  readonly apparmorRestricts: string | undefined;
  /** Whether a seccomp filter watches this process, as container runtimes install. */
  readonly isFiltered: boolean;
  /** Whether parts of /proc are covered, as container runtimes do: the kernel then lets nobody mount another. */
  readonly isProcCovered: boolean;
  /** Whether any of the programs that make namespaces is there. */
  readonly hasTool: boolean;
}

async function setting(name: string): Promise<string | undefined> {
  return (await readFile(`/proc/sys/${name}`, "utf8").catch(() => undefined))?.trim();
}

async function hasAny(programs: readonly string[]): Promise<boolean> {
  const paths = toolPath.split(":").flatMap((folder) => programs.map((program) => `${folder}/${program}`));
  const found = await Promise.all(
    paths.map((path) =>
      access(path, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

/** Asks the kernel. */
export async function readFacts(): Promise<Facts> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const mounts = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  return {
    cloneAllowed: await setting("kernel/unprivileged_userns_clone"),
    most: await setting("user/max_user_namespaces"),
    apparmorRestricts: await setting("kernel/apparmor_restrict_unprivileged_userns"),
    isFiltered: /^Seccomp:\s*2$/m.test(status),
    isProcCovered: /^\S+ \S+ \S+ \S+ \/proc\/(?!sys\/fs\/binfmt_misc )/m.test(mounts),
    hasTool: await hasAny(["bwrap", "unshare"]),
  };
}

function settingThatForbids(facts: Facts): Omit<Refusal, "usable"> | undefined {
  const { cloneAllowed, most, apparmorRestricts, isFiltered, isProcCovered, hasTool } = facts;
  if (!hasTool) return { because: "neither bwrap nor unshare is installed", hint: "install bubblewrap" };
  if (most === "0")
    return { because: "user.max_user_namespaces is 0", hint: "set it: sysctl -w user.max_user_namespaces=10000" };
  if (cloneAllowed === "0")
    return {
      because: "kernel.unprivileged_userns_clone is 0",
      hint: "set it: sysctl -w kernel.unprivileged_userns_clone=1",
    };
  if (apparmorRestricts === "1")
    return {
      because: "kernel.apparmor_restrict_unprivileged_userns is 1",
      hint: "give bwrap an AppArmor profile that allows userns, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    };
  if (isFiltered)
    return {
      because: "a seccomp filter watches this process, as in a container",
      hint: "start the container with --security-opt seccomp=unconfined",
    };
  if (isProcCovered)
    return {
      because: "parts of /proc are covered, as in a container",
      hint: "start the container with --security-opt systempaths=unconfined",
    };
  return undefined;
}

/** Why namespaces cannot be used: the setting that forbids them, and what the tools said when they were tried. */
export function explainRefusal(facts: Facts, complaints: readonly string[]): Refusal {
  const said = [...new Set(complaints)].join("; ");
  const found = settingThatForbids(facts);
  if (found === undefined)
    return { usable: false, because: said, hint: "install bubblewrap and allow user namespaces" };
  return { usable: false, because: `${found.because} (${said})`, hint: found.hint };
}
