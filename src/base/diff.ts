import { compareBytes } from "../std/byte.ts";
import type { PackageVersions } from "./image.ts";
import { fieldOf, parseParagraphs } from "./paragraph.ts";
import { compareVersions } from "./version.ts";

/** A package in two versions. */
interface Changed {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** How the packages of two bases differ, each list in name order. */
export interface PackageDiff {
  readonly added: readonly { readonly name: string; readonly version: string }[];
  readonly removed: readonly { readonly name: string; readonly version: string }[];
  readonly upgraded: readonly Changed[];
  readonly downgraded: readonly Changed[];
}

/** Text of dpkg's status file to the versions of what is installed; throws Fault `base.parse` that names `place`. */
export function parseStatus(text: string, place: string): PackageVersions {
  const installed = parseParagraphs(text, place).flatMap((paragraph) => {
    const [name, version] = [fieldOf(paragraph, "Package"), fieldOf(paragraph, "Version")];
    const isInstalled = / installed$/.test(fieldOf(paragraph, "Status") ?? "install ok installed");
    return name && version && isInstalled ? [[name, version] as const] : [];
  });
  return Object.fromEntries(installed);
}

/** What changes when one set of packages takes the place of another. */
export function diffPackages(before: PackageVersions, after: PackageVersions): PackageDiff {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort(compareBytes);
  const both = names.flatMap((name) => {
    const [from, to] = [before[name], after[name]];
    return from !== undefined && to !== undefined && from !== to ? [{ name, from, to }] : [];
  });
  const only = (here: PackageVersions, there: PackageVersions) =>
    names.flatMap((name) => {
      const version = here[name];
      return version !== undefined && there[name] === undefined ? [{ name, version }] : [];
    });
  return {
    added: only(after, before),
    removed: only(before, after),
    upgraded: both.filter(({ from, to }) => compareVersions(from, to) <= 0),
    downgraded: both.filter(({ from, to }) => compareVersions(from, to) > 0),
  };
}
