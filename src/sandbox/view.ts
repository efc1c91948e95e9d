import type { GuestPath, HostPath } from "../std/path.ts";
import type { Mount } from "./contract.ts";

/** One step in building the file system a job sees; steps are taken in order, each on top of those before. */
export type Step =
  | { readonly make: "mount"; readonly host: HostPath; readonly guest: GuestPath; readonly access: "ro" | "rw" }
  | { readonly make: "directory"; readonly guest: GuestPath }
  | { readonly make: "link"; readonly guest: GuestPath; readonly target: string }
  /** What is there stays there, but nobody can look at it. */
  | { readonly make: "cover"; readonly guest: GuestPath; readonly kind: "file" | "directory" }
  | { readonly make: "proc"; readonly guest: GuestPath }
  | { readonly make: "dev"; readonly guest: GuestPath };

/** The file system a job sees. */
export interface View {
  readonly steps: readonly Step[];
  /** Whether the root directory itself is closed to writing after the last step. */
  readonly sealed: boolean;
}

/** A mount as a step. */
export function mountStep(mount: Mount): Step {
  return { make: "mount", ...mount };
}

/** Mounts so that one inside another comes after it. */
export function outerFirst(mounts: readonly Mount[]): Mount[] {
  const depth = (mount: Mount) => (mount.guest === "/" ? 0 : mount.guest.split("/").length);
  return [...mounts].sort((a, b) => depth(a) - depth(b));
}
