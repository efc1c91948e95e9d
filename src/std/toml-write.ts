import { compareBytes } from "./byte.ts";
import { isTable, TomlDate, type TomlTable, type TomlValue } from "./toml.ts";

/** A table to be written with its keys, and those of every table inside, in byte order: what Go does with a map. */
export class TomlMap {
  readonly table: TomlTable;

  constructor(table: TomlTable) {
    this.table = table;
  }
}

/** A value that is TOML text already. */
export class TomlRaw {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What can be written: TOML values, maps, raw text; keys whose value is undefined are left out. */
export type Writable = TomlValue | TomlMap | TomlRaw | readonly Writable[] | WritableTable;

/** A table to be written with its keys in the order they have here: what Go does with a struct. */
export interface WritableTable {
  readonly [key: string]: Writable | undefined;
}

/** A table whose keys, at every depth, are written in byte order. */
export function tomlMap(table: TomlTable): TomlMap {
  return new TomlMap(table);
}

/** A value written as `text`, which has to be TOML. */
export function tomlRaw(text: string): TomlRaw {
  return new TomlRaw(text);
}

/**
 * A document, byte for byte as BurntSushi/toml 1.6 writes it: plain keys before tables, two spaces of indent a level,
 * basic strings only. An object keeps the order of its keys, a `tomlMap` is sorted; bigint is an integer, number a float.
 */
export function formatToml(document: WritableTable | TomlMap): string {
  const lines: string[] = [];
  writeTable(lines, [], viewOf(document, false));
  return lines.join("");
}

/** A TOML string in basic quotes, with Go's choice of escapes. */
export function quoteToml(text: string): string {
  return `"${text.replace(/["\\\u0000-\u001f\u007f]/g, escaped)}"`;
}

/** A table ready to be written: plain keys first, then what becomes tables of its own. */
interface View {
  readonly pairs: readonly (readonly [string, Writable])[];
  readonly sorted: boolean;
}

function isTableLike(value: Writable): value is TomlMap | WritableTable {
  return value instanceof TomlMap || (!(value instanceof TomlRaw) && isTable(value));
}

function isTableArray(value: Writable): value is readonly (TomlMap | WritableTable)[] {
  return Array.isArray(value) && value.length > 0 && value.every(isTableLike);
}

function viewOf(value: TomlMap | WritableTable, inMap: boolean): View {
  const sorted = inMap || value instanceof TomlMap;
  const table: WritableTable = value instanceof TomlMap ? value.table : (value as WritableTable);
  const pairs = Object.entries(table).filter((pair): pair is [string, Writable] => pair[1] !== undefined);
  if (sorted) pairs.sort(([a], [b]) => compareBytes(a, b));
  const isOwnTable = ([, item]: readonly [string, Writable]) => isTableLike(item) || isTableArray(item);
  return { pairs: [...pairs.filter((pair) => !isOwnTable(pair)), ...pairs.filter(isOwnTable)], sorted };
}

function writeTable(lines: string[], path: readonly string[], view: View): void {
  const indent = "  ".repeat(path.length);
  for (const [key, value] of view.pairs) {
    const inner = [...path, keyOf(key)];
    if (isTableArray(value)) {
      for (const item of value) {
        if (lines.length > 0) lines.push("\n");
        lines.push(`${indent}[[${inner.join(".")}]]\n`);
        writeTable(lines, inner, viewOf(item, view.sorted));
      }
    } else if (isTableLike(value)) {
      if (path.length === 0 && lines.length > 0) lines.push("\n");
      lines.push(`${indent}[${inner.join(".")}]\n`);
      writeTable(lines, inner, viewOf(value, view.sorted));
    } else {
      lines.push(`${indent}${keyOf(key)} = ${inline(value, view.sorted)}\n`);
    }
  }
}

function keyOf(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quoteToml(key);
}

function inline(value: Writable, sorted: boolean): string {
  if (typeof value === "string") return quoteToml(value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value === "number") return formatFloat(value);
  if (value instanceof TomlDate) return formatDate(value);
  if (value instanceof TomlRaw) return value.text;
  if (Array.isArray(value)) return `[${value.map((item: Writable) => inline(item, sorted)).join(", ")}]`;
  const view = viewOf(value as TomlMap | WritableTable, sorted);
  return `{${view.pairs.map(([key, item]) => `${keyOf(key)} = ${inline(item, view.sorted)}`).join(", ")}}`;
}

const shortEscapes: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
};

function escaped(character: string): string {
  return shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Go's shortest `%g`: an exponent of at least two digits below 1e-4 and from 1e6 on, and always a point or an exponent. */
function formatFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 6))
    return `${mantissa}e${exponent[0]}${String(Math.abs(power)).padStart(2, "0")}`;
  const plain = String(value);
  return plain.includes(".") ? plain : `${plain}.0`;
}

/** A date or time as Go prints it: no trailing zeros in the fraction, `Z` for an offset of zero. */
export function formatDate(date: TomlDate): string {
  return date.text
    .replace(/(\.\d*?)0+(?!\d)/, "$1")
    .replace(/\.(?!\d)/, "")
    .replace(/[+-]00:00$/, "Z");
}
