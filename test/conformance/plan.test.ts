import { describe, expect, it } from "vitest";
import {
  buildpackPlanOf,
  formatBuildpackPlan,
  type PlanCandidate,
  parsePlan,
  remainingPlan,
  solvePlan,
} from "../../src/cnb/plan.ts";
import { formatPlan, parsePlanFile } from "../../src/cnb/plan-file.ts";
import { exitCodeOf } from "../../src/std/fault.ts";
import { TomlDate } from "../../src/std/toml.ts";
import { offer } from "../support/buildpack.ts";
import { faultOf } from "../support/fault.ts";

const candidate = (name: string, ...offers: string[]): PlanCandidate => ({
  id: name.replace("?", ""),
  version: "1",
  optional: name.endsWith("?"),
  alternatives: (offers.length > 0 ? offers : [""]).map(offer),
});
const extension = (name: string, ...offers: string[]): PlanCandidate => ({
  ...candidate(`${name}?`, ...offers),
  extension: true,
});
/** Who takes part, or undefined. */
const solved = (...candidates: PlanCandidate[]) => {
  const solution = solvePlan(candidates);
  return solution.kind === "pass" ? solution.participants.map(({ id }) => id).join(" ") : undefined;
};
const entries = (...candidates: PlanCandidate[]) => {
  const solution = solvePlan(candidates);
  return solution.kind === "pass" ? solution.entries : [];
};
const requires = [
  "[[requires]]",
  'name = "ruby"',
  "[requires.metadata]",
  "launch = true",
  "count = 9007199254740993",
  "ratio = 1.5",
  "when = 1979-05-27T07:32:00-08:00",
  "day = 1979-05-27",
  'list = ["a", "b"]',
  "[requires.metadata.deep]",
  "x = [[1, 2], [3]]",
].join("\n");

