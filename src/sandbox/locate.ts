import { lstat, readFile, readlink } from "node:fs/promises";
import { posix } from "node:path";
import { type GuestPath, guestPath, type HostPath, hostPath } from "../std/path.ts";
import { isWithin, type Step, seenAs } from "./view.ts";

/** Where a guest path leads once every link is followed, and what of this machine is there. */
export interface Located {
  readonly guest: GuestPath;
  /** `nothing`: not there. `kernel`: made by the kernel, so not on this machine's disks. */
  readonly host: HostPath | "nothing" | "kernel";
}

/** The step that decides what is at a path: the last one that puts something there or above. */
function deciding(steps: readonly Step[], path: string): Step | undefined {
  return steps.findLast((step) => isWithin(path, step.guest) && (step.make !== "directory" || step.guest === path));
}

function below(base: string, step: Step, path: string): HostPath {
  return hostPath(posix.join(base, posix.relative(step.guest, path)));
}

type Seen =
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "here"; readonly host: Located["host"] };

function hostOf(seen: Seen): Located["host"] {
  return seen.kind === "here" ? seen.host : "nothing";
}

async function seenAt(host: HostPath): Promise<Seen> {
  const found = await lstat(host).catch(() => undefined);
  if (found === undefined) return { kind: "here", host: "nothing" };
  return found.isSymbolicLink() ? { kind: "link", target: await readlink(host) } : { kind: "here", host };
}

async function lookAt(steps: readonly Step[], path: string): Promise<Seen> {
  const step = deciding(steps, path);
  switch (step?.make) {
    case "link":
      return step.guest === path ? { kind: "link", target: step.target } : { kind: "here", host: "nothing" };
    case "mount":
      return seenAt(below(seenAs(step), step, path));
    case "proc":
    case "dev":
    case "directory":
      return { kind: "here", host: "kernel" };
    case "cover":
      return { kind: "here", host: "nothing" };
    case undefined:
      return { kind: "here", host: path === "/" ? "kernel" : "nothing" };
  }
}

/** Follows a guest path through the steps of a view. What is missing at its end is kept as it is written. */
export async function locate(steps: readonly Step[], path: GuestPath): Promise<Located> {
  let pending = path.split("/").filter((name) => name !== "");
  let guest = "/";
  let host = hostOf(await lookAt(steps, guest));
  // The kernel, too, follows 40 links and no more.
  for (let links = 0; pending.length > 0; ) {
    const [name, ...rest] = pending as [string, ...string[]];
    const next = posix.join(guest, name);
    const seen = await lookAt(steps, next);
    if (seen.kind === "here") {
      [guest, host, pending] = [next, seen.host, rest];
      continue;
    }
    links += 1;
    if (links > 40) return { guest: path, host: "nothing" };
    if (posix.isAbsolute(seen.target)) guest = "/";
    host = hostOf(await lookAt(steps, guest));
    pending = [...seen.target.split("/").filter((part) => part !== ""), ...rest];
  }
  return { guest: guestPath(guest), host };
}

/** Where this machine has a guest path, links not followed; undefined for what no mount shows. */
export function seenIn(steps: readonly Step[], path: GuestPath): HostPath | undefined {
  const step = deciding(steps, path);
  return step?.make === "mount" ? below(seenAs(step), step, path) : undefined;
}

/** Whether a view shows something of this machine's disks at a path. */
export async function isThere(steps: readonly Step[], path: string): Promise<boolean> {
  const { host } = await locate(steps, guestPath(path));
  return host !== "nothing" && host !== "kernel";
}

/** Where a view has the program `env`. */
export async function envIn(steps: readonly Step[]): Promise<GuestPath | undefined> {
  for (const path of ["/usr/bin/env", "/bin/env"]) if (await isThere(steps, path)) return guestPath(path);
  return undefined;
}

/** The text of a file a view shows of this machine's disks; undefined when there is none. */
export async function textAt(steps: readonly Step[], path: string): Promise<string | undefined> {
  const { host } = await locate(steps, guestPath(path));
  return host === "nothing" || host === "kernel" ? undefined : readFile(host, "utf8");
}
