import toml from "toml";
import { Fault, reasonOf } from "./fault.ts";

/** A TOML document may not be longer than this (UTF-16 units), nor nest deeper. */
export const tomlLimits = { length: 4 * 1024 * 1024, depth: 200 } as const;

const tooDeep = `it nests deeper than ${tomlLimits.depth} levels`;

/** A date or time as the document wrote it, with `T` and `Z` in upper case and seconds filled in. */
export class TomlDate {
  readonly kind: "offset-date-time" | "local-date-time" | "local-date" | "local-time";
  readonly text: string;

  constructor(kind: TomlDate["kind"], text: string) {
    this.kind = kind;
    this.text = text;
  }
}

/** What a TOML document can hold; integers are bigint, so a number is always a float. */
export type TomlValue = string | bigint | number | boolean | TomlDate | readonly TomlValue[] | TomlTable;

/** A TOML table; `parseToml` makes them without a prototype, so `__proto__` is a key like any other. */
export interface TomlTable {
  readonly [key: string]: TomlValue;
}

/** Whether a value is a table. */
export function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof TomlDate);
}

/**
 * Text to table; throws Fault `toml.parse` that names `place`, line and column when it is not TOML 1.1, is longer than
 * 4 Mi characters or nests deeper than 200 levels.
 */
export function parseToml(text: string, place: string): TomlTable {
  if (text.length > tomlLimits.length)
    throw new Fault("toml.parse", `Cannot parse TOML at ${place}: it is longer than ${tomlLimits.length} characters`);
  const table = parsed(text, place);
  nameTables(table, place);
  return table;
}

const date = (kind: TomlDate["kind"]) => ({ from: (item: string) => new TomlDate(kind, item.replace(/\[.*$/, "")) });
const temporal = {
  ZonedDateTime: date("offset-date-time"),
  PlainDateTime: date("local-date-time"),
  PlainDate: date("local-date"),
  PlainTime: date("local-time"),
};

function parsed(text: string, place: string): TomlTable {
  try {
    return toml.parse(text, { bigint: true, useTemporal: true, temporal, maxDepth: tomlLimits.depth }) as TomlTable;
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new Fault("toml.parse", `Cannot parse TOML at ${place}: ${tooDeep}`, { cause });
    const { line, column, found } = errorOf(cause, text);
    throw new Fault("toml.parse", `Cannot parse TOML at ${place}:${line}:${column}: ${found}`, {
      hint: frameOf(text, line, column),
      cause,
    });
  }
}

/** The line with a caret below the column; long lines are cut around it. */
function frameOf(text: string, line: number, column: number): string {
  const whole = text.split(/\r?\n/, line)[line - 1] ?? "";
  const from = Math.max(0, column - 60);
  const shown = whole.slice(from, from + 120).replace(/\t/g, " ");
  return `look here:\n  ${line} | ${shown}\n  ${" ".repeat(String(line).length)} | ${" ".repeat(column - 1 - from)}^`;
}

interface ParserError {
  readonly line?: number;
  readonly column?: number;
  readonly location?: { readonly start: { readonly offset: number; readonly line: number; readonly column: number } };
}

function errorOf(cause: unknown, text: string): { line: number; column: number; found: string } {
  const error = cause as ParserError;
  if (error.location === undefined)
    return { line: error.line ?? 1, column: error.column ?? 1, found: lowered(reasonOf(cause)) };
  const { offset, line, column } = error.location.start;
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0);
  const found = offset >= text.length ? "unexpected end of the document" : `unexpected ${JSON.stringify(character)}`;
  return { line, column, found };
}

function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

/** Where a table stands: kept beside the tables, so that a reader's fault can say the whole path. */
const origins = new WeakMap<TomlTable, { readonly parent: TomlTable; readonly name: string }>();

function nameTables(root: TomlTable, place: string): void {
  const open: { table: TomlTable; depth: number }[] = [{ table: root, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { table: parent, depth: above } = next;
    const visit = (value: TomlValue, name: string, depth: number): void => {
      if (typeof value !== "object" || value instanceof TomlDate) return;
      if (depth > tomlLimits.depth) throw new Fault("toml.parse", `Cannot parse TOML at ${place}: ${tooDeep}`);
      if (isTable(value)) {
        origins.set(value, { parent, name });
        open.push({ table: value, depth });
      } else {
        for (const [index, item] of value.entries())
          if (typeof item === "object") visit(item, `${name}[${index}]`, depth + 1);
      }
    };
    for (const [key, value] of Object.entries(parent)) visit(value, key, above + 1);
  }
}

/** The dotted path of a key of a parsed table (`order[0].group[2].id`). */
export function pathOf(table: TomlTable, key: string): string {
  const names = [key];
  for (let at = origins.get(table); at !== undefined; at = origins.get(at.parent)) names.unshift(at.name);
  return names.join(".");
}
