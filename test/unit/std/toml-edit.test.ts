import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseToml } from "../../../src/std/toml.ts";
import { editToml, type TomlEdit } from "../../../src/std/toml-edit.ts";
import { faultOf } from "../../support/fault.ts";

const text = `# my settings
pull-policy = "always" # for CI
colour = { name = "blue" }

# mirrors of ours
[[run-images]]
image = "a/run"
mirrors = ["m/run"]

[[run-images]]
  image = "b/run"
  mirrors = []
  note = "kept"

[registry-mirrors]
# the big one
"index.docker.io" = "mirror.example"
`;
const edit = (change: TomlEdit, from = text) => editToml(from, "config.toml", change);
/** The lines that differ: those that went, and those that came. */
function change(before: string, after: string): { gone: string[]; come: string[] } {
  const [old, fresh] = [before.split("\n"), after.split("\n")];
  return { gone: old.filter((line) => !fresh.includes(line)), come: fresh.filter((line) => !old.includes(line)) };
}

describe("changing a TOML document", () => {
  it("sets a key and leaves everything else as it was, the comment behind it too", () => {
    const after = edit({ do: "set", key: "pull-policy", value: "never" });
    expect(change(text, after)).toEqual({
      gone: ['pull-policy = "always" # for CI'],
      come: ['pull-policy = "never" # for CI'],
    });
  });

  it("adds a key behind the last one of its table", () => {
    const top = edit({ do: "set", key: "experimental", value: true });
    expect(top.split("\n").slice(2, 4)).toEqual(['colour = { name = "blue" }', "experimental = true"]);
    const inner = edit({ do: "set", table: "registry-mirrors", key: "*", value: "other.example" });
    expect(inner.endsWith('"index.docker.io" = "mirror.example"\n"*" = "other.example"\n')).toBe(true);
    expect(edit({ do: "set", key: "a", value: "b" }, "")).toBe('a = "b"\n');
    expect(edit({ do: "set", key: "a", value: "b" }, "# only words\n")).toBe('# only words\na = "b"\n');
  });

  it("takes a key out, and a table with its last key", () => {
    expect(change(text, edit({ do: "set", key: "colour", value: undefined }))).toEqual({
      gone: ['colour = { name = "blue" }'],
      come: [],
    });
    const after = edit({ do: "set", table: "registry-mirrors", key: "index.docker.io", value: undefined });
    expect(after).not.toContain("registry-mirrors");
    expect(after).toContain('note = "kept"');
    expect(edit({ do: "set", key: "nothing", value: undefined })).toBe(text);
  });

  it("adds to a list, drops from it with the comment above, changes a key of an item", () => {
    const added = edit({ do: "add", list: "run-images", item: { image: "c/run", mirrors: ["m/c"] } });
    expect(parseToml(added, "")["run-images"]).toHaveLength(3);
    expect(added.indexOf("c/run")).toBeLessThan(added.indexOf("[registry-mirrors]"));
    const dropped = edit({ do: "drop", list: "run-images", at: 0 });
    expect(change(text, dropped).gone).toEqual(["# mirrors of ours", 'image = "a/run"', 'mirrors = ["m/run"]']);
    const changed = edit({ do: "set-in", list: "run-images", at: 1, key: "mirrors", value: ["x"] });
    expect(change(text, changed)).toEqual({ gone: ["  mirrors = []"], come: ['  mirrors = ["x"]'] });
    expect(edit({ do: "add", list: "names", item: { name: "n" } }, "a = 1\n")).toBe(
      'a = 1\n\n[[names]]\n  name = "n"\n',
    );
  });

  it("writes the document anew where its layout leaves no choice, and loses no value", () => {
    const odd = 'list = [{ name = "a" }] # inline\nlong = """\n[not.a.header]\nkey = 1\n"""\n"key" = 1\n';
    const added = edit({ do: "add", list: "list", item: { name: "b" } }, odd);
    expect(parseToml(added, "")).toEqual({
      list: [{ name: "a" }, { name: "b" }],
      long: "[not.a.header]\nkey = 1\n",
      key: 1n,
    });
    const set = edit({ do: "set", key: "long", value: "short" }, odd);
    expect(parseToml(set, "")).toMatchObject({ long: "short", key: 1n });
  });

  it("refuses to change what is something else", () => {
    expect(faultOf(() => edit({ do: "add", list: "colour", item: {} })).code).toBe("toml.edit");
    expect(faultOf(() => edit({ do: "set", table: "pull-policy", key: "a", value: "b" })).code).toBe("toml.edit");
    expect(faultOf(() => edit({ do: "set", key: "a", value: "b" }, "a = ")).code).toBe("toml.parse");
  });

  it("law: what was set is there, and nothing else has changed", () => {
    const key = fc.constantFrom("a", "b", "*", "with.dot", "pull-policy");
    const value = fc.oneof(fc.string({ unit: "binary" }), fc.boolean());
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(undefined, "t", "registry-mirrors"), key, value)), (sets) => {
        const after = sets.reduce(
          (all, [table, name, to]) => edit({ do: "set", ...(table && { table }), key: name, value: to }, all),
          text,
        );
        const want: Record<string, unknown> = structuredClone(parseToml(text, ""));
        for (const [table, name, to] of sets) {
          if (table === undefined) want[name] = to;
          else want[table] = { ...(want[table] as object), [name]: to };
        }
        expect(parseToml(after, "")).toEqual(want);
      }),
      { numRuns: 60 },
    );
  });
});
