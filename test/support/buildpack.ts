import { parseApi } from "../../src/cnb/api.ts";
import type { Buildpack } from "../../src/cnb/buildpack.ts";
import type { Attempt, Outcome } from "../../src/cnb/detection.ts";
import type { Element, Lookup, Order, OrderEntry } from "../../src/cnb/order.ts";
import { nameOf } from "../../src/cnb/order.ts";
import type { Alternative } from "../../src/cnb/plan.ts";

/** A component buildpack that says nothing but its name; the version is 1 unless said (`id@version`). */
export function buildpack(name: string, more: Partial<Buildpack> = {}): Buildpack {
  const { id, version } = entry(name);
  const api = parseApi("0.12", "test");
  const lists = { keywords: [], licenses: [], sbomFormats: [], execEnv: [], targets: [] };
  return { api, id, version, clearEnv: false, ...lists, ...more };
}

/** An entry of an order: `id` or `id@version`, with a `?` at the end when optional. */
export function entry(text: string): OrderEntry {
  const [id, version = "1"] = text.replace(/\?$/, "").split("@") as [string, string?];
  return { id, version, optional: text.endsWith("?") };
}

/** An order from groups such as `"a b? c@2"`. */
export function order(...groups: readonly string[]): Order {
  return groups.map((group) => group.split(" ").filter(Boolean).map(entry));
}

/** Finds buildpacks among composites, given by their groups, and components, given by name. */
export function lookupIn(composites: Readonly<Record<string, Order>>, components: readonly Buildpack[] = []): Lookup {
  const known = new Map(components.map((one) => [nameOf(one), one]));
  for (const [name, groups] of Object.entries(composites))
    known.set(nameOf(entry(name)), buildpack(name, { order: groups }));
  return (id, version) => known.get(nameOf({ id, version }));
}

/** Finds composites as given and takes everything else for a component. */
export function anyOf(composites: Readonly<Record<string, Order>>): Lookup {
  const known = lookupIn(composites);
  return (id, version) => known(id, version) ?? buildpack(`${id}@${version}`);
}

/** A flat group in short: `a b? c@2`. */
export function shortly(group: readonly Element[]): string {
  const versionOf = ({ version }: Buildpack) => (version === "1" ? "" : `@${version}`);
  return group
    .map(({ buildpack, optional }) => `${buildpack.id}${versionOf(buildpack)}${optional ? "?" : ""}`)
    .join(" ");
}

/** An offer from `+name` for provides and `-name` for requires. */
export function offer(text: string): Alternative {
  const words = text.split(" ").filter(Boolean);
  const named = (sign: string) => words.filter((word) => word.startsWith(sign)).map((word) => word.slice(1));
  return { provides: named("+"), requires: named("-").map((name) => ({ name })) };
}

/** An attempt at a buildpack that passed with these offers, or whose outcome is given. */
export function attempt(name: string, outcome: Outcome | readonly string[] = [""], output?: string): Attempt {
  const element: Element = { buildpack: buildpack(name.replace(/\?$/, "")), optional: name.endsWith("?") };
  const found = "kind" in outcome ? outcome : { kind: "pass" as const, alternatives: outcome.map(offer) };
  return { element, outcome: found, ...(output !== undefined && { output }) };
}
