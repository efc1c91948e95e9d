import { describe, expect, it } from "vitest";
import { parseToml, TomlDate, type TomlTable } from "../../../src/std/toml.ts";
import { formatToml, quoteToml, tomlMap, tomlRaw } from "../../../src/std/toml-write.ts";

describe("writing TOML as the reference does", () => {
  it("puts plain keys before tables, in the order given", () => {
    expect(formatToml({ t: { x: 1n }, b: "2", list: [{ y: true }], a: "1", gone: undefined })).toBe(
      'b = "2"\na = "1"\n\n[t]\n  x = 1\n\n[[list]]\n  y = true\n',
    );
  });

  it("sorts the keys of a map by bytes at every depth, and those of number-like keys too", () => {
    const table = parseToml(
      '[m]\n"ｱ" = 1\n"😀" = 2\nB = 3\na = 4\n10 = 5\n9 = 6\n[m.z]\ny = {d = 1, c = 2}\n[m.k]',
      "t",
    );
    expect(formatToml({ m: tomlMap(table["m"] as TomlTable) })).toBe(
      '[m]\n  10 = 5\n  9 = 6\n  B = 3\n  a = 4\n  "ｱ" = 1\n  "😀" = 2\n  [m.k]\n  [m.z]\n    [m.z.y]\n      c = 2\n      d = 1\n',
    );
  });

  it("leaves a blank line before top-level tables and before every element of a list, but not at the start", () => {
    expect(formatToml({ a: { b: { c: {} } } })).toBe("[a]\n  [a.b]\n    [a.b.c]\n");
    expect(formatToml({ a: [{ b: [{ c: 1n }, {}] }] })).toBe("[[a]]\n\n  [[a.b]]\n    c = 1\n\n  [[a.b]]\n");
    expect(formatToml({})).toBe("");
  });

  it("writes lists of other things than tables in line, and tables inside them", () => {
    const mixed = tomlMap(parseToml("l = [1, {b = {d = 1}, a = [{}], c = 2}]\nn = [[{x = 1}], []]\ne = []", "t"));
    expect(formatToml(mixed)).toBe("e = []\nl = [1, {c = 2, a = [{}], b = {d = 1}}]\nn = [[{x = 1}], []]\n");
  });

  it("quotes keys that are not bare", () => {
    expect(formatToml({ "": 1n, "a b": 2n, 'q"': 3n, "a.b": { é: 4n } })).toBe(
      '"" = 1\n"a b" = 2\n"q\\"" = 3\n\n["a.b"]\n  "é" = 4\n',
    );
  });

  it("escapes as Go's encoder does", () => {
    expect(quoteToml('"\\\b\t\n\f\r\u0000\u000b\u001b\u007f\u0080\u2028é😀&<')).toBe(
      '"\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u000b\\u001b\\u007f\u0080\u2028é😀&<"',
    );
  });

  it.each([
    [3, "3.0"],
    [-0, "-0.0"],
    [0, "0.0"],
    [1.5, "1.5"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [1.25e-7, "1.25e-07"],
    [123456, "123456.0"],
    [999999.5, "999999.5"],
    [1000000, "1e+06"],
    [1234567.5, "1.2345675e+06"],
    [1e21, "1e+21"],
    [5e-324, "5e-324"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [0.1 + 0.2, "0.30000000000000004"],
    [Number.POSITIVE_INFINITY, "inf"],
    [Number.NEGATIVE_INFINITY, "-inf"],
    [Number.NaN, "nan"],
  ])("writes the float %d as %s", (value, text) => {
    expect(formatToml({ x: value })).toBe(`x = ${text}\n`);
  });

  it.each([
    ["offset-date-time", "1979-05-27T00:32:00.120-07:00", "1979-05-27T00:32:00.12-07:00"],
    ["offset-date-time", "1979-05-27T00:32:10+00:00", "1979-05-27T00:32:10Z"],
    ["offset-date-time", "1979-05-27T00:32:10.000Z", "1979-05-27T00:32:10Z"],
    ["local-date-time", "1979-05-27T00:30:00.50", "1979-05-27T00:30:00.5"],
    ["local-date", "1970-10-10", "1970-10-10"],
    ["local-time", "10:20:00.1000", "10:20:00.1"],
  ] as const)("writes %s %s as %s", (kind, text, written) => {
    expect(formatToml({ x: new TomlDate(kind, text) })).toBe(`x = ${written}\n`);
  });

  it("puts raw text as it is", () => {
    expect(formatToml({ command: tomlRaw('["a \\u0026 b"]') })).toBe('command = ["a \\u0026 b"]\n');
  });
});
