import type { RunImageNames } from "../cnb/label.ts";
import { isSameRunImage, referenceOf, runImageCandidates } from "../cnb/run-image.ts";
import { type Reference, withDefaultTag } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";
import { type FirstImage, readFirst } from "../store/registry/first.ts";
import type { ImagePlace } from "./place.ts";
import { findImage, type Search } from "./pull.ts";

/** More mirrors of run images than the builder or the app image knows, by image; they come before those. */
export type RunImageMirrors = Readonly<Record<string, readonly string[]>>;

/**
 * The names to try for a run image, best first: those on `registry`, where the app image goes, then the user's own mirrors, the image, and its
 * mirrors (Platform spec, "Run Image Resolution"). What is no name is left out. Pure.
 */
export function runImageNamesFor(
  names: RunImageNames,
  own: RunImageMirrors | undefined,
  registry: string | undefined,
): readonly Reference[] {
  const added = Object.entries(own ?? {}).flatMap(([image, mirrors]) =>
    names.image && isSameRunImage(image, names.image) ? mirrors : [],
  );
  const [image, ...mirrors] = [...added, ...(names.image ? [names.image] : []), ...(names.mirrors ?? [])];
  return runImageCandidates({ ...(image && { image }), mirrors }, registry)
    .map(referenceOf)
    .filter((name) => name !== undefined)
    .map(withDefaultTag);
}

/**
 * The run image of a place: what a directory or file holds, else the first of its names to be had. Undefined when there is none; throws
 * Fault `image.unreachable` when its registries cannot tell.
 */
export async function findRunImage(
  place: ImagePlace,
  names: readonly Reference[],
  search: Search,
): Promise<(Partial<Pick<FirstImage, "name">> & Pick<FirstImage, "stored">) | undefined> {
  if (place.kind === "registry") {
    const { images } = place;
    const read = (name: Reference) => images.read(name, search.platform);
    return readFirst({ read }, names.length > 0 ? names : place.names);
  }
  if (place.kind !== "local") {
    const stored = await place.read(search.platform);
    return stored && { stored, ...(place.names[0] && { name: place.names[0] }) };
  }
  try {
    return await findImage("run image", names.length > 0 ? names : place.names, search);
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code !== "image.unreachable") throw cause;
    throw new Fault("run-image.unreachable", cause.message, {
      cause,
      exit: "analyze",
      hint: `make it with "pack base create ${place.text} --file base.toml", or name another one with --run-image`,
    });
  }
}
