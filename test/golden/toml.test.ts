import { describe, expect, it } from "vitest";
import { formatGroup, parseGroup } from "../../src/cnb/group-file.ts";
import { formatPlan, parsePlanFile } from "../../src/cnb/plan-file.ts";
import { parseToml, type TomlTable } from "../../src/std/toml.ts";
import { jsonOfToml, tomlOfJson } from "../../src/std/toml-json.ts";
import { stringsIn, tablesIn } from "../../src/std/toml-read.ts";
import { formatToml, tomlMap, tomlRaw } from "../../src/std/toml-write.ts";
import { vector } from "./vector.ts";

const structs = [
  "fresh.analyzed.toml",
  "fresh.group.toml",
  "fresh.plan.toml",
  "fresh.report.toml",
  "rebuild.analyzed.toml",
];

describe("the reference's TOML files", () => {
  it.each(structs)("%s is written byte for byte from what it holds", (name) => {
    expect(formatToml(parseToml(vector(name), name))).toBe(vector(name));
  });

  it("fresh.metadata.toml is written byte for byte, with the command in JSON's escapes", () => {
    const text = vector("fresh.metadata.toml");
    const table = parseToml(text, "metadata.toml");
    const commandOf = (process: TomlTable) => {
      const items = stringsIn(process, "command", "metadata.toml")!.map((item) =>
        JSON.stringify(item).replaceAll("&", "\\u0026"),
      );
      return tomlRaw(`[${items.join(", ")}]`);
    };
    const processes = tablesIn(table, "processes", "metadata.toml").map((process) => ({
      ...process,
      command: commandOf(process),
    }));
    expect(formatToml({ ...table, processes })).toBe(text);
  });

  it("the metadata of restored layers is written byte for byte from the JSON it was remembered as", () => {
    const text = vector("rebuild.restored-layer-and-store-tomls.txt");
    const [layer, store] = text.split(/(?<=\n)(?=\[metadata\]\n {2}foo)/) as [string, string];
    for (const document of [layer, store]) {
      const remembered = jsonOfToml(parseToml(document, "layer.toml"));
      expect(formatToml(tomlMap(tomlOfJson(remembered) as TomlTable))).toBe(document);
    }
  });

  it("fresh.group.toml survives reading and writing", () => {
    const text = vector("fresh.group.toml");
    const { group, extensions } = parseGroup(text, "group.toml");
    expect(group.map(({ id }) => id)).toEqual(["test/bp", "other"]);
    expect(formatGroup({ group, extensions })).toBe(text);
  });

  it("fresh.plan.toml survives reading and writing", () => {
    const text = vector("fresh.plan.toml");
    const entries = parsePlanFile(text, "plan.toml");
    expect(entries.map(({ providers }) => providers.length)).toEqual([1, 2]);
    expect(formatPlan(entries)).toBe(text);
  });
});
