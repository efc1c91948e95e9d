import { describe, expect, it } from "vitest";
import { encodeJson, type Json, parseJson } from "../../../src/std/json.ts";
import { parseToml, type TomlTable } from "../../../src/std/toml.ts";
import { jsonOfToml, tomlOfJson } from "../../../src/std/toml-json.ts";
import { formatToml, tomlMap } from "../../../src/std/toml-write.ts";
import { faultOf } from "../../support/fault.ts";

const json = (text: string) => encodeJson(jsonOfToml(parseToml(text, "t")));
const restored = (value: Json) => formatToml(tomlMap(tomlOfJson(value) as TomlTable));

describe("TOML in JSON labels", () => {
  it.each([
    ["i = 9223372036854775807", '{"i":9223372036854775807}'],
    ["f = 2.0", '{"f":2}'],
    ["f = -0.0", '{"f":-0}'],
    ["f = 1e21", '{"f":1e+21}'],
    ["f = 1e20", '{"f":100000000000000000000}'],
    ["f = 1e-7", '{"f":1e-7}'],
    ["f = 0.000001", '{"f":0.000001}'],
    ['s = "<a> & \\u2028"', '{"s":"\\u003ca\\u003e \\u0026 \\u2028"}'],
    ["d = 2024-01-02T03:04:05.600+02:00", '{"d":"2024-01-02T03:04:05.6+02:00"}'],
    ["d = 2024-01-02T03:04:05-00:00", '{"d":"2024-01-02T03:04:05Z"}'],
    ["d = 2024-01-02T03:04:05", '{"d":"2024-01-02T03:04:05Z"}'],
    ["d = 2024-01-02", '{"d":"2024-01-02T00:00:00Z"}'],
    ["d = 03:04:05", '{"d":"0000-01-01T03:04:05Z"}'],
    ["l = []\n[t]", '{"l":[],"t":{}}'],
    ["[t]\nb = 1\nB = 2\n10 = 3\n9 = 4\né = 5", '{"t":{"10":3,"9":4,"B":2,"b":1,"é":5}}'],
    ["__proto__ = 1", '{"__proto__":1}'],
  ])("%j becomes %s", (toml, expected) => {
    expect(json(toml.replace("é =", '"é" ='))).toBe(expected);
  });

  it.each(["inf", "-inf", "nan"])("%s cannot be put into JSON", (text) => {
    const fault = faultOf(() => json(`[a]\nb = [${text}]`));
    expect([fault.code, fault.message]).toEqual([
      "toml.json",
      `Cannot write a TOML value as JSON: JSON has no ${text}`,
    ]);
  });

  it("comes back with floats for integers and without what is null", () => {
    const value = parseJson(
      '{"count":3,"big":1e21,"million":1000000,"no":null,"list":["x",{"n":1}],"on":true}',
      "label",
    );
    expect(restored(value)).toBe('big = 1e+21\ncount = 3.0\nlist = ["x", {n = 1.0}]\nmillion = 1e+06\non = true\n');
    expect(restored({ n: 9007199254740993n })).toBe("n = 9.007199254740992e+15\n");
  });

  it("has no null to put into a list", () => {
    expect(faultOf(() => tomlOfJson([null])).code).toBe("toml.json");
  });

  it("keeps keys that look like a prototype's", () => {
    expect(restored(parseJson('{"__proto__":{"x":1}}', "label"))).toBe("[__proto__]\n  x = 1.0\n");
  });
});
