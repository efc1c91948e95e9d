import { basename } from "node:path";
import { Fault } from "../std/fault.ts";
import { type Apt, complaintsOf } from "./apt.ts";
import type { Archive } from "./suite.ts";

/** A package apt chose, as the archive names it. */
export interface Resolved {
  readonly name: string;
  readonly version: string;
  /** Debian's name, or `all`. */
  readonly architecture: string;
  readonly uri: string;
  /** What apt calls the file. */
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
}

/** What is to be resolved. */
export interface Wanted {
  readonly packages: readonly string[];
  readonly pins: ReadonlyMap<string, string>;
}

/** Whether a version fits a pin, whose `*` and `?` match as in a file name. */
export function isPinned(version: string, pin: string): boolean {
  const pattern = pin
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${pattern}$`).test(version);
}

/** The versions the lists have of each package, from `apt-cache madison`: newest first, names without any left out. */
export function parseVersions(text: string): Map<string, string[]> {
  const versions = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [name, version] = line.split("|").map((part) => part.trim());
    if (!name || !version) continue;
    const known = versions.get(name) ?? [];
    if (!known.includes(version)) versions.set(name, [...known, version]);
  }
  return versions;
}

/** The packages that provide each virtual one, from `apt-cache showpkg`, in byte order. */
export function parseProviders(text: string): Map<string, string[]> {
  const providers = new Map<string, string[]>();
  for (const part of text.split(/^Package: /m).slice(1)) {
    const name = part.slice(0, part.indexOf("\n")).trim();
    const list = part.split(/^Reverse Provides: *$/m)[1] ?? "";
    const names = list.split("\n").flatMap((line) => line.trim().split(" ")[0] || []);
    providers.set(name, [...new Set(names)].sort());
  }
  return providers;
}

/** What `apt-get --print-uris` prints, one package a line; throws Fault `base.apt` for a line of another shape. */
export function parseUris(text: string): Resolved[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("'"))
    .map((line) => {
      const found = /^'([^']+)' (\S+) (\d+) SHA256:([0-9a-f]{64})$/.exec(line.trim());
      const [name, version, architecture] = (found?.[2] ?? "")
        .replace(/\.deb$/, "")
        .split("_")
        .map(decodeURIComponent);
      if (!found || !name || !version || !architecture)
        throw new Fault("base.apt", `Cannot read what apt-get resolved: "${line}" is not a package with its SHA-256`);
      return {
        name,
        version,
        architecture,
        uri: found[1]!,
        file: basename(found[2]!),
        size: Number(found[3]),
        sha256: found[4]!,
      };
    });
}

const suitesOf = (archives: readonly Archive[]) => [...new Set(archives.map(({ suite }) => suite))].join(", ");

/** The real package behind each wanted name. */
async function settleNames(
  apt: Apt,
  names: readonly string[],
  versions: ReadonlyMap<string, readonly string[]>,
  suites: string,
): Promise<string[]> {
  const unknown = names.filter((name) => !versions.has(name));
  if (unknown.length === 0) return [...names];
  const providers = parseProviders((await apt.run("apt-cache", ["showpkg", "--", ...unknown])).stdout);
  const missing = unknown.filter((name) => !providers.get(name)?.length);
  if (missing.length)
    throw new Fault("base.package", `Cannot find package ${missing.join(", ")}: ${suites} has none of that name`, {
      hint: "check the spelling; another suite or component may have it",
    });
  return names.map((name) => {
    const known = providers.get(name) ?? [name];
    if (known.length > 1)
      throw new Fault("base.package", `Cannot choose package ${name}: it is provided by ${known.join(", ")}`, {
        hint: "name one of these instead",
      });
    return known[0]!;
  });
}

function checkPins(
  pins: ReadonlyMap<string, string>,
  versions: ReadonlyMap<string, readonly string[]>,
  suites: string,
): void {
  for (const [name, pin] of pins) {
    const known = versions.get(name);
    if (known?.some((version) => isPinned(version, pin))) continue;
    throw new Fault(
      "base.pin",
      `Cannot pin ${name} to ${pin}: ${suites} ${known ? `has ${known.join(", ")}` : "has no such package"}`,
      { hint: "archives drop old versions; a snapshot archive as mirror still has them" },
    );
  }
}

/**
 * Asks apt which packages a base needs, in name order, each once. Throws Fault `base.package` for a name the archives do not
 * have, `base.pin` for a version they do not have or a pin nothing uses, `base.resolve` when dependencies cannot be met.
 */
export async function resolvePackages(
  apt: Apt,
  { packages, pins }: Wanted,
  archives: readonly Archive[],
): Promise<Resolved[]> {
  const suites = suitesOf(archives);
  const { stdout } = await apt.run("apt-cache", ["madison", "--", ...packages, ...pins.keys()]);
  const versions = parseVersions(stdout);
  checkPins(pins, versions, suites);
  const names = await settleNames(apt, packages, versions, suites);
  const install = ["--yes", "--print-uris", "install", "--", ...names];
  const outcome = await apt.run("apt-get", ["-qq", ...install]);
  if (outcome.code !== 0) {
    // Only the longer form says which dependencies it is about, in indented lines.
    const { stdout } = await apt.run("apt-get", ["-q", ...install]);
    const unmet = stdout.split("\n").filter((line) => line.startsWith(" "));
    const reasons = unmet.length > 0 ? unmet.map((line) => line.trim().replace(/ +/g, " ")) : complaintsOf(outcome);
    throw new Fault("base.resolve", `Cannot resolve the packages in ${suites}: ${reasons.join("; ")}`, {
      hint: "packages that need each other in different versions come from suites that do not fit together",
    });
  }
  const resolved = parseUris(outcome.stdout).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const [name, pin] of pins) {
    const chosen = resolved.find((item) => item.name === name);
    if (chosen && isPinned(chosen.version, pin)) continue;
    throw new Fault(
      "base.pin",
      `Cannot pin ${name} to ${pin}: ${chosen ? `other packages need ${chosen.version}` : "nothing in this base needs it"}`,
    );
  }
  return resolved;
}
