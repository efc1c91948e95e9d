import { mkdir } from "node:fs/promises";
import { Fault } from "../std/fault.ts";
import { guestPath, type HostPath, under } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import type { Merged } from "./assemble.ts";
import type { ImageRoot, Surroundings } from "./contract.ts";
import { type Holder, openHolder } from "./holder.ts";
import { makeScratch } from "./open.ts";
import type { Stack } from "./overlay.ts";
import { mountStep } from "./view.ts";

/** The layers of an image below a directory of ours, so that what is mounted upon can be made in it. */
async function rootStack(scratch: HostPath, { layers, changes }: ImageRoot): Promise<Stack> {
  if (changes !== undefined) return { lower: layers, ...changes };
  const [upper, work] = [under(scratch, "root-upper"), under(scratch, "root-work")];
  await Promise.all([mkdir(upper), mkdir(work)]);
  return { lower: layers, upper, work };
}

const answers = new Map<string, Promise<boolean>>();

async function tryStack(place: HostPath): Promise<boolean> {
  await mkdir(place, { recursive: true, mode: 0o700 });
  const folder = await makeScratch(place);
  try {
    const [lower, upper, work] = [under(folder, "lower"), under(folder, "upper"), under(folder, "work")];
    await Promise.all([lower, upper, work].map((path) => mkdir(path)));
    await using _ = await openHolder([{ lower: [lower], upper, work }], under(folder, "stack"));
    return true;
  } catch (error) {
    if (error instanceof Fault && error.code === "sandbox.overlay") return false;
    throw error;
  } finally {
    await removeTree(folder);
  }
}

/** Whether directories can be stacked here with upper and work below `place`; tried once. */
export function canStack(place: HostPath): Promise<boolean> {
  const answer = answers.get(place) ?? tryStack(place);
  answers.set(place, answer);
  return answer;
}

/** Stacks what a sandbox asks to be stacked; no holder where that is nothing. Throws Fault `sandbox.overlay`. */
export async function mergeIn(
  scratch: HostPath,
  { root, overlays = [] }: Surroundings,
): Promise<{ readonly holder: Holder | undefined; readonly merged: Merged }> {
  const image = root.kind === "image" ? [await rootStack(scratch, root)] : [];
  const stacks = [...image, ...overlays];
  if (stacks.length === 0) return { holder: undefined, merged: { root: undefined, overlays: [] } };
  const holder = await openHolder(stacks, under(scratch, "stack"));
  const places = holder.merged.map((host) => ({ host, seen: holder.see(host) }));
  const shown = overlays.map(({ guest, access }, index) => ({ ...places[image.length + index]!, guest, access }));
  const access = root.kind === "image" && root.changes !== undefined ? "rw" : "ro";
  return {
    holder,
    merged: {
      root: image.length > 0 ? mountStep({ ...places[0]!, guest: guestPath("/"), access }) : undefined,
      overlays: shown,
    },
  };
}
