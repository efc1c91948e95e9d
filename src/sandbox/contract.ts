import type { GuestPath, HostPath } from "../std/path.ts";

/** What a sandbox shows of the host below a guest path. */
export interface Mount {
  readonly host: HostPath;
  readonly guest: GuestPath;
  readonly access: "ro" | "rw";
}

/** An image as a root: its layers stacked. */
export interface ImageRoot {
  readonly kind: "image";
  /** Directories with the layers' files, bottom first; what is missing is marked as overlayfs wants it (`Overlay`). */
  readonly layers: readonly HostPath[];
  /** Where what jobs change is kept, as in an `Overlay`; without it they may change nothing. */
  readonly changes?: Pick<Overlay, "upper" | "work">;
  /** The name or ID by which a container engine has this image, which then must have it; only the sandbox `docker` asks. */
  readonly inEngine?: () => Promise<string>;
}

/** The root file system jobs see: this machine's own system folders, one directory, or an image. */
export type Root =
  | { readonly kind: "machine" }
  | { readonly kind: "directory"; readonly path: HostPath; readonly access: "ro" | "rw" }
  | ImageRoot;

/**
 * Directories seen as one (overlayfs): what jobs change lands in `upper`, where a device 0:0 stands for what was removed, and the
 * attribute `user.overlay.opaque` = `y` for a directory that hides those below it. The lower ones are never changed.
 */
export interface Overlay {
  /** Bottom first, at least one; the same directory may come again. */
  readonly lower: readonly HostPath[];
  /** Two directories on one disk, of one owner: `upper` keeps what it has, `work` is the kernel's. One open sandbox may use them at a time. */
  readonly upper: HostPath;
  readonly work: HostPath;
  readonly guest: GuestPath;
  readonly access: "ro" | "rw";
}

/** What a sandbox is opened with. */
export interface Surroundings {
  readonly root: Root;
  readonly mounts: readonly Mount[];
  /** Only for a kind that `stacks` where their upper directories are. */
  readonly overlays?: readonly Overlay[];
  /** The ids jobs run under as they see it themselves. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** `host`, `none`, or the name of a network a container engine has. */
  readonly network: string;
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
  /** Where this machine sees a guest path (below a mount, an overlay or the root; links not followed) for as long as the sandbox is open. */
  see(guest: GuestPath): HostPath;
}

/** Whether a kind of sandbox works here; `hint` says which setting would change it. */
export type Probe = { readonly usable: true; readonly detail: string } | Refusal;

/** That a kind of sandbox does not work here; both are clauses without a stop. */
export interface Refusal {
  readonly usable: false;
  readonly because: string;
  readonly hint: string;
}

/** What a sandbox is needed for. */
export interface Need {
  readonly root: Root["kind"];
  readonly network: string;
  /** Whether memory or cores are to be limited. */
  readonly limited: boolean;
}

/** A way to run buildpacks. */
export interface SandboxKind {
  readonly name: "namespace" | "host" | "docker";
  /** Whether guest paths differ from host paths; where not, every mount must have `host === guest`. */
  readonly translates: boolean;
  readonly isolation: { readonly filesystem: boolean; readonly network: boolean; readonly user: boolean };
  /** Why it cannot serve a need on any machine; undefined when it can. */
  refuses(need: Need): Refusal | undefined;
  probe(): Promise<Probe>;
  /** Whether it takes overlays and roots of several layers, with changes kept below `place` (found by trying, once). */
  stacks(place: HostPath): Promise<boolean>;
  open(surroundings: Surroundings): Promise<Sandbox>;
}
