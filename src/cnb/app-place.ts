import { Fault } from "../std/fault.ts";
import { type GuestPath, guestPath } from "../std/path.ts";

/** What belongs to the build, and what no system can do without. */
const taken = ["/cnb", "/layers", "/platform", "/proc", "/dev", "/sys"];

/** Where the app is seen, from a directory's name or its path from the root. Throws Fault `workspace.place` for one that belongs to something else. */
export function appPlace(text: string): GuestPath {
  const path = guestPath(`/${text}`);
  const owner = path === "/" ? "/" : taken.find((one) => path === one || path.startsWith(`${one}/`));
  if (owner === undefined && text !== "") return path;
  throw new Fault("workspace.place", `Cannot use workspace "${text}": ${owner ?? "/"} is not the app's`, {
    exit: "usage",
    hint: "give a directory of its own, such as workspace",
  });
}

/**
 * What is to be said of a volume shown at `guest`: pack's warning for one below a directory of the build; undefined for all others. Throws
 * Fault `volume.place` for one that would hide such a directory, the app's among them.
 */
export function volumeWarning(guest: GuestPath, app: GuestPath): string | undefined {
  const own = ["/cnb", "/cnb/buildpacks", "/layers", "/platform", app];
  const hidden = own.find((place) => guest === "/" || place === guest || place.startsWith(`${guest}/`));
  if (hidden !== undefined)
    throw new Fault(
      "volume.place",
      `Cannot show volume at ${guest}: it would hide ${hidden}, which the build works with`,
      {
        exit: "usage",
        hint: "show it elsewhere, or below",
      },
    );
  const isSensitive = ["/cnb", "/layers", app].some((place) => guest.startsWith(`${place}/`));
  return isSensitive ? `Mounting to a sensitive directory ${guest}` : undefined;
}
