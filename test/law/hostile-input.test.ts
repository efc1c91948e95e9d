import { describe, expect, it } from "vitest";
import { keptInputs } from "../fuzz/kept.ts";
import { targets } from "../fuzz/target.ts";
import { fuzz, give } from "../support/fuzz.ts";

/** Enough to see each kind of change some times; `npm run fuzz` takes as long as one likes. */
const runs = 400;

describe("input from strangers is taken or refused with a Fault, nothing else", () => {
  it.each(targets.map((target) => [target.name, target] as const))("%s", async (name, target) => {
    for (const input of keptInputs(name)) await give(target, input);
    const result = await fuzz(target, { seed: 1, done: (count) => count >= runs });
    // Were all of it refused, or nothing, the parser would not have been reached.
    expect(result.accepted).toBeGreaterThan(0);
    expect(result.runs - result.accepted > 0).toBe(!target.takesAll);
  });
});