describe("build plans", () => {
  it("PLAN-001 provides, requires and any number of or are read", () => {
    const text =
      '[[provides]]\nname = "a"\n[[requires]]\nname = "b"\n[[or]]\n[[or.provides]]\nname = "c"\n[[or]]\n[[or.requires]]\nname = "d"';
    expect(parsePlan(text, "plan")).toEqual([offer("+a -b"), offer("+c"), offer("-d")]);
  });

  it("PLAN-002 each pair is an alternative of its own", () => {
    const solution = solvePlan([candidate("a", "-x", "-y", "-z")]);
    expect(solution.log).toEqual([
      "Resolving plan... (try #1)",
      "fail: a@1 requires x",
      "Resolving plan... (try #2)",
      "fail: a@1 requires y",
      "Resolving plan... (try #3)",
      "fail: a@1 requires z",
    ]);
  });

  it("PLAN-003 the first element's first alternative is preferred, the last element varies fastest", () => {
    const solution = solvePlan([candidate("A", "+x", "+y"), candidate("B", "-y", "-x")]);
    expect(solution).toMatchObject({ kind: "pass", entries: [{ requires: [{ name: "x" }] }] });
    expect(solution.log.at(-1)).toBe("Resolving plan... (try #2)");
  });

  it("PLAN-004 when no trial holds the group fails", () => {
    expect(solvePlan([candidate("A", "+x", "+y"), candidate("B", "-z", "-w")]).kind).toBe("fail");
  });

  it("PLAN-005 a provide of a required element has to be required, by itself or later", () => {
    expect(solved(candidate("a", "+x"))).toBeUndefined();
    expect(solved(candidate("a", "+x"), candidate("b", "-x"))).toBe("a b");
    expect(solvePlan([candidate("a", "+x")]).log).toContain("fail: a@1 provides unused x");
    // Required before it is provided a second time: the second provide serves nobody.
    expect(solved(candidate("a", "+x -x"), candidate("b", "+x"))).toBeUndefined();
  });

  it("PLAN-006 a require must be provided earlier or by itself", () => {
    expect(solved(candidate("b", "-x"), candidate("a", "+x"))).toBeUndefined();
    expect(solvePlan([candidate("b", "-x"), candidate("a", "+x")]).log).toContain("fail: b@1 requires x");
    expect(solved(candidate("a", "+x -x"))).toBe("a");
  });

  it("PLAN-007 an optional element with an unused provide is dropped with all it offers", () => {
    expect(solved(candidate("a?", "+x +y"), candidate("b"))).toBe("b");
    expect(solved(candidate("a?", "+x +y"), candidate("b", "-y"))).toBeUndefined();
  });

  it("PLAN-008 an optional element with an unmet require is dropped likewise", () => {
    expect(solved(candidate("a?", "-x"), candidate("b"))).toBe("b");
    expect(solvePlan([candidate("a?", "-x"), candidate("b")]).log).toEqual([
      "Resolving plan... (try #1)",
      "skip: a@1 requires x",
    ]);
  });

  it("PLAN-009 dropping one makes others invalid, until nothing changes", () => {
    const chain = [candidate("c?", "+z"), candidate("b?", "+y -z"), candidate("a?", "-y -gone"), candidate("r")];
    expect(solved(...chain)).toBe("r");
    expect(solvePlan(chain).log).toEqual([
      "Resolving plan... (try #1)",
      "skip: a@1 requires gone",
      "skip: b@1 provides unused y",
      "skip: c@1 provides unused z",
    ]);
  });

  it("PLAN-010 an extension whose provide no later buildpack requires is dropped", () => {
    expect(solved(extension("vim", "+vim"), candidate("a"))).toBe("a");
    expect(solved(extension("vim", "+vim"), candidate("a", "-vim"))).toBe("vim a");
  });

  it("PLAN-011 PLAN-012 many may provide and require one name", () => {
    const all = [
      extension("x", "+n"),
      extension("y", "+n"),
      candidate("a", "+n"),
      candidate("b", "-n"),
      candidate("c", "-n"),
    ];
    expect(entries(...all)).toEqual([
      {
        providers: [
          { id: "x", version: "1", extension: true },
          { id: "y", version: "1", extension: true },
          { id: "a", version: "1" },
        ],
        requires: [{ name: "n" }, { name: "n" }],
      },
    ]);
  });

  it("PLAN-013 an extension may require nothing, in no alternative", () => {
    const text = '[[provides]]\nname = "a"\n[[or]]\n[[or.requires]]\nname = "b"';
    expect(faultOf(() => parsePlan(text, "plan", { extension: true })).code).toBe("plan.requires");
    expect(parsePlan('[[provides]]\nname = "a"', "plan", { extension: true })).toEqual([offer("+a")]);
  });

  it("PLAN-014 an element may meet its own require", () => {
    expect(solved(candidate("hello-world", "+some-world -some-world"))).toBe("hello-world");
  });

  it("PLAN-015 TRAP-001 an optional element is dropped only with its last alternative", () => {
    const solution = solvePlan([candidate("ca-certificates?", "+ca", "+ca -ca"), candidate("b")]);
    expect(solution.log).toEqual([
      "Resolving plan... (try #1)",
      "fail: ca-certificates@1 provides unused ca",
      "Resolving plan... (try #2)",
    ]);
    expect(solved(candidate("ca-certificates?", "+ca", "+ca -ca"), candidate("b"))).toBe("ca-certificates b");
    expect(solved(candidate("ca-certificates?", "+ca", "-gone"), candidate("b"))).toBe("b");
  });

  it("PLAN-016 a trial of which nothing is left is invalid", () => {
    expect(solvePlan([candidate("a?", "-x")]).log).toEqual([
      "Resolving plan... (try #1)",
      "skip: a@1 requires x",
      "fail: no viable buildpacks in group",
    ]);
    expect(solvePlan([]).kind).toBe("fail");
  });

  it("PLAN-017 PLAN-030 a buildpack gets every requirement of the names it provides, in group order", () => {
    const ask = (id: string, who: string): PlanCandidate => ({
      ...candidate(id),
      alternatives: [{ provides: [], requires: [{ name: "x", metadata: { who } }] }],
    });
    const found = entries(candidate("p", "+x"), ask("a", "first"), ask("b", "second"));
    expect(buildpackPlanOf(found, "p")).toEqual([
      { name: "x", metadata: { who: "first" } },
      { name: "x", metadata: { who: "second" } },
    ]);
    expect(buildpackPlanOf(found, "a")).toEqual([]);
  });

  it("PLAN-018 metadata passes through unchanged", () => {
    const [alternative] = parsePlan(requires, "plan");
    const metadata = alternative!.requires[0]!.metadata!;
    expect(metadata["count"]).toBe(9007199254740993n);
    expect(metadata["when"]).toEqual(new TomlDate("offset-date-time", "1979-05-27T07:32:00-08:00"));
    const text = formatBuildpackPlan(alternative!.requires);
    expect(text).toBe(
      [
        "[[entries]]",
        '  name = "ruby"',
        "  [entries.metadata]",
        "    count = 9007199254740993",
        "    day = 1979-05-27",
        "    launch = true",
        '    list = ["a", "b"]',
        "    ratio = 1.5",
        "    when = 1979-05-27T07:32:00-08:00",
        "    [entries.metadata.deep]",
        "      x = [[1, 2], [3]]",
        "",
      ].join("\n"),
    );
  });

  it("PLAN-018 a requirement without metadata has none, an empty table stays", () => {
    const [alternative] = parsePlan('[[requires]]\nname = "a"\n[[requires]]\nname = "b"\n[requires.metadata]', "plan");
    expect(formatBuildpackPlan(alternative!.requires)).toBe(
      '[[entries]]\n  name = "a"\n\n[[entries]]\n  name = "b"\n  [entries.metadata]\n',
    );
  });

  it("PLAN-020 PLAN-021 what is met is not offered again, the rest goes to the next provider", () => {
    const found = entries(candidate("p", "+x +y"), candidate("q", "+x"), candidate("r", "-x -y"));
    expect(buildpackPlanOf(remainingPlan(found, ["x", "y"]), "q")).toEqual([]);
    expect(buildpackPlanOf(remainingPlan(found, ["y"]), "q")).toEqual([{ name: "x" }]);
  });

  it("PLAN-023 what an extension provides is found under the extension, not under a buildpack of its id", () => {
    const found = entries(extension("p", "+x"), candidate("a", "-x"));
    expect(buildpackPlanOf(found, "p")).toEqual([]);
    expect(buildpackPlanOf(found, "p", true)).toEqual([{ name: "x" }]);
    expect(
      remainingPlan(
        found,
        buildpackPlanOf(found, "p", true).map(({ name }) => name),
      ),
    ).toEqual([]);
  });

  it("PLAN-024 FILE-020 an entry of plan.toml has a provider, a requirement and one name", () => {
    const provider = '[[entries]]\n[[entries.providers]]\nid = "a"\nversion = "1"\n';
    const require = (name: string) => `[[entries.requires]]\nname = "${name}"\n`;
    expect(parsePlanFile(`${provider}${require("x")}${require("x")}`, "plan.toml")[0]!.requires).toHaveLength(2);
    expect(faultOf(() => parsePlanFile(provider, "plan.toml")).code).toBe("plan.entry");
    expect(faultOf(() => parsePlanFile(`[[entries]]\n${require("x")}`, "plan.toml")).code).toBe("plan.entry");
    expect(faultOf(() => parsePlanFile(`${provider}${require("x")}${require("y")}`, "plan.toml")).message).toBe(
      "Cannot read entries[0].requires at plan.toml: it has requirements of 2 names",
    );
  });

  it("PLAN-025 FILE-020 plan.toml marks extensions, and only them", () => {
    const found = entries(extension("e", "+x"), candidate("a", "+x"), candidate("b", "-x"));
    const text = formatPlan(found);
    expect(text.match(/extension/g)).toHaveLength(1);
    expect(parsePlanFile(text, "plan.toml")).toEqual(found);
  });

  it("PLAN-026 a plan without entries is an empty file", () => {
    expect(entries(candidate("a"))).toEqual([]);
    expect(formatPlan([])).toBe("");
    expect(parsePlanFile("", "plan.toml")).toEqual([]);
    expect(formatBuildpackPlan([])).toBe("");
  });

  it("PLAN-027 TRAP-002 a version beside the name moves into the metadata, with a warning", () => {
    const warnings: string[] = [];
    const text = '[[or]]\n[[or.requires]]\nname = "ruby"\nversion = "2.7"\n[or.requires.metadata]\nlaunch = true';
    const found = parsePlan(text, "the plan of r@1", { warn: (sentence) => warnings.push(sentence) });
    expect(found[1]!.requires).toEqual([{ name: "ruby", metadata: { launch: true, version: "2.7" } }]);
    expect(warnings).toEqual(['"ruby" at the plan of r@1 is required with "version"; use "metadata.version" instead']);
  });

  it("PLAN-027 a version in both places is an error", () => {
    const text = '[[requires]]\nname = "ruby"\nversion = "2.7"\n[requires.metadata]\nversion = "2.7"';
    const fault = faultOf(() => parsePlan(text, "the plan"));
    expect(fault.code).toBe("plan.version");
    expect(fault.message).toBe("Cannot use requires[0].version at the plan: metadata has a version as well");
  });

  it("PLAN-028 empty inline lists may stand beside tables", () => {
    expect(parsePlan('provides = []\n[[requires]]\nname = "x"', "plan")).toEqual([offer("-x")]);
    expect(parsePlan('requires = []\nprovides = [{name = "x"}]\nor = []', "plan")).toEqual([offer("+x")]);
  });

  it("PLAN-029 comments and blank files are plans", () => {
    expect(parsePlan("", "plan")).toEqual([offer("")]);
    expect(parsePlan("# nothing\n\n  # more\n", "plan")).toEqual([offer("")]);
  });

  it("a name is needed on every provide and require", () => {
    expect(faultOf(() => parsePlan("[[provides]]\nid = 1", "plan")).message).toBe(
      "Cannot read provides[0].name at plan: it is missing",
    );
  });

  it("a plan of endless alternatives ends with a fault of detection", () => {
    const many = Array.from({ length: 30 }, (_, n) => candidate(`b${n}`, "-x", "-y"));
    const fault = faultOf(() => solvePlan(many));
    expect(fault.code).toBe("plan.size");
    expect(exitCodeOf(fault)).toBe(22);
  });
});
