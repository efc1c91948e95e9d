import { isSameName, parseReference, type Reference } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";
import { parseToml } from "../std/toml.ts";
import { stringIn, stringsIn, tablesIn } from "../std/toml-read.ts";
import type { RunImageNames } from "./label.ts";

/** A run image and its mirrors, which are the same image under other names. */
export interface RunImageEntry {
  readonly image: string;
  readonly mirrors: readonly string[];
}

/** `run.toml`: the run images a builder goes with, the default one first (Platform spec, "run.toml"). */
export interface RunFile {
  readonly images: readonly RunImageEntry[];
}

/** The file's text to its value; throws Fault `toml.parse` or `toml.type`, and `run-image.name` for mirrors of no image. */
export function parseRun(text: string, place: string): RunFile {
  return {
    images: tablesIn(parseToml(text, place), "images", place).flatMap((table) => {
      const image = stringIn(table, "image", place) ?? "";
      const mirrors = stringsIn(table, "mirrors", place) ?? [];
      if (image === "" && mirrors.length > 0)
        throw new Fault("run-image.name", `Cannot read run images at ${place}: ${mirrors[0]} is a mirror of no image`);
      return image === "" ? [] : [{ image, mirrors }];
    }),
  };
}

function referenceOf(name: string): Reference | undefined {
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
export function defaultRunImage(run: RunFile | undefined): RunImageEntry {
  const first = run?.images[0];
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
  run: RunFile | undefined,
  name: string,
  options: { readonly extended: boolean } = { extended: false },
): RunImageNames {
  const images = run?.images ?? [];
  const listed = images.find((entry) => isNamed(entry, name));
  if (!listed && images.length > 0 && options.extended) return { image: name };
  const entry = listed ?? images[0];
  if (!entry) return {};
  return { image: entry.image, ...(entry.mirrors.length > 0 && { mirrors: entry.mirrors }) };
}
