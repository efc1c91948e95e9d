import { guestPath, type Place } from "../../std/path.ts";
import type { Owner, ParentDirectory } from "../../tar/entry.ts";

/**
 * The directories above a layer, outermost first: they stand in it as the build environment has them, made by the build's user with
 * mode 0755 (Platform spec, "Layers directory").
 */
export function parentsOf(place: Place, owner: Owner): ParentDirectory[] {
  const parts = place.guest.split("/").slice(1, -1);
  return parts.map((_, at) => ({ path: guestPath(`/${parts.slice(0, at + 1).join("/")}`), mode: 0o755, ...owner }));
}
