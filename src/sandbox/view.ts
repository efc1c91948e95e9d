import { type GuestPath, guestPath, type HostPath } from "../std/path.ts";
import type { Mount } from "./contract.ts";

/** A mount that may be of something only a holder's namespace has: `seen` is then where we see it ourselves. */
export interface Shown extends Mount {
  readonly seen?: HostPath | undefined;
}

/** A directory or file of this machine in a view. */
export interface MountStep extends Shown {
  readonly make: "mount";
}

/** Where we see what a mount shows. */
export function seenAs({ host, seen }: Shown): HostPath {
  return seen ?? host;
}

/** One step in making the file system a job sees; steps are taken in order, each on top of those before. */
export type Step =
  | MountStep
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
export function mountStep({ host, guest, access, seen }: Shown): MountStep {
  return { make: "mount", host, guest, access, seen };
}

/** Whether `path` is `folder` or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}

/** The folders above a path, the outermost first, without the root. */
export function foldersAbove(path: GuestPath): GuestPath[] {
  const names = path.split("/").slice(1, -1);
  return names.map((_, index) => guestPath(`/${names.slice(0, index + 1).join("/")}`));
}

/** Mounts so that one inside another comes after it. */
export function outerFirst(mounts: readonly Shown[]): Shown[] {
  return [...mounts].sort((a, b) => foldersAbove(a.guest).length - foldersAbove(b.guest).length);
}
