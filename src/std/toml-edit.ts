import { Fault } from "./fault.ts";
import { isTable, parseToml, type TomlTable, type TomlValue } from "./toml.ts";
import { formatToml, tomlMap, type Writable, type WritableTable } from "./toml-write.ts";

/** One change of a document: of a key at its top or in one of its tables (undefined takes it out), or of a list of tables. */
export type TomlEdit =
  | { readonly do: "set"; readonly table?: string; readonly key: string; readonly value: Writable | undefined }
  | {
      readonly do: "set-in";
      readonly list: string;
      readonly at: number;
      readonly key: string;
      readonly value: Writable;
    }
  | { readonly do: "add"; readonly list: string; readonly item: WritableTable }
  | { readonly do: "drop"; readonly list: string; readonly at: number };

/**
 * The document with one change. Comments, order and spacing of the rest stay where the text is laid out as people do; where it is not, the document is
 * written anew, with everything in it but comments. Throws Fault `toml.parse`, and `toml.edit` when there is no such list or table.
 */
export function editToml(text: string, place: string, edit: TomlEdit): string {
  const wanted = edited(parseToml(text, place), edit, place);
  const attempt = editedText(text, edit);
  return isSame(attempt, wanted) ? attempt : formatToml(wanted);
}

function isSame(text: string, wanted: WritableTable): boolean {
  try {
    return formatToml(tomlMap(parseToml(text, ""))) === formatToml(tomlMap(wanted as TomlTable));
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}

function without(table: WritableTable, key: string): WritableTable {
  return Object.fromEntries(Object.entries(table).filter(([name]) => name !== key));
}

function refusal(name: string, place: string): Fault {
  return new Fault("toml.edit", `Cannot change ${name} at ${place}: it is something else there`);
}

function edited(document: TomlTable, edit: TomlEdit, place: string): WritableTable {
  if (edit.do === "set") {
    const { table, key, value } = edit;
    const change = (inside: WritableTable) =>
      value === undefined ? without(inside, key) : { ...inside, [key]: value };
    if (table === undefined) return change(document);
    const inside: TomlValue = document[table] ?? {};
    if (!isTable(inside)) throw refusal(table, place);
    const changed = change(inside);
    return Object.keys(changed).length === 0 ? without(document, table) : { ...document, [table]: changed };
  }
  const found: TomlValue = document[edit.list] ?? [];
  if (!Array.isArray(found) || !found.every(isTable)) throw refusal(edit.list, place);
  const items: readonly WritableTable[] = found;
  const next =
    edit.do === "add"
      ? [...items, edit.item]
      : edit.do === "drop"
        ? items.filter((_, at) => at !== edit.at)
        : items.map((item, at) => (at === edit.at ? { ...item, [edit.key]: edit.value } : item));
  return next.length === 0 ? without(document, edit.list) : { ...document, [edit.list]: next };
}

/** A header with what follows it, and with the comment right above it; the first one has no header. */
interface Section {
  readonly name?: string;
  readonly isList?: boolean;
  readonly lines: readonly string[];
}

const header = /^\s*(\[\[?)\s*(?:([\w-]+)|"([^"\\]*)"|'([^']*)')\s*\]\]?\s*(#.*)?$/;

function sectionsOf(text: string): Section[] {
  const sections: Section[] = [];
  let current: { name?: string; isList?: boolean; lines: string[] } = { lines: [] };
  for (const line of text === "" ? [] : text.replace(/\n$/, "").split("\n")) {
    if (/^\s*\[/.test(line)) {
      const start = current.lines.findLastIndex((above) => !above.trim().startsWith("#")) + 1;
      const above = current.lines.splice(start);
      sections.push(current);
      const found = header.exec(line);
      const name = found?.[2] ?? found?.[3] ?? found?.[4];
      current = { ...(name !== undefined && { name, isList: found![1] === "[[" }), lines: above };
    }
    current.lines.push(line);
  }
  return [...sections, current];
}

function pairOf(key: string, value: Writable): string {
  return formatToml({ [key]: value }).trimEnd();
}

/** The lines with one key set to a value on one line, or taken out. */
function withKey(lines: readonly string[], key: string, value: Writable | undefined): string[] {
  const escaped = key.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = new RegExp(`^(\\s*)(?:${escaped}|"${escaped}"|'${escaped}')\\s*=`);
  const at = lines.findIndex((line) => pattern.test(line));
  if (value === undefined) return at < 0 ? [...lines] : lines.toSpliced(at, 1);
  if (at >= 0) {
    const comment = /^[^"'#]*(?:"[^"]*"|'[^']*'|[^"'#]*)(\s+#.*)$/.exec(lines[at]!.replace(pattern, ""))?.[1] ?? "";
    return lines.toSpliced(at, 1, `${/^\s*/.exec(lines[at]!)![0]}${pairOf(key, value)}${comment}`);
  }
  const end = lines.findLastIndex((line) => line.trim() !== "") + 1;
  const indent = /^\s*/.exec(lines.slice(1, end).findLast((line) => !line.trim().startsWith("#")) ?? "")![0];
  return lines.toSpliced(end, 0, indent + pairOf(key, value));
}

function editedText(text: string, edit: TomlEdit): string {
  const sections = sectionsOf(text);
  const parts: (readonly string[])[] = sections.map(({ lines }) => lines);
  if (edit.do === "set") {
    const at = edit.table === undefined ? 0 : sections.findIndex(({ name, isList }) => name === edit.table && !isList);
    if (at >= 0) parts[at] = withKey(sections[at]!.lines, edit.key, edit.value);
    else if (edit.value !== undefined) parts.push(linesOf({ [edit.table!]: { [edit.key]: edit.value } }));
    if (edit.table !== undefined && at >= 0 && !parts[at]!.some((line) => line.includes("="))) parts.splice(at, 1);
  } else {
    const places = sections.flatMap(({ name, isList }, at) => (name === edit.list && isList ? [at] : []));
    if (edit.do === "add")
      parts.splice((places.at(-1) ?? parts.length - 1) + 1, 0, linesOf({ [edit.list]: [edit.item] }));
    else if (places[edit.at] !== undefined) {
      const at = places[edit.at]!;
      if (edit.do === "drop") parts.splice(at, 1);
      else parts[at] = withKey(sections[at]!.lines, edit.key, edit.value);
    }
  }
  return joined(parts);
}

function linesOf(table: WritableTable): string[] {
  return formatToml(table).trimEnd().split("\n");
}

/** The parts with an empty line between them, as the writer of the reference leaves it. */
function joined(parts: readonly (readonly string[])[]): string {
  const texts = parts.map((lines) => lines.join("\n").replace(/^(\s*\n)+|\s+$/g, "")).filter((text) => text !== "");
  return texts.length === 0 ? "" : `${texts.join("\n\n")}\n`;
}
