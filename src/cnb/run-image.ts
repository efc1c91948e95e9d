import { type ImageConfig, labelsOf } from "../oci/config.ts";
import { isSameName, parseReference, type Reference } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";
import { labelNames, type RunImageNames } from "./label.ts";
import type { RunImageNames as ListedRunImage } from "./run-file.ts";
import type { Target } from "./target.ts";

/** The name as a reference, or undefined when it is none. */
export function referenceOf(name: string): Reference | undefined {
  try {
    return parseReference(name);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** Whether two image names mean the same repository and tag, digests aside and with the usual defaults filled in. */
export function isSameRunImage(a: string, b: string): boolean {
  const [left, right] = [referenceOf(a), referenceOf(b)];
  return left && right ? isSameName(left, right) : a === b;
}

/** Whether the name is one of these names (REBASE: an image or one of its mirrors). */
export function isNamed(names: RunImageNames | undefined, name: string): boolean {
  const all = [names?.image, ...(names?.mirrors ?? [])];
  return all.some((one) => one && isSameRunImage(one, name));
}

/** The default run image of a builder; throws Fault `run-image.none` when its `run.toml` names none. */
export function defaultRunImage(images: readonly ListedRunImage[]): ListedRunImage {
  const [first] = images;
  if (first) return first;
  throw new Fault("run-image.none", "Cannot choose run image: neither the command nor the builder names one", {
    exit: "analyze",
    hint: "name one with --run-image",
  });
}

/**
 * The names to try for a run image, best first: those on the app image's registry, then the others, each group in the order
 * they were given. The first that can be read is the one (Platform spec, "Run Image Resolution").
 */
export function runImageCandidates(names: RunImageNames, appRegistry: string | undefined): readonly string[] {
  const all = [names.image, ...(names.mirrors ?? [])].filter((name): name is string => Boolean(name));
  const near = all.filter((name) => appRegistry !== undefined && referenceOf(name)?.registry === appRegistry);
  return [...near, ...all.filter((name) => !near.includes(name))];
}

/**
 * What the image's labels say of the run image: the first entry of `run.toml` that has the name, else the first entry of all;
 * nothing without entries. When an extension chose an image that is not listed, just its name.
 */
export function runImageRecord(
  images: readonly ListedRunImage[],
  name: string,
  options: { readonly extended: boolean } = { extended: false },
): RunImageNames {
  const listed = images.find((entry) => isNamed(entry, name));
  if (!listed && images.length > 0 && options.extended) return { image: name };
  const entry = listed ?? images[0];
  if (!entry) return {};
  return { image: entry.image, ...(entry.mirrors.length > 0 && { mirrors: entry.mirrors }) };
}

/** What an image runs on, as its config and labels say; no distribution when the labels name none (Platform spec, "Target Data"). */
export function targetOf(image: ImageConfig): Target {
  const labels = labelsOf(image);
  const id = labels[labelNames.baseId];
  const distro = { name: labels[labelNames.distroName] ?? "", version: labels[labelNames.distroVersion] ?? "" };
  return {
    os: image.os,
    arch: image.architecture,
    ...(image.variant && { variant: image.variant }),
    ...((distro.name !== "" || distro.version !== "") && { distro }),
    ...(id && { id }),
  };
}
