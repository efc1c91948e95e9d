import { isTable, pathOf, type TomlTable, type TomlValue } from "./toml.ts";

/** The keys a table may have: `true` for any value, a shape for a table or a list of tables. */
export interface Shape {
  readonly [key: string]: true | Shape;
}

/** The dotted paths of all keys that a shape does not know, in the order of the document; case does not count. */
export function strayKeys(table: TomlTable, shape: Shape): readonly string[] {
  const known = new Map(Object.entries(shape).map(([key, inner]) => [key.toLowerCase(), inner]));
  return Object.entries(table).flatMap(([key, value]) => {
    const inner = known.get(key.toLowerCase());
    if (inner === undefined) return [pathOf(table, key)];
    return inner === true ? [] : tablesOf(value).flatMap((item) => strayKeys(item, inner));
  });
}

function tablesOf(value: TomlValue): readonly TomlTable[] {
  return Array.isArray(value) ? value.filter(isTable) : isTable(value) ? [value] : [];
}
