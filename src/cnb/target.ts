import { encodeJson, type Json } from "../std/json.ts";
import type { TomlTable } from "../std/toml.ts";
import { stringIn, tablesIn } from "../std/toml-read.ts";

/** A Linux distribution by the `ID` and `VERSION_ID` of its os-release; an empty part is unknown. */
export interface Distro {
  readonly name: string;
  readonly version: string;
}

/** What an image runs on, from a run image's config and labels (Platform spec, "Target Data"). */
export interface Target {
  readonly os: string;
  readonly arch: string;
  readonly variant?: string;
  readonly distro?: Distro;
  /** Value of the label `io.buildpacks.base.id`. */
  readonly id?: string;
}

/** What a buildpack runs on; an absent part fits anything (Buildpack spec, "Targets"). */
export interface TargetPattern {
  readonly os?: string;
  readonly arch?: string;
  readonly variant?: string;
  readonly distros: readonly Partial<Distro>[];
}

/** Whether a pattern fits a target: what both know is equal, and one of the pattern's distributions, if any, is the target's. */
export function isTargetMatch(pattern: TargetPattern, target: Target): boolean {
  const { distro } = target;
  return (
    fits(pattern.os, target.os) &&
    fits(pattern.arch, target.arch) &&
    fits(pattern.variant, target.variant) &&
    (pattern.distros.length === 0 ||
      (distro !== undefined &&
        pattern.distros.some((one) => fits(one.name, distro.name) && fits(one.version, distro.version))))
  );
}

function fits(a: string | undefined, b: string | undefined): boolean {
  return !a || !b || a === b;
}

/** Whether one of a buildpack's targets fits; a buildpack without any fits everywhere. */
export function isTargetMet(patterns: readonly TargetPattern[], target: Target): boolean {
  return patterns.length === 0 || patterns.some((pattern) => isTargetMatch(pattern, target));
}

/** The `[[targets]]` of a descriptor; the variant may stand under `variant` or under the reference's `arch-variant`. */
export function parseTargets(table: TomlTable, place: string): readonly TargetPattern[] {
  return tablesIn(table, "targets", place).map((item) => ({
    ...filled({
      os: stringIn(item, "os", place),
      arch: stringIn(item, "arch", place),
      variant: stringIn(item, "variant", place) || stringIn(item, "arch-variant", place),
    }),
    distros: tablesIn(item, "distros", place).map((distro) =>
      filled({ name: stringIn(distro, "name", place), version: stringIn(distro, "version", place) }),
    ),
  }));
}

function filled<K extends string>(parts: Record<K, string | undefined>): { readonly [P in K]?: string } {
  const pairs = Object.entries<string | undefined>(parts).filter(([, text]) => text);
  return Object.fromEntries(pairs) as { readonly [P in K]?: string };
}

/** The distribution an `/etc/os-release` names, or undefined when it names none. */
export function parseOsRelease(text: string): Distro | undefined {
  const textOf = (name: string) => {
    const line = text.split(/\r?\n/).findLast((one) => one.startsWith(`${name}=`));
    const raw = line?.slice(name.length + 1).trim() ?? "";
    return raw.replace(/^(["'])(.*)\1$/, "$2").trim();
  };
  const distro = { name: textOf("ID"), version: textOf("VERSION_ID") };
  return distro.name === "" && distro.version === "" ? undefined : distro;
}

/** A target as the reference prints it. */
export function describeTarget(target: Target): string {
  return encodeJson({
    id: target.id || undefined,
    os: target.os,
    arch: target.arch,
    "arch-variant": target.variant || undefined,
    distro: target.distro && { name: target.distro.name, version: target.distro.version },
  });
}

/** The targets of a buildpack as the reference prints them. */
export function describePatterns(patterns: readonly TargetPattern[]): string {
  return encodeJson(patterns.map(jsonOfPattern));
}

function jsonOfPattern(pattern: TargetPattern): Json {
  const distros = pattern.distros.map(({ name, version }) => ({ name: name ?? "", version: version ?? "" }));
  return {
    os: pattern.os ?? "",
    arch: pattern.arch ?? "",
    "arch-variant": pattern.variant,
    distros: distros.length > 0 ? distros : undefined,
  };
}
