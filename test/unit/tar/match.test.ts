import { describe, expect, it } from "vitest";
import { MatchFinder } from "../../../src/tar/deflate/match.ts";

/** Blocks that repeat parts of themselves and of each other. */
function blocks(): Uint8Array[] {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  };
  const words = Array.from({ length: 200 }, () =>
    Buffer.from(Array.from({ length: 3 + (next() % 40) }, () => next() & 31)),
  );
  return Array.from({ length: 6 }, () => {
    const bytes = Buffer.concat(Array.from({ length: 4000 }, () => words[next() % words.length]!));
    return new Uint8Array(bytes.subarray(0, 65_535));
  });
}

describe("MatchFinder", () => {
  it("finds the same when positions have to start over, as they do every two gigabytes", () => {
    const tokens = (start?: number) => {
      const finder = new MatchFinder(start);
      return blocks().map((block) => [...finder.tokensOf(block)]);
    };
    const expected = tokens();
    const last = 2 ** 31 - 1 - 2 * 65_535;
    for (const start of [last - 1, last - 65_535, last - 65_536, last - 3 * 65_535])
      expect(tokens(start)).toEqual(expected);
    // There is something to find, also across blocks.
    expect(expected.every((list) => list.length < 30_000)).toBe(true);
  });
});
