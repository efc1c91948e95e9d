import { parseReference } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";
import type { Coordinates } from "./order-file.ts";
import { parseRegistryId, type RegistryId, registryPrefix } from "./registry-index.ts";

/** Where a buildpack or extension is, as a person writes it down (flags of a build, `builder.toml`, `package.toml`, `project.toml`). */
export type Locator =
  /** The whole order of the builder. */
  | { readonly kind: "builder-order" }
  /** One of the builder's own. */
  | { readonly kind: "builder"; readonly id: string; readonly version?: string }
  | { readonly kind: "registry"; readonly id: RegistryId }
  /** A package that is an image, by its name. */
  | { readonly kind: "image"; readonly name: string }
  /** A directory, archive or `.cnb` on this machine; a relative one begins where the locator stands. */
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "url"; readonly url: string };

/** What decides what a locator without a scheme means. */
export interface Surroundings {
  /** Whether something is at this path of the machine. */
  exists(path: string): Promise<boolean>;
  /** What the builder has; nothing where there is no builder. */
  readonly builder?: readonly Coordinates[];
}

const builderPrefix = "urn:cnb:builder:";
const oldBuilderPrefix = "from=builder";

/** `id[@version]` to its parts. */
function parseId(text: string): { readonly id: string; readonly version?: string } {
  const at = text.indexOf("@");
  return at < 0 ? { id: text } : { id: text.slice(0, at), version: text.slice(at + 1) };
}

function refuse(text: string, found: string, hint?: string): never {
  throw new Fault("locator.parse", `Cannot understand where ${JSON.stringify(text.slice(0, 300))} is: ${found}`, {
    exit: "usage",
    hint: hint ?? "give a directory, an archive, a .cnb, docker://NAME, urn:cnb:registry:ID or urn:cnb:builder:ID",
  });
}

/** A locator that says itself what it is; undefined for one that does not. Throws Fault `locator.parse` and `registry.id`. */
function parseExplicit(text: string): Locator | undefined {
  if (text === oldBuilderPrefix) return { kind: "builder-order" };
  for (const prefix of [builderPrefix, `${oldBuilderPrefix}:`])
    if (text.startsWith(prefix)) return { kind: "builder", ...parseId(text.slice(prefix.length)) };
  if (text.startsWith(registryPrefix)) return { kind: "registry", id: parseRegistryId(text) };
  // pack takes docker:NAME and docker:/NAME as well.
  const image = /^docker:\/{0,2}(.*)$/s.exec(text);
  if (image) return { kind: "image", name: image[1]! };
  if (/^https?:\/\//i.test(text)) return { kind: "url", url: text };
  if (/^file:/i.test(text)) return { kind: "path", path: pathOfUrl(text) };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  if (scheme) refuse(text, `nothing is fetched by ${scheme[1]}`);
  if (text.startsWith("urn:")) refuse(text, "this kind of urn is not known");
  return text === "" ? refuse(text, "it is empty") : undefined;
}

function pathOfUrl(text: string): string {
  try {
    const { host, pathname } = new URL(text);
    if (host !== "" && host !== "localhost") refuse(text, `it is on ${host}, another machine`);
    return decodeURIComponent(pathname);
  } catch (error) {
    if (error instanceof Fault) throw error;
    return refuse(text, "it is no URL");
  }
}

/** A version as the reference wants it in a registry id without prefix. */
const registryForm = /^[a-z0-9.-]+\/[a-z0-9.-]+(@(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)[-+.0-9A-Za-z]*)?$/;

/**
 * Text to locator. One without a scheme is, in this order, something that is there as a path, an id the builder has, an id of a buildpack
 * registry, the name of an image. Throws Fault `locator.parse`, `registry.id`, and `reference.parse` for a name that is none.
 */
export async function parseLocator(text: string, surroundings: Surroundings): Promise<Locator> {
  const explicit = parseExplicit(text);
  if (explicit) {
    if (explicit.kind === "image") parseReference(explicit.name);
    return explicit;
  }
  if (await surroundings.exists(text)) return { kind: "path", path: text };
  const { id, version } = parseId(text);
  const isThere = (one: Coordinates) => one.id === id && (version === undefined || one.version === version);
  if (surroundings.builder?.some(isThere)) return { kind: "builder", ...parseId(text) };
  if (/^\.{0,2}\//.test(text) || /\.(cnb|tgz|tar|tar\.gz)$/.test(text))
    refuse(text, "there is no such file or directory", "check the path");
  if (registryForm.test(text)) return { kind: "registry", id: parseRegistryId(text) };
  try {
    parseReference(text);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    refuse(text, "it is neither a path that is there nor an id nor the name of an image");
  }
  return { kind: "image", name: text };
}
