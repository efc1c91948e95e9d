import { bundle } from "../bundle.ts";
import type { RunImageNames } from "../cnb/label.ts";
import type { RunImageNames as ListedRunImage } from "../cnb/run-file.ts";
import { isNamed, referenceOf, runImageRecord } from "../cnb/run-image.ts";
import { formatReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";
import type { StoredImage } from "../store/contract.ts";

/** What a builder says of run images. */
interface Offering {
  readonly runImages: readonly ListedRunImage[];
}

/** The name a run image is asked for by: the one given, else the builder's first. Throws Fault `run-image.none`. */
export function runImageText(given: string | undefined, builder: Offering | undefined): string {
  const text = given ?? builder?.runImages[0]?.image;
  if (text !== undefined) return text;
  throw new Fault("run-image.none", "Cannot choose run image: neither the command nor the builder names one", {
    exit: "analyze",
    hint: "name one with --run-image",
  });
}

/** What the image remembers of its run image's names: a run image named by hand stands for itself, as it does in pack. */
export function runImageNames(
  given: string | undefined,
  builder: Offering | undefined,
  name: Reference,
): RunImageNames {
  const listed = builder?.runImages ?? [];
  const isForeign =
    given !== undefined && referenceOf(given) !== undefined && !listed.some((entry) => isNamed(entry, given));
  return runImageRecord(isForeign ? [{ image: given, mirrors: [] }] : listed, formatReference(name));
}

/** The run image as a name: directories and files stand under the name the builder gives to its run image. */
export function runImageName(text: string, builder: Offering | undefined): Reference {
  const name = referenceOf(text) ??
    referenceOf(builder?.runImages[0]?.image ?? "") ?? { registry: "pack.local", repository: "run" };
  return withDefaultTag(name);
}

/** Throws Fault `run-image.missing` when there is no run image, `run-image.platform` (exit 32) when it is not for `arch`. */
export function checkRunImage(stored: StoredImage | undefined, text: string, arch: string): StoredImage {
  if (!stored) {
    throw new Fault("run-image.missing", `Cannot read run image ${text}: it is not in the local store`, {
      exit: "analyze",
      hint: `make it with "pack base create ${text} --file ${bundle.base}", or name another one with --run-image`,
    });
  }
  const { architecture, os } = stored.image.config;
  if (os === "linux" && architecture !== arch) {
    throw new Fault(
      "run-image.platform",
      `Cannot build on run image ${text}: it is for ${os}/${architecture}, this machine is linux/${arch}`,
      {
        exit: "analyze",
        hint: `name a run image for linux/${arch} with --run-image`,
      },
    );
  }
  return stored;
}
