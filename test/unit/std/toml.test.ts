import { describe, expect, it } from "vitest";
import { isTable, parseToml, pathOf, TomlDate, type TomlTable, tomlLimits } from "../../../src/std/toml.ts";
import {
  booleanIn,
  integerIn,
  listIn,
  requiredStringIn,
  stringIn,
  stringsIn,
  tableIn,
  tablesIn,
  valueIn,
} from "../../../src/std/toml-read.ts";
import { strayKeys } from "../../../src/std/toml-shape.ts";
import { faultOf } from "../../support/fault.ts";

const failure = (text: string) => faultOf(() => parseToml(text, "a/b.toml"));

describe("parsing TOML", () => {
  it("keeps integers, floats and booleans apart", () => {
    const table = parseToml("a = 9223372036854775807\nb = 3.0\nc = true\nd = -0.0\ne = 0xff\nf = inf", "t");
    expect(table).toMatchObject({
      a: 9223372036854775807n,
      b: 3,
      c: true,
      d: -0,
      e: 255n,
      f: Number.POSITIVE_INFINITY,
    });
    expect(Object.is(table["d"], -0)).toBe(true);
  });

  it.each([
    ["1979-05-27T00:32:00.123-07:00", "offset-date-time", "1979-05-27T00:32:00.123-07:00"],
    ["1979-05-27 07:32:00z", "offset-date-time", "1979-05-27T07:32:00Z"],
    ["1979-05-27T07:32:00", "local-date-time", "1979-05-27T07:32:00"],
    ["1979-05-27", "local-date", "1979-05-27"],
    ["07:32:00.5", "local-time", "07:32:00.5"],
    ["07:32", "local-time", "07:32:00"],
  ] as const)("keeps the date or time %s as it is", (written, kind, text) => {
    expect(parseToml(`x = ${written}`, "t")["x"]).toEqual(new TomlDate(kind, text));
  });

  it("does not take a table for a date", () => {
    expect(isTable(parseToml('[d]\nkind = "local-date"\ntext = "1979-05-27"', "t")["d"])).toBe(true);
    expect(isTable(new TomlDate("local-date", "1979-05-27"))).toBe(false);
  });

  it("has no way to the prototype", () => {
    const table = parseToml("[__proto__]\npolluted = true\n[constructor.prototype]\nx = 1", "t");
    expect(Object.keys(table)).toEqual(["__proto__", "constructor"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(valueIn(parseToml("", "t"), "toString")).toBeUndefined();
  });

  it.each([
    ["a = [1,\n  x]", '2:3: unexpected "x"'],
    ["a = ", "1:5: unexpected end of the document"],
    ["{{ .Values }}", '1:1: unexpected "{"'],
    ["a = 1\na = 2", "2:1: cannot redefine existing key 'a'"],
    ["[a]\n[a]", "2:1: cannot redefine existing key 'a'"],
    ["a = 9223372036854775808", "1:5: integer 9223372036854775808 is outside"],
    ["x = 2024-02-30", "1:5: invalid date: day 30 out of range"],
    ['a = "\u0001"', '1:6: unexpected "\\u0001"'],
    ["😀 = 1", '1:1: unexpected "😀"'],
  ])("says where and what it found in %j", (text, found) => {
    const fault = failure(text);
    expect(fault.code).toBe("toml.parse");
    expect(fault.message).toContain(`Cannot parse TOML at a/b.toml:${found}`);
  });

  it("shows the line", () => {
    expect(failure('ok = 1\nkey = "x').hint).toBe('look here:\n  2 | key = "x\n    |         ^');
    const long = failure(`a = [${"1, ".repeat(1000)}x]`).hint!;
    expect(long.length).toBeLessThan(300);
    const [line, caret] = long.split("\n").slice(1) as [string, string];
    expect(line[caret.indexOf("^")]).toBe("x");
  });

  it.each([
    ["arrays", `a = ${"[".repeat(100_000)}`],
    ["inline tables", "a = {b = ".repeat(50_000)],
    ["dotted keys", `${"a.".repeat(50_000)}b = 1`],
    ["headers", `[${"a.".repeat(tomlLimits.depth + 1)}b]`],
    ["a mixture", `[${"a.".repeat(150)}b]\nx = ${"[".repeat(100)}{y = {z = 1}}${"]".repeat(100)}`],
  ])("refuses deep nesting of %s", (_, text) => {
    expect(failure(text).code).toBe("toml.parse");
  });

  it("refuses a document of endless length", () => {
    expect(failure(" ".repeat(tomlLimits.length + 1)).message).toContain("longer than");
  });

  it("reads what real files hold: byte order mark, carriage returns, quoted keys, tables after lists", () => {
    const text = '\ufeff"a.b" = 1\r\n[[m.c]]\r\n\tx = [\r\n 1, # one\r\n ]\r\n[m]\r\ny = []\r\n';
    expect(parseToml(text, "t")).toEqual({ "a.b": 1n, m: { c: [{ x: [1n] }], y: [] } });
  });
});

describe("reading TOML values", () => {
  const table = parseToml(
    's = "x"\ne = ""\nb = true\ni = 3\nl = ["a", 1]\nt = [{k = 1}, {k = {}}]\n[T.u]\nz = 1979-05-27',
    "f.toml",
  );
  const read = { stringIn, booleanIn, integerIn, tableIn, listIn, stringsIn, tablesIn };

  it("gives the value, or nothing when the key is absent", () => {
    expect([stringIn(table, "s", "f"), booleanIn(table, "b", "f"), integerIn(table, "i", "f")]).toEqual([
      "x",
      true,
      3n,
    ]);
    expect(tablesIn(table, "t", "f")).toHaveLength(2);
    for (const name of ["stringIn", "booleanIn", "integerIn", "tableIn", "listIn", "stringsIn"] as const)
      expect(read[name](table, "none", "f")).toBeUndefined();
    expect(tablesIn(table, "none", "f")).toEqual([]);
  });

  it.each([
    ["stringIn", "i", "Cannot read i at f.toml: expected a string, found the integer 3"],
    ["booleanIn", "s", 'Cannot read s at f.toml: expected a boolean, found the string "x"'],
    ["integerIn", "b", "Cannot read b at f.toml: expected an integer, found the boolean true"],
    ["tableIn", "l", "Cannot read l at f.toml: expected a table, found a list"],
    ["listIn", "T", "Cannot read T at f.toml: expected a list, found a table"],
    ["stringsIn", "l", "Cannot read l[1] at f.toml: expected a string, found the integer 1"],
    ["tablesIn", "l", 'Cannot read l[0] at f.toml: expected a table, found the string "a"'],
  ] as const)("%s refuses another type", (name, key, message) => {
    const fault = faultOf(() => read[name](table, key, "f.toml"));
    expect([fault.code, fault.message]).toEqual(["toml.type", message]);
  });

  it("names the whole path of what it refuses", () => {
    const inner = tablesIn(table, "t", "f")[1]!;
    expect(faultOf(() => stringIn(inner, "k", "f.toml")).message).toBe(
      "Cannot read t[1].k at f.toml: expected a string, found a table",
    );
    const date = tableIn(tableIn(table, "T", "f")!, "u", "f")!;
    expect(faultOf(() => stringIn(date, "z", "f.toml")).message).toContain(
      "T.u.z at f.toml: expected a string, found the date",
    );
    expect(pathOf(date, "z")).toBe("T.u.z");
  });

  it("wants required strings to be there and not empty", () => {
    expect(faultOf(() => requiredStringIn(table, "none", "f")).message).toBe("Cannot read none at f: it is missing");
    expect(faultOf(() => requiredStringIn(table, "e", "f")).message).toBe("Cannot read e at f: it is empty");
  });

  it("takes a key in another case only when the exact one is absent", () => {
    const both: TomlTable = parseToml('ID = "upper"\nid = "lower"\nName = "n"', "f");
    expect(stringIn(both, "id", "f")).toBe("lower");
    expect(stringIn(both, "name", "f")).toBe("n");
  });

  it("finds keys a shape does not know, at any depth and in any case", () => {
    const shape = { s: true, t: { k: true }, u: { v: { w: true } } } as const;
    const found = strayKeys(
      parseToml("S = 1\nx = 1\nt = [{k = {free = 1}}, {j = 1}]\n[u.v]\nw = 1\ny = 1\n", "f"),
      shape,
    );
    expect(found).toEqual(["x", "t[1].j", "u.v.y"]);
  });
});
