import { readdir, readlink } from "node:fs/promises";
import { type GuestPath, type HostPath, under } from "../std/path.ts";
import { isThere } from "./locate.ts";
import { foldersAbove, isWithin, type MountStep, type Step, seenAs } from "./view.ts";

async function stepOf(host: HostPath, guest: GuestPath, isLink: boolean): Promise<Step> {
  if (isLink) return { make: "link", guest, target: await readlink(host) };
  return { make: "mount", host, guest, access: "ro" };
}

/**
 * A read-only folder as steps such that every path of `places` below it can be mounted upon: where it lacks one, the folder is taken
 * apart into its entries, since nothing can be made in a read-only folder. Folders on the way that are links stay links.
 */
export async function withPlaces(folder: MountStep, places: readonly GuestPath[]): Promise<Step[]> {
  const inside = places.filter((place) => place !== folder.guest && isWithin(place, folder.guest));
  const lacking = await Promise.all(inside.map(async (place) => !(await isThere([folder], place))));
  if (!lacking.includes(true)) return [folder];
  const entries = await readdir(seenAs(folder), { withFileTypes: true });
  const parts = entries.map(async (entry): Promise<Step[]> => {
    const guest = under(folder.guest, entry.name);
    const step = await stepOf(under(folder.host, entry.name), guest, entry.isSymbolicLink());
    return step.make === "mount" && entry.isDirectory() ? withPlaces(step, inside) : [step];
  });
  const own: Step[] = folder.guest === "/" ? [] : [{ make: "directory", guest: folder.guest }];
  return [...own, ...(await Promise.all(parts)).flat()];
}

/** The folders that must be made before anything can be mounted at `places`: those no step of `shown` provides. */
export function missingFolders(shown: readonly Step[], places: readonly GuestPath[]): Step[] {
  const provided = shown.filter((step) => step.make === "mount" || step.make === "directory");
  const isProvided = (folder: GuestPath) =>
    provided.some((step) => (step.make === "directory" ? step.guest === folder : isWithin(folder, step.guest)));
  const folders = [...new Set(places.flatMap(foldersAbove))].filter((folder) => !isProvided(folder));
  return folders.sort((a, b) => a.length - b.length).map((guest) => ({ make: "directory", guest }));
}
