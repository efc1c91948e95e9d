import { Fault } from "./fault.ts";
import { isTable, pathOf, TomlDate, type TomlTable, type TomlValue } from "./toml.ts";

/**
 * The value under a key, or undefined; a key that differs only in case is taken when the exact one is absent, as the
 * reference's decoder does.
 */
export function valueIn(table: TomlTable, key: string): TomlValue | undefined {
  if (Object.hasOwn(table, key)) return table[key];
  const folded = key.toLowerCase();
  const similar = Object.keys(table).find((name) => name.toLowerCase() === folded);
  return similar === undefined ? undefined : table[similar];
}

/** The string under a key, or undefined when there is none; throws Fault `toml.type` for anything else. */
export function stringIn(table: TomlTable, key: string, place: string): string | undefined {
  return read(table, key, place, "a string", (value) => typeof value === "string");
}

/** The string under a key; throws Fault `toml.missing` when there is none or it is empty. */
export function requiredStringIn(table: TomlTable, key: string, place: string): string {
  const text = stringIn(table, key, place);
  if (text) return text;
  const found = text === undefined ? "it is missing" : "it is empty";
  throw new Fault("toml.missing", `Cannot read ${pathOf(table, key)} at ${place}: ${found}`);
}

/** The boolean under a key, or undefined when there is none; throws Fault `toml.type` for anything else. */
export function booleanIn(table: TomlTable, key: string, place: string): boolean | undefined {
  return read(table, key, place, "a boolean", (value) => typeof value === "boolean");
}

/** The integer under a key, or undefined when there is none; throws Fault `toml.type` for anything else. */
export function integerIn(table: TomlTable, key: string, place: string): bigint | undefined {
  return read(table, key, place, "an integer", (value) => typeof value === "bigint");
}

/** The table under a key, or undefined when there is none; throws Fault `toml.type` for anything else. */
export function tableIn(table: TomlTable, key: string, place: string): TomlTable | undefined {
  return read(table, key, place, "a table", isTable);
}

/** The list under a key, or undefined when there is none; throws Fault `toml.type` for anything else. */
export function listIn(table: TomlTable, key: string, place: string): readonly TomlValue[] | undefined {
  return read(table, key, place, "a list", isList);
}

/** The list of strings under a key, or undefined when there is none; throws Fault `toml.type` for anything else. */
export function stringsIn(table: TomlTable, key: string, place: string): readonly string[] | undefined {
  return items(table, key, place, "a string", (item) => typeof item === "string");
}

/** The list of tables under a key, empty when there is none; throws Fault `toml.type` for anything else. */
export function tablesIn(table: TomlTable, key: string, place: string): readonly TomlTable[] {
  return items(table, key, place, "a table", isTable) ?? [];
}

function isList(value: TomlValue): value is readonly TomlValue[] {
  return Array.isArray(value);
}

function read<T extends TomlValue>(
  table: TomlTable,
  key: string,
  place: string,
  wanted: string,
  fits: (value: TomlValue) => value is T,
): T | undefined {
  const value = valueIn(table, key);
  if (value === undefined || fits(value)) return value;
  throw new Fault(
    "toml.type",
    `Cannot read ${pathOf(table, key)} at ${place}: expected ${wanted}, found ${described(value)}`,
  );
}

function items<T extends TomlValue>(
  table: TomlTable,
  key: string,
  place: string,
  wanted: string,
  fits: (value: TomlValue) => value is T,
): readonly T[] | undefined {
  const list = listIn(table, key, place);
  return list?.map((item, index) => {
    if (fits(item)) return item;
    throw new Fault(
      "toml.type",
      `Cannot read ${pathOf(table, key)}[${index}] at ${place}: expected ${wanted}, found ${described(item)}`,
    );
  });
}

function described(value: TomlValue): string {
  if (typeof value === "string") return `the string ${JSON.stringify(value.slice(0, 80))}`;
  if (typeof value === "bigint") return `the integer ${value}`;
  if (typeof value === "number") return `the float ${value}`;
  if (typeof value === "boolean") return `the boolean ${value}`;
  if (value instanceof TomlDate) return `the date or time ${value.text}`;
  return isList(value) ? "a list" : "a table";
}
