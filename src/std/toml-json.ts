import { Fault } from "./fault.ts";
import { asMap, type Json, type JsonObject } from "./json.ts";
import { TomlDate, type TomlTable, type TomlValue } from "./toml.ts";
import { formatDate } from "./toml-write.ts";

/**
 * A TOML value as the reference puts it into a JSON label: integers exact, floats as they are, dates as RFC 3339 (local
 * ones as under UTC), the keys of tables in byte order. Throws Fault `toml.json` for `inf` and `nan`.
 */
export function jsonOfToml(value: TomlValue): Json {
  if (typeof value === "number" && !Number.isFinite(value))
    throw new Fault("toml.json", `Cannot write a TOML value as JSON: JSON has no ${tomlName(value)}`, {
      hint: "write the number as a string",
    });
  if (typeof value !== "object") return value;
  if (value instanceof TomlDate) return jsonDate(value);
  if (Array.isArray(value)) return value.map(jsonOfToml);
  const pairs = Object.entries(value as TomlTable);
  return asMap(Object.fromEntries(pairs.map(([key, item]) => [key, jsonOfToml(item)])));
}

/**
 * JSON as the reference writes it back into TOML: every number becomes a float, keys whose value is null vanish.
 * Throws Fault `toml.json` for null where TOML needs a value.
 */
export function tomlOfJson(value: Json): TomlValue {
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  if (value === null) throw new Fault("toml.json", "Cannot write a JSON value as TOML: TOML has no null");
  if (Array.isArray(value)) return value.map(tomlOfJson);
  const table: Record<string, TomlValue> = Object.create(null);
  for (const [key, item] of Object.entries(value as JsonObject))
    if (item !== undefined && item !== null) table[key] = tomlOfJson(item);
  return table;
}

function tomlName(value: number): string {
  if (Number.isNaN(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

function jsonDate(date: TomlDate): string {
  const text = formatDate(date);
  if (date.kind === "offset-date-time") return text;
  if (date.kind === "local-date-time") return `${text}Z`;
  return date.kind === "local-date" ? `${text}T00:00:00Z` : `0000-01-01T${text}Z`;
}
