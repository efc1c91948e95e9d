import fc from "fast-check";
import { TomlDate as OtherDate, parse as parseElsewhere, stringify } from "smol-toml";
import { describe, expect, it } from "vitest";
import { parseToml, TomlDate, type TomlTable, type TomlValue } from "../../../src/std/toml.ts";
import { formatToml, tomlMap } from "../../../src/std/toml-write.ts";

const key = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("a", "B", "10", "9", "", "__proto__", "a.b", "toString"),
);
const pad = (value: number, length: number) => String(value).padStart(length, "0");
const day = fc
  .tuple(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }))
  .map(([y, m, d]) => `${pad(y, 4)}-${pad(m, 2)}-${pad(d, 2)}`);
const time = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.constantFrom("", ".5", ".123", ".000001"))
  .map(([h, m, s, fraction]) => `${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}${fraction}`);
const date = fc.oneof(
  day.map((text) => new TomlDate("local-date", text)),
  time.map((text) => new TomlDate("local-time", text)),
  fc.tuple(day, time).map(([d, t]) => new TomlDate("local-date-time", `${d}T${t}`)),
  fc
    .tuple(day, time, fc.constantFrom("Z", "+05:30", "-08:00"))
    .map(([d, t, zone]) => new TomlDate("offset-date-time", `${d}T${t}${zone}`)),
);
const { table } = fc.letrec<{ table: TomlTable; value: TomlValue }>((tie) => ({
  table: fc.dictionary(key, tie("value"), { maxKeys: 5, noNullPrototype: false }) as fc.Arbitrary<TomlTable>,
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.string({ unit: "binary" }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.double(),
    fc.boolean(),
    date,
    fc.array(tie("value"), { maxLength: 4 }),
    tie("table"),
  ),
}));

/** A value in terms both parsers share: tables as sorted pairs, dates as text, numbers told apart by kind. */
function plain(value: unknown): unknown {
  if (value instanceof TomlDate) return `date ${value.text}`;
  if (value instanceof OtherDate) return `date ${value.toISOString().replace(/0+(?=Z|[+-]|$)/, "")}`;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null)
    return Object.entries(value)
      .map(([name, item]) => [name, plain(item)])
      .sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
  return typeof value === "number" ? `float ${Object.is(value, -0) ? "-0" : value}` : value;
}

describe("TOML laws", () => {
  it("what is written is read back the same", () => {
    fc.assert(
      fc.property(table, (one) => {
        expect(plain(parseToml(formatToml(tomlMap(one)), "t"))).toEqual(plain(one));
      }),
    );
  });

  it("writing what was read and sorted once changes nothing more", () => {
    fc.assert(
      fc.property(table, (one) => {
        const text = formatToml(tomlMap(one));
        expect(formatToml(tomlMap(parseToml(text, "t")))).toBe(text);
      }),
    );
  });

  it("another parser reads the same from what is written, dates aside", () => {
    const undated = (value: TomlValue): boolean =>
      !(value instanceof TomlDate) && (typeof value !== "object" || Object.values(value as TomlTable).every(undated));
    fc.assert(
      fc.property(table.filter(undated), (one) => {
        expect(plain(parseElsewhere(formatToml(tomlMap(one)), { integersAsBigInt: true }))).toEqual(plain(one));
      }),
    );
  });

  it("what another writer writes is read the same", () => {
    const simple = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string(), fc.boolean(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.array(fc.string())),
    );
    fc.assert(
      fc.property(simple, (one) => {
        expect(plain(parseToml(stringify(one), "t"))).toEqual(plain(one));
      }),
    );
  });

  it("any text gives a table or a fault, nothing else", () => {
    const shard = fc.constantFrom(
      "[",
      "]",
      "[[",
      "a",
      ".",
      "=",
      '"',
      "'",
      "\n",
      "{",
      "}",
      ",",
      "1",
      "-",
      ":",
      "T",
      "#",
      "\\u",
      " ",
    );
    fc.assert(
      fc.property(
        fc.array(shard, { maxLength: 30 }).map((parts) => parts.join("")),
        (text) => {
          try {
            parseToml(text, "t");
          } catch (error) {
            expect(error).toMatchObject({ name: "Fault", code: "toml.parse" });
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
