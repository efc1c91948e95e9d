import { formatReference, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import type { Keeper } from "../reach/place.ts";
import { Fault } from "../std/fault.ts";
import type { HostPath } from "../std/path.ts";
import { parseLocation } from "../store/locate.ts";

/** Where an image goes, as it was written down. */
export interface WrittenDestination {
  readonly image: string;
  readonly output?: Keeper;
  readonly tags?: readonly string[];
  readonly previousImage?: string;
}

/** Where an image goes. */
export interface ImageDestination {
  /** More names for it. */
  readonly tags: readonly Reference[];
  /** The registry it goes to, if it goes to one. */
  readonly registry: string | undefined;
}

function sameRegistry(what: string, text: string, registry: string): Reference {
  const name = withDefaultTag(parseReference(text));
  if (name.registry === registry) return name;
  throw new Fault(
    "destination.registry",
    `Cannot use ${what} ${formatReference(name)}: it is not in ${registry}, where the image goes`,
    { exit: "analyze", hint: "one build writes to one registry; `pack copy` brings the image to others" },
  );
}

/**
 * What the words for a destination mean (Platform spec, "analyzer"): every name is one, and with an image that goes to a registry its tags and the
 * previous image are in the same. Throws Fault `reference.parse`, `location.parse` or `destination.registry`. Pure.
 */
export function parseDestination(written: WrittenDestination, base: HostPath): ImageDestination {
  const { image, output, tags = [], previousImage } = written;
  const location = parseLocation(image, base);
  const registry = output === "registry" && location.kind === "name" ? location.name.registry : undefined;
  if (registry === undefined) return { registry, tags: tags.map((tag) => withDefaultTag(parseReference(tag))) };
  if (previousImage !== undefined && parseLocation(previousImage, base).kind === "name")
    sameRegistry("previous image", previousImage, registry);
  return { registry, tags: tags.map((tag) => sameRegistry("tag", tag, registry)) };
}
