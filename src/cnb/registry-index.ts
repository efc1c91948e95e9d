import { parseReference } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";
import { isObject, parseJson } from "../std/json.ts";
import { compareSemver } from "./semver.ts";

/** A buildpack by its place in a registry's index. */
export interface RegistryId {
  readonly namespace: string;
  readonly name: string;
  readonly version?: string;
}

/** One version in the index of a buildpack registry (Registry spec). */
export interface RegistryEntry {
  readonly version: string;
  /** Withdrawn by its author. */
  readonly yanked: boolean;
  /** The package's image, by digest. */
  readonly address: string;
}

/** What every locator of a registry begins with. */
export const registryPrefix = "urn:cnb:registry:";

const part = /^[a-z0-9.-]{1,253}$/;

function refuse(text: string, found: string): never {
  throw new Fault("registry.id", `Cannot find ${JSON.stringify(text.slice(0, 600))} in a registry: ${found}`, {
    exit: "usage",
    hint: `write ${registryPrefix}<namespace>/<name> or ${registryPrefix}<namespace>/<name>@<version>`,
  });
}

/** `[urn:cnb:registry:]<namespace>/<name>[@<version>]` to its parts; throws Fault `registry.id`. */
export function parseRegistryId(text: string): RegistryId {
  const bare = text.startsWith(registryPrefix) ? text.slice(registryPrefix.length) : text;
  const [id = "", version, ...more] = bare.split("@");
  const [namespace = "", name = "", ...rest] = id.split("/");
  if (more.length > 0 || version === "") refuse(text, "what follows @ is no version");
  if (name === "" || rest.length > 0) refuse(text, "an id has exactly one slash");
  for (const one of [namespace, name])
    if (!part.test(one) || one === "." || one === "..")
      refuse(text, `"${one.slice(0, 260)}" is not 1 to 253 of a-z, 0-9, "." and "-"`);
  return { namespace, name, ...(version !== undefined && { version }) };
}

/** Where the index has a buildpack's versions, relative to its root. */
export function indexPath({ namespace, name }: RegistryId): string {
  const directory =
    name.length < 3
      ? String(name.length)
      : name.length === 3
        ? `3/${name.slice(0, 2)}`
        : `${name.slice(0, 2)}/${name.slice(2, 4)}`;
  return `${directory}/${namespace}_${name}`;
}

/** The lines of an index file, one version a line, in their order; throws Fault `registry.index` for a line that is none. */
export function parseIndexFile(text: string, place: string): readonly RegistryEntry[] {
  return text.split(/\r?\n/).flatMap((line, at): RegistryEntry[] => {
    if (line.trim() === "") return [];
    const value = parseJson(line, `${place}:${at + 1}`);
    const { version, yanked, addr } = isObject(value) ? value : {};
    if (typeof version !== "string" || (yanked !== undefined && typeof yanked !== "boolean"))
      throw new Fault("registry.index", `Cannot read registry index at ${place}:${at + 1}: the line is no version`);
    return [{ version, yanked: yanked === true, address: typeof addr === "string" ? addr : "" }];
  });
}

/** A version that was chosen, and what the user should know of it. */
export interface RegistryChoice extends RegistryEntry {
  readonly warning?: string;
}

/** Throws Fault `registry.address` for an address that is not by digest: only then is it what was registered. */
function checkAddress({ address }: RegistryEntry, name: string): void {
  let found = "it has no address";
  try {
    if (address !== "" && parseReference(address).digest !== undefined) return;
    if (address !== "") found = `its address ${address} is not by digest`;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    found = `its address ${JSON.stringify(address.slice(0, 300))} is no image name`;
  }
  throw new Fault("registry.address", `Cannot use buildpack ${name} of the registry: ${found}`);
}

/**
 * The version asked for, else the highest that was not yanked. Throws Fault `registry.version` when there is none, and
 * `registry.address` when its image is not named by digest.
 */
export function chooseVersion(entries: readonly RegistryEntry[], id: RegistryId): RegistryChoice {
  const { version } = id;
  const plain = `${id.namespace}/${id.name}`;
  const name = version === undefined ? plain : `${plain}@${version}`;
  const fitting = entries.filter((entry) => (version === undefined ? !entry.yanked : entry.version === version));
  // Of equal versions the first counts, as it does for pack.
  const [best] = [...fitting].sort((a, b) => compareSemver(b.version, a.version));
  if (best === undefined) {
    const known = entries.map((entry) => (entry.yanked ? `${entry.version} (yanked)` : entry.version));
    const found =
      known.length === 0 ? "the registry has no version of it" : `the registry has ${known.slice(-10).join(", ")}`;
    throw new Fault("registry.version", `Cannot find buildpack ${name} in the registry: ${found}`, { exit: "usage" });
  }
  checkAddress(best, name);
  return { ...best, ...(best.yanked && { warning: `Buildpack ${name} was yanked from the registry by its author` }) };
}
