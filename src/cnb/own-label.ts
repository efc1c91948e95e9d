import type { Family } from "../oci/media-type.ts";
import { Fault } from "../std/fault.ts";
import { labelNames } from "./label.ts";

/** Labels that say what an image is made of; to change them would be to lie about it. */
const kept: readonly string[] = [labelNames.lifecycle, labelNames.build, labelNames.project, labelNames.execEnv];

/** Throws Fault `label.name` for a label that nobody may set by hand. */
export function checkLabels(labels: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(labels)) {
    const found =
      name === "" ? "it has no name" : kept.includes(name) ? "it says what the image is made of" : undefined;
    if (found === undefined) continue;
    throw new Fault("label.name", `Cannot set label "${name}": ${found}`, {
      exit: "usage",
      hint: "choose a name of your own, such as org.opencontainers.image.source",
    });
  }
}

/** Throws Fault `annotation.name` for annotations that the image's manifest cannot have. */
export function checkAnnotations(annotations: Readonly<Record<string, string>>, family: Family): void {
  const [name] = Object.keys(annotations);
  if (name === undefined || (family === "oci" && !("" in annotations))) return;
  const found = family === "oci" ? "one has no name" : "the run image's manifest is of Docker's kind, which has none";
  throw new Fault("annotation.name", `Cannot annotate image with "${name}": ${found}`, {
    exit: "usage",
    hint: "use an OCI run image, or labels",
  });
}

/** The manifest's annotation that names those a user has set, so that a rebase can tell them from the base's. */
const namesKey = "plinth.annotations";

type Annotations = Readonly<Record<string, string>>;

/** The annotations of an image: the base's, and over them the user's own. Undefined when there are none. */
export function withOwnAnnotations(base: Annotations | undefined, own: Annotations): Annotations | undefined {
  const { [namesKey]: _, ...inherited } = base ?? {};
  const names = Object.keys(own).sort();
  const all = { ...inherited, ...own, ...(names.length > 0 && { [namesKey]: JSON.stringify(names) }) };
  return base || names.length > 0 ? all : undefined;
}

/** Those of an image's annotations that a user has set. */
export function ownAnnotations(annotations: Annotations | undefined): Annotations {
  const names = namesIn(annotations?.[namesKey] ?? "[]");
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([name]) => names.includes(name)));
}

function namesIn(text: string): readonly unknown[] {
  try {
    const names: unknown = JSON.parse(text);
    return Array.isArray(names) ? names : [];
  } catch {
    // Written by somebody else under the same name.
    return [];
  }
}
