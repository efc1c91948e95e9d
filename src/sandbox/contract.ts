import type { GuestPath, HostPath } from "../std/path.ts";

/** What a sandbox shows of the host below a guest path. */
export interface Mount {
  readonly host: HostPath;
  readonly guest: GuestPath;
  readonly access: "ro" | "rw";
}

/** The root file system jobs see: this machine's own system folders, or an unpacked image. */
export type Root =
  | { readonly kind: "machine" }
  | { readonly kind: "directory"; readonly path: HostPath; readonly access: "ro" | "rw" };

/** What a sandbox is opened with. */
export interface Surroundings {
  readonly root: Root;
  readonly mounts: readonly Mount[];
  /** The ids jobs run under as they see it themselves. */
  readonly user: { readonly uid: number; readonly gid: number };
  readonly network: "host" | "none";
  /** A folder to keep what is private to the sandbox (its /tmp, its pipes); the system's temporary folder unless given. */
  readonly scratch?: HostPath;
}

/** One program to run to its end. */
export interface Job {
  /** Program (absolute guest path, or looked up on the job's PATH) and its arguments. */
  readonly argv: readonly [string, ...string[]];
  readonly cwd: GuestPath;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
}

/** Takes output as it comes, stderr and stdout in the order of arrival. */
export type Output = (chunk: Uint8Array) => void;

/** How a job ended. */
export type Exit =
  | { readonly kind: "exited"; readonly code: number }
  /** By a signal; an isolating sandbox also takes an exit code of 128 plus a signal's number for this, as shells mean it. */
  | { readonly kind: "killed"; readonly signal: string }
  /** The program could not be started; `because` is a sentence. */
  | { readonly kind: "unstartable"; readonly because: string };

/** An open sandbox. Disposing it ends every process in it and removes what it made for itself. */
export interface Sandbox extends AsyncDisposable {
  /**
   * Runs a job to its end, with umask 022 and standard input empty. When it resolves, all it wrote under a writable mount is on the host and its
   * process tree is gone. Jobs may run side by side. An aborted signal kills the tree and rejects with the signal's reason.
   */
  run(job: Job, output: Output, signal?: AbortSignal): Promise<Exit>;
}

/** Whether a kind of sandbox works here; `hint` says which setting would change it. */
export type Probe = { readonly usable: true; readonly detail: string } | Refusal;

/** That a kind of sandbox does not work here; both are clauses without a stop. */
export interface Refusal {
  readonly usable: false;
  readonly because: string;
  readonly hint: string;
}

/** A way to run buildpacks. */
export interface SandboxKind {
  readonly name: "namespace" | "host" | "docker";
  /** Whether guest paths differ from host paths; where not, every mount must have `host === guest`. */
  readonly translates: boolean;
  readonly isolation: { readonly filesystem: boolean; readonly network: boolean; readonly user: boolean };
  probe(): Promise<Probe>;
  open(surroundings: Surroundings): Promise<Sandbox>;
}
