import { describe, expect, it } from "vitest";
import { judgeGroup } from "../../src/cnb/detection.ts";
import { checkOrder, expandOrder, type Lookup, parseOrder, withSystem } from "../../src/cnb/order.ts";
import { formatOrderFile, parseOrderFile } from "../../src/cnb/order-file.ts";
import { formatSystem, parseSystem } from "../../src/cnb/system-file.ts";
import { exitCodeOf } from "../../src/std/fault.ts";
import { parseToml } from "../../src/std/toml.ts";
import { anyOf, attempt, buildpack, entry, lookupIn, order, shortly } from "../support/buildpack.ts";
import { faultOf } from "../support/fault.ts";

const expanded = (groups: ReturnType<typeof order>, lookup: Lookup, execEnv?: string) =>
  [...expandOrder(groups, lookup, execEnv === undefined ? {} : { execEnv })].map(shortly);

describe("orders", () => {
  it("ORDER-001 a composite between two buildpacks gives one group per row", () => {
    expect(expanded(order("E O F"), anyOf({ O: order("O1 O2", "O3") }))).toEqual(["E O1 O2 F", "E O3 F"]);
  });

  it("ORDER-002 two composites give the cross product, the left one slowest", () => {
    const lookup = anyOf({ O: order("A B", "C D"), P: order("E F", "G H") });
    expect(expanded(order("O P"), lookup)).toEqual(["A B E F", "A B G H", "C D E F", "C D G H"]);
  });

  it("ORDER-003 three levels are resolved depth first, left to right", () => {
    const lookup = anyOf({ one: order("two x", "y"), two: order("three", "z"), three: order("a", "b") });
    expect(expanded(order("one w", "v"), lookup)).toEqual(["a x w", "b x w", "z x w", "y w", "v"]);
  });

  it("ORDER-004 an optional composite is left out last", () => {
    const lookup = anyOf({ O: order("A", "B") });
    expect(expanded(order("O? F"), lookup)).toEqual(["A F", "B F", "F"]);
  });

  it("ORDER-004 an optional component stays in its group, marked", () => {
    expect(expanded(order("A? B"), anyOf({}))).toEqual(["A? B"]);
  });

  it("ORDER-005 an entry without the key is required", () => {
    const text =
      '[[order]]\n[[order.group]]\nid = "a"\nversion = "1"\n[[order.group]]\nid = "b"\nversion = "2"\noptional = true';
    expect(parseOrderFile(text, "order.toml").order).toEqual([[entry("a@1"), entry("b@2?")]]);
  });

  it("ORDER-007 every group is tried with each row of the extensions, and then without", () => {
    const options = { extensions: { order: order("x", "y z"), lookup: anyOf({}) } };
    const groups = [...expandOrder(order("A", "B"), anyOf({}), options)];
    expect(groups.map(shortly)).toEqual(["x A", "y z A", "A", "x B", "y z B", "B"]);
    expect(groups[0]!.map(({ extension }) => extension ?? false)).toEqual([true, false]);
  });

  it("ORDER-007 an extension may have the id of a buildpack", () => {
    const options = { extensions: { order: order("A"), lookup: anyOf({}) } };
    expect([...expandOrder(order("A"), anyOf({}), options)].map(shortly)[0]).toBe("A A");
  });

  it("ORDER-008 extensions are always optional, so one that says no fails nothing", () => {
    const text = '[[order-extensions]]\n[[order-extensions.group]]\nid = "x"\nversion = "1"\noptional = false';
    expect(parseOrderFile(text, "order.toml").extensions).toEqual([[entry("x@1?")]]);
    const no = attempt("x?", { kind: "fail" });
    const extension = { ...no, element: { ...no.element, extension: true as const } };
    expect(judgeGroup([extension, attempt("a")]).verdict).toBe("pass");
  });

  it("ORDER-009 an entry has id and version", () => {
    const composite = (text: string) => parseOrder(parseToml(text, "buildpack.toml"), "buildpack.toml");
    const fault = faultOf(() => composite('[[order]]\n[[order.group]]\nid = "a"'));
    expect(fault.message).toBe("Cannot read order[0].group[0].version at buildpack.toml: it is missing");
    const nameless = faultOf(() => parseOrderFile('[[order]]\n[[order.group]]\nversion = "1"', "o"));
    expect(nameless.message).toBe("Cannot read order[0].group[0].id at o: it is missing");
  });

  it("ORDER-011 system buildpacks stand around every group", () => {
    const system = { pre: order("p q")[0]!, post: order("z")[0]! };
    expect(expanded(withSystem(order("A", "B C"), system), anyOf({}))).toEqual(["p q A z", "p q B C z"]);
  });

  it("ORDER-012 one whose id is in the group already is not added, whatever its version", () => {
    const system = { pre: order("A@9 q")[0]!, post: order("C@9")[0]! };
    expect(expanded(withSystem(order("A", "B C"), system), anyOf({}))).toEqual(["q A C@9", "A@9 q B C"]);
  });

  it("ORDER-013 TRAP-029 FILE-054 entries of system.toml have id and version, and may be optional", () => {
    const text =
      '[[system.pre.buildpacks]]\nid = "p"\nversion = "1"\n[[system.post.buildpacks]]\nid = "z"\nversion = "2"\noptional = true';
    const system = { pre: [entry("p@1")], post: [entry("z@2?")] };
    expect(parseSystem(text, "system.toml")).toEqual(system);
    expect(parseSystem(formatSystem(system), "system.toml")).toEqual(system);
    expect(faultOf(() => parseSystem('[[system.pre.buildpacks]]\nid = "p"', "s")).message).toBe(
      "Cannot read system.pre.buildpacks[0].version at s: it is missing",
    );
    expect(faultOf(() => parseSystem('[[system.post.buildpacks]]\nversion = "1"', "s")).message).toBe(
      "Cannot read system.post.buildpacks[0].id at s: it is missing",
    );
    const failing = attempt("p", { kind: "fail" });
    expect(judgeGroup([failing, attempt("a")]).verdict).toBe("fail");
  });

  it("ORDER-014 without system buildpacks the order stays", () => {
    expect(parseSystem("", "system.toml")).toEqual({ pre: [], post: [] });
    expect(withSystem(order("A B"), { pre: [], post: [] })).toEqual(order("A B"));
  });

  it("ORDER-015 of one id twice only the first takes part", () => {
    const lookup = anyOf({ meta: order("A B") });
    expect(expanded(order("A meta", "A@2 meta A@3"), lookup)).toEqual(["A B", "A@2 B"]);
  });

  it("ORDER-016 a composite that contains itself is an error, not a hang", () => {
    const lookup = anyOf({ X: order("A Y"), Y: order("X") });
    const fault = faultOf(() => expanded(order("X"), lookup));
    expect(fault.code).toBe("order.cycle");
    expect(fault.message).toBe("Cannot expand buildpack X@1: it contains itself: X@1 > Y@1 > X@1");
  });

  it("ORDER-016 a composite that comes twice, or contains another version of itself, is no cycle", () => {
    const lookup = anyOf({ X: order("X@2"), "X@2": order("A"), Y: order("B") });
    expect(expanded(order("X Y Y"), lookup)).toEqual(["A B"]);
  });

  it("DET-020 DET-023 what is limited to other execution environments is as if it were absent", () => {
    const components = [
      buildpack("any"),
      buildpack("star", { execEnv: ["*"] }),
      buildpack("test", { execEnv: ["test"] }),
      buildpack("test@2", { execEnv: ["production"] }),
    ];
    const lookup = lookupIn({}, components);
    expect(expanded(order("any star test"), lookup)).toEqual(["any star"]);
    expect(expanded(order("any star test"), lookup, "test")).toEqual(["any star test"]);
    // One that is left out does not stand in the way of another version of itself.
    expect(expanded(order("any test test@2"), lookup)).toEqual(["any test@2"]);
  });

  it("DET-021 a group of which nothing is left is still a group that fails", () => {
    const lookup = lookupIn({}, [buildpack("test", { execEnv: ["test"] }), buildpack("a")]);
    expect(expanded(order("test", "a"), lookup)).toEqual(["", "a"]);
    expect(judgeGroup([]).verdict).toBe("fail");
  });

  it("DESC-017 an entry limited to another execution environment is skipped, and with it a composite", () => {
    const text =
      '[[order]]\n[[order.group]]\nid = "a"\nversion = "1"\n[[order.group]]\nid = "meta"\nversion = "1"\nexec-env = ["test"]';
    const groups = parseOrder(parseToml(text, "buildpack.toml"), "buildpack.toml");
    const lookup = anyOf({ meta: order("b") });
    expect(expanded(groups, lookup)).toEqual(["a"]);
    expect(expanded(groups, lookup, "test")).toEqual(["a b"]);
  });

  it("what the order names directly is looked up before anything runs", () => {
    const lookup = lookupIn({ meta: order("gone") }, [buildpack("a")]);
    expect(() => checkOrder(order("a meta"), lookup)).not.toThrow();
    const fault = faultOf(() => checkOrder(order("a", "b"), lookup));
    expect(fault.message).toBe("Cannot find buildpack b@1: the order names it, but it is not there");
  });

  it("groups come one by one: an order with 2^40 groups gives its first ones at once", () => {
    const composites = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`m${n}`, order(`a${n}`, `b${n}`)]));
    const groups = expandOrder(order(Object.keys(composites).join(" ")), anyOf(composites));
    const first = groups.next().value!;
    const second = groups.next().value!;
    expect([first.length, first.at(-1)!.buildpack.id]).toEqual([40, "a39"]);
    expect(second.at(-1)!.buildpack.id).toBe("b39");
  });

  it("an order with endless groups ends with a fault", () => {
    const composites = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`m${n}`, order(`a${n}`, `b${n}`)]));
    const groups = expandOrder(order(Object.keys(composites).join(" ")), anyOf(composites));
    const fault = faultOf(() => {
      let count = 0;
      for (const _ of groups) count++;
      return count;
    });
    expect(fault.message).toBe("Cannot expand the order: it takes more than 100000 groups");
    expect(exitCodeOf(fault)).toBe(1);
  });

  it("a group that doubles with every level ends with a fault", () => {
    const composites = Object.fromEntries(
      Array.from({ length: 60 }, (_, n) => [`m${n}`, order(`m${n + 1} m${n + 1}`)]),
    );
    expect(faultOf(() => expanded(order("m0"), anyOf(composites))).code).toBe("order.size");
  });

  it("two thousand levels of composites do not overflow anything", () => {
    const composites = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`m${n}`, order(`m${n + 1}`)]));
    expect(expanded(order("m0"), anyOf(composites))).toEqual(["m2000"]);
  });

  it("FILE-050 order.toml is written and read back", () => {
    const both = { order: order("a@1 b@2?", "c"), extensions: order("x?") };
    const text = formatOrderFile(both.order, both.extensions);
    expect(parseOrderFile(text, "order.toml")).toEqual(both);
    expect(text).toContain('[[order]]\n\n  [[order.group]]\n    id = "a"\n    version = "1"\n');
    expect(formatOrderFile([])).toBe("");
  });
});
