import { Fault } from "../std/fault.ts";
import { parseToml, pathOf, type TomlTable } from "../std/toml.ts";
import { booleanIn, requiredStringIn, stringIn, tablesIn } from "../std/toml-read.ts";
import { formatToml, type WritableTable } from "../std/toml-write.ts";
import { parseExecEnv } from "./exec-env.ts";

/** A buildpack (or extension) by its coordinates. */
export interface Coordinates {
  readonly id: string;
  readonly version: string;
}

/** One place in a group of an order (Platform spec, "order.toml"). */
export interface OrderEntry extends Coordinates {
  readonly optional: boolean;
  /** Execution environments the entry is limited to; absent for no limit. */
  readonly execEnv?: readonly string[];
}

/** Buildpacks to try together. */
export type Group = readonly OrderEntry[];

/** Groups to try one after the other. */
export type Order = readonly Group[];

/** An entry of builder.toml, which may leave the version to the builder. */
export type OpenEntry = Omit<OrderEntry, "version"> & { readonly version?: string };

/** The order of builder.toml. */
export type OpenOrder = readonly (readonly OpenEntry[])[];

/**
 * The `[[order]]` of a composite's buildpack.toml. Throws Fault `toml.missing` for an entry without id
 * or version, and `buildpack.coordinates` for one that cannot name a directory.
 */
export function parseOrder(table: TomlTable, place: string): Order {
  return tablesIn(table, "order", place).map((group) => parseEntries(group, place, "group"));
}

/** The entries listed under a key, each with id and version; throws as `parseOrder` does. */
export function parseEntries(table: TomlTable, place: string, key: string): Group {
  return tablesIn(table, key, place).map((entry) => ({
    id: idIn(entry, place),
    version: versionIn(entry, place),
    ...restOf(entry, place),
  }));
}

/** The `[[order]]` of builder.toml, where an entry may leave the version out. */
export function parseOpenOrder(table: TomlTable, place: string, key = "order"): OpenOrder {
  return tablesIn(table, key, place).map((group) =>
    tablesIn(group, "group", place).map((entry) => ({
      id: idIn(entry, place),
      ...(stringIn(entry, "version", place) && { version: versionIn(entry, place) }),
      ...restOf(entry, place),
    })),
  );
}

/**
 * The text of a builder's order.toml: what to try, and the extensions to try before it, which are optional whatever it says. As in builder.toml a version may be left out; the
 * one there is fills it in. Throws Fault `toml.*` and, for an entry that cannot name a directory, `buildpack.coordinates`.
 */
export function parseOrderFile(
  text: string,
  place: string,
): { readonly order: OpenOrder; readonly extensions: OpenOrder } {
  const table = parseToml(text, place);
  const extensions = parseOpenOrder(table, place, "order-extensions");
  return {
    order: parseOpenOrder(table, place),
    extensions: extensions.map((group) => group.map((entry) => ({ ...entry, optional: true }))),
  };
}

/** The text of order.toml. */
export function formatOrderFile(order: Order, extensions: Order = []): string {
  return formatToml({ order: writableOrder(order), "order-extensions": writableOrder(extensions) });
}

function writableOrder(order: Order): WritableTable[] | undefined {
  if (order.length === 0) return undefined;
  return order.map((group) => ({ group: writableEntries(group) }));
}

/** The entries of a group as they are written, keys in pack's order. */
export function writableEntries(group: Group): WritableTable[] {
  return group.map(({ id, version, optional, execEnv }) => ({
    id,
    version,
    "exec-env": execEnv,
    optional: optional || undefined,
  }));
}

function restOf(entry: TomlTable, place: string): Omit<OrderEntry, "id" | "version"> {
  const execEnv = parseExecEnv(entry, place);
  return { optional: booleanIn(entry, "optional", place) ?? false, ...(execEnv.length > 0 && { execEnv }) };
}

/** The `id` of a table; throws Fault `buildpack.coordinates` when it cannot name a directory. */
export function idIn(table: TomlTable, place: string): string {
  return checked(table, "id", place, (id) => id !== "." && id !== "..");
}

/** The `version` of a table; throws Fault `buildpack.coordinates` when it cannot name a directory. */
export function versionIn(table: TomlTable, place: string): string {
  return checked(table, "version", place, (version) => version !== "." && version !== ".." && !version.includes("/"));
}

/** `id@version`. */
export function nameOf({ id, version }: Coordinates): string {
  return `${id}@${version}`;
}

function checked(table: TomlTable, key: string, place: string, isName: (text: string) => boolean): string {
  const text = requiredStringIn(table, key, place);
  if (isName(text) && !/[\u0000-\u001f\u007f\\]|\{\{/.test(text)) return text;
  throw new Fault(
    "buildpack.coordinates",
    `Cannot read ${pathOf(table, key)} at ${place}: ${JSON.stringify(text)} cannot name a buildpack`,
    text.includes("{{") ? { hint: "the file is a template; package the buildpack first" } : {},
  );
}
