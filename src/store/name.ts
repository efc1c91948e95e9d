import type { Digest } from "../oci/digest.ts";
import { formatReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";

/** The text an image is kept under: the full name; a digest beside a tag is left out, a missing tag is `latest`. */
export function nameText(name: Reference): string {
  const { registry, repository, tag } = name;
  return formatReference(tag === undefined ? withDefaultTag(name) : { registry, repository, tag });
}

/** Throws Fault `image.name` when a name carries a digest that is not the image's. */
export function checkNames(names: readonly Reference[], digest: Digest): void {
  for (const name of names) {
    if (name.digest === undefined || name.digest === digest) continue;
    throw new Fault("image.name", `Cannot write image under ${formatReference(name)}: its digest is ${digest}`, {
      exit: "usage",
      hint: "name it by a tag",
    });
  }
}
