import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expandOrder, type Group, type Order, type OrderEntry } from "../../../src/cnb/order.ts";
import { anyOf, shortly } from "../../support/buildpack.ts";

/** Composites named m0 to m4 that name only later ones, so that there is no cycle, and components a to e. */
const entryAfter = (level: number): fc.Arbitrary<OrderEntry> => {
  const later = Array.from({ length: 4 - level }, (_, index) => `m${level + 1 + index}`);
  const version = "1";
  return fc.record({
    id: fc.constantFrom("a", "b", "c", "d", "e", ...later),
    version: fc.constant(version),
    optional: fc.boolean(),
  });
};
const orderAfter = (level: number): fc.Arbitrary<Order> =>
  fc.array(fc.array(entryAfter(level), { maxLength: 3 }), { minLength: 1, maxLength: 2 });
const composites = fc.record({
  m0: orderAfter(0),
  m1: orderAfter(1),
  m2: orderAfter(2),
  m3: orderAfter(3),
  m4: orderAfter(4),
});

/** The rule as the specification tells it: take the first composite, and try each of its groups in its place. */
function* oracle(group: Group, known: Readonly<Record<string, Order>>, done: Group = []): Generator<Group> {
  const [first, ...rest] = group;
  if (first === undefined) {
    yield done;
    return;
  }
  const inner = known[first.id];
  if (done.some(({ id }) => id === first.id)) yield* oracle(rest, known, done);
  else if (inner === undefined) yield* oracle(rest, known, [...done, first]);
  else {
    for (const row of inner) yield* oracle([...row, ...rest], known, done);
    if (first.optional) yield* oracle(rest, known, done);
  }
}

function* groupsOf(order: Order, known: Readonly<Record<string, Order>>): Generator<Group> {
  for (const group of order) yield* oracle(group, known);
}

/** The first groups, no more than are sure to come: a few composites in each other make more than an order may have. */
function* beginning<T>(groups: Iterable<T>): Generator<T> {
  let left = 2_000;
  for (const group of groups) {
    yield group;
    if (--left === 0) return;
  }
}

describe("order laws", () => {
  it("groups come as the plain recursive rule gives them", () => {
    fc.assert(
      fc.property(orderAfter(-1), composites, (order, known) => {
        const expected = [...beginning(groupsOf(order, known))];
        const found = [...beginning(expandOrder(order, anyOf(known)))];
        const inShort = (group: Group) => group.map(({ id, optional }) => `${id}${optional ? "?" : ""}`).join(" ");
        expect(found.map(shortly)).toEqual(expected.map(inShort));
      }),
      { numRuns: 300 },
    );
  });

  it("no group holds an id twice or a composite", () => {
    fc.assert(
      fc.property(orderAfter(-1), composites, (order, known) => {
        for (const group of beginning(expandOrder(order, anyOf(known)))) {
          const ids = group.map(({ buildpack }) => buildpack.id);
          expect(new Set(ids).size).toBe(ids.length);
          expect(group.every(({ buildpack }) => buildpack.order === undefined)).toBe(true);
        }
      }),
    );
  });
});
