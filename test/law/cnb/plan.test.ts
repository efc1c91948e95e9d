import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Alternative,
  buildpackPlanOf,
  type PlanCandidate,
  remainingPlan,
  solvePlan,
} from "../../../src/cnb/plan.ts";
import { formatPlan, parsePlanFile } from "../../../src/cnb/plan-file.ts";

const names = fc.subarray(["x", "y", "z"]);
const alternative: fc.Arbitrary<Alternative> = fc.record({
  provides: names,
  requires: names.map((list) => list.map((name) => ({ name }))),
});
const candidates: fc.Arbitrary<PlanCandidate[]> = fc
  .array(fc.record({ optional: fc.boolean(), alternatives: fc.array(alternative, { minLength: 1, maxLength: 3 }) }), {
    maxLength: 4,
  })
  .map((list) => list.map((one, index) => ({ ...one, id: `bp${index}`, version: "1" })));

interface Choice {
  readonly id: string;
  readonly optional: boolean;
  readonly offer: Alternative;
}

/** All combinations of alternatives, the last element's varying fastest. */
function combinations(all: readonly PlanCandidate[]): Choice[][] {
  return all.reduce<Choice[][]>(
    (prefixes, one) =>
      prefixes.flatMap((prefix) =>
        one.alternatives.map((offer, index) => [
          ...prefix,
          { id: one.id, optional: one.optional && index === one.alternatives.length - 1, offer },
        ]),
      ),
    [[]],
  );
}

function holds(members: readonly Choice[]): boolean {
  const provides = (one: Choice, name: string) => one.offer.provides.includes(name);
  const requires = (one: Choice, name: string) => one.offer.requires.some((require) => require.name === name);
  return members.every(
    (one, index) =>
      one.offer.requires.every(({ name }) => members.slice(0, index + 1).some((other) => provides(other, name))) &&
      one.offer.provides.every((name) => members.slice(index).some((other) => requires(other, name))),
  );
}

/** Who takes part, found by trying every subset: the largest one that keeps all required elements and holds. */
function oracle(all: readonly PlanCandidate[]): string[] | undefined {
  for (const choices of combinations(all)) {
    const subsets = Array.from({ length: 2 ** choices.length }, (_, bits) =>
      choices.filter((_, at) => bits & (1 << at)),
    );
    const valid = subsets.filter(
      (subset) => choices.every((one) => one.optional || subset.includes(one)) && holds(subset),
    );
    const largest = valid.reduce<Choice[]>((best, one) => (one.length > best.length ? one : best), []);
    if (largest.length > 0) return largest.map(({ id }) => id);
  }
  return undefined;
}

describe("build plan laws", () => {
  it("who takes part is what trying all subsets of all combinations finds", () => {
    fc.assert(
      fc.property(candidates, (all) => {
        const solution = solvePlan(all);
        const found = solution.kind === "pass" ? solution.participants.map(({ id }) => id) : undefined;
        expect(found).toEqual(oracle(all));
      }),
      { numRuns: 1000 },
    );
  });

  it("every entry has one name, a requirement and only providers that take part", () => {
    fc.assert(
      fc.property(candidates, (all) => {
        const solution = solvePlan(all);
        if (solution.kind === "fail") return;
        const members = solution.participants.map(({ id }) => id);
        for (const { providers, requires } of solution.entries) {
          expect(new Set(requires.map(({ name }) => name)).size).toBe(1);
          expect(providers.length).toBeGreaterThan(0);
          expect(providers.every(({ id }) => members.includes(id))).toBe(true);
        }
        const entryNames = solution.entries.map(({ requires }) => requires[0]!.name);
        expect(new Set(entryNames).size).toBe(entryNames.length);
      }),
      { numRuns: 300 },
    );
  });

  it("plan.toml is read back as it was written, and the build phase empties it", () => {
    fc.assert(
      fc.property(candidates, (all) => {
        const solution = solvePlan(all);
        const entries = solution.kind === "pass" ? solution.entries : [];
        expect(parsePlanFile(formatPlan(entries), "plan.toml")).toEqual(entries);
        const left = all.reduce(
          (rest, { id }) =>
            remainingPlan(
              rest,
              buildpackPlanOf(rest, id).map(({ name }) => name),
            ),
          entries,
        );
        expect(left).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
