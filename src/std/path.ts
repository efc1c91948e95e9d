import { posix } from "node:path";

declare const host: unique symbol;
declare const guest: unique symbol;

/** An absolute path on the machine that runs us. */
export type HostPath = string & { readonly [host]: true };
/** An absolute path as a buildpack and the image see it (`/layers/…`, `/workspace`); always with forward slashes. */
export type GuestPath = string & { readonly [guest]: true };

/** Takes an absolute path of this machine as such; throws RangeError for a relative one. */
export function hostPath(text: string): HostPath {
  if (!posix.isAbsolute(text)) throw new RangeError(`not an absolute path: ${text}`);
  return posix.normalize(text).replace(/(.)\/$/, "$1") as HostPath;
}

/** Takes an absolute path inside the image as such; throws RangeError for a relative one. */
export function guestPath(text: string): GuestPath {
  return hostPath(text) as string as GuestPath;
}

/** `base` with `parts` appended, in the same world as `base`. */
export function under<P extends HostPath | GuestPath>(base: P, ...parts: readonly string[]): P {
  return posix.join(base, ...parts) as P;
}

/** One directory seen from both worlds. */
export interface Place {
  readonly host: HostPath;
  readonly guest: GuestPath;
}

/** The place of `parts` below `place`. */
export function placeUnder(place: Place, ...parts: readonly string[]): Place {
  return { host: under(place.host, ...parts), guest: under(place.guest, ...parts) };
}
