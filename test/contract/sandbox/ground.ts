import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Exit, Job, Mount, Sandbox, Surroundings } from "../../../src/sandbox/contract.ts";
import { errnoOf } from "../../../src/std/fault.ts";
import { type GuestPath, guestPath, type HostPath, hostPath } from "../../../src/std/path.ts";
import { removeTree } from "../../../src/std/remove.ts";
import type { Subject } from "./kind.ts";

/** The PATH jobs get unless they say otherwise. */
export const PATH = "/usr/local/bin:/usr/bin:/bin";

/** A sandbox over this machine with one writable and one read-only folder of the test's own. */
export interface Ground extends AsyncDisposable {
  readonly sandbox: Sandbox;
  /** The folders on this machine: the writable one, the read-only one, and the one the sandbox keeps its own things in. */
  readonly open: HostPath;
  readonly closed: HostPath;
  readonly scratch: HostPath;
  /** The first two as jobs see them. */
  readonly guest: { readonly open: GuestPath; readonly closed: GuestPath };
  /** Runs a shell script in the writable folder. */
  sh(script: string, more?: Partial<Job>, signal?: AbortSignal): Promise<Ran>;
  /** What is in the scratch folder. */
  remains(): string[];
}

/** How a job ended, and all it said. */
export interface Ran {
  readonly exit: Exit;
  readonly said: string;
}

/** Runs a job and collects what it says. */
export async function run(sandbox: Sandbox, job: Job, signal?: AbortSignal): Promise<Ran> {
  const chunks: Uint8Array[] = [];
  const exit = await sandbox.run(job, (chunk) => chunks.push(chunk), signal);
  return { exit, said: Buffer.concat(chunks).toString() };
}

/** Opens a sandbox of a kind for one test; disposing closes it and removes its folders. */
export async function groundOf(
  { kind, surroundings }: Pick<Subject, "kind" | "surroundings">,
  given: Partial<Surroundings> = {},
): Promise<Ground> {
  const more = { ...(await surroundings?.()), ...given };
  const base = hostPath(realpathSync(mkdtempSync(join(tmpdir(), "sandbox-test-"))));
  const place = (name: string) => {
    const path = hostPath(join(base, name));
    mkdirSync(path, { mode: 0o755 });
    return path;
  };
  const [open, closed, scratch] = [place("open"), place("closed"), place("scratch")];
  const guest = {
    open: guestPath(kind.translates ? "/layers" : open),
    closed: guestPath(kind.translates ? "/platform" : closed),
  };
  const mounts: Mount[] = [
    { host: open, guest: guest.open, access: "rw" },
    { host: closed, guest: guest.closed, access: "ro" },
    ...(more.mounts ?? []),
  ];
  const user = { uid: 1000, gid: 1000 };
  const opening = kind.open({ root: { kind: "machine" }, user, network: "host", scratch, ...more, mounts });
  const sandbox = await opening.catch(async (error) => {
    await removeTree(base);
    throw error;
  });
  return {
    sandbox,
    open,
    closed,
    scratch,
    guest,
    sh: (script, job, signal) =>
      run(sandbox, { argv: ["/bin/sh", "-c", script], cwd: guest.open, env: { PATH }, ...job }, signal),
    remains: () => readdirSync(scratch),
    async [Symbol.asyncDispose]() {
      await sandbox[Symbol.asyncDispose]();
      await removeTree(base);
    },
  };
}

/** Tells whether a process still holds something: jobs keep the writing end of a named pipe open for as long as they live. */
export interface Pulse extends Disposable {
  /** Put this first in a shell script: everything it starts holds the pipe. */
  readonly hold: string;
  /** Whether nobody holds the pipe any more. */
  isFlat(): boolean;
}

let count = 0;

/** A pulse in the writable folder of a ground. */
export function pulseIn({ open, guest }: Pick<Ground, "open" | "guest">): Pulse {
  count += 1;
  const name = `pulse-${count}`;
  execFileSync("mkfifo", ["-m", "666", join(open, name)]);
  const reader = openSync(join(open, name), constants.O_RDONLY | constants.O_NONBLOCK);
  return {
    hold: `exec 9>${guest.open}/${name}; `,
    isFlat() {
      try {
        return readSync(reader, Buffer.alloc(1)) === 0;
      } catch (error) {
        if (errnoOf(error) === "EAGAIN") return false;
        throw error;
      }
    },
    [Symbol.dispose]: () => closeSync(reader),
  };
}

/** A script in a folder. */
export function writeScript(folder: HostPath, name: string, text: string, mode = 0o755): void {
  writeFileSync(join(folder, name), text, { mode });
}
