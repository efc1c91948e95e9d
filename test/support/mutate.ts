import type { Chance } from "./chance.ts";

/** Numbers at which programs break. */
const edges = [
  "0",
  "-1",
  "1",
  "255",
  "65536",
  "2147483648",
  "4294967296",
  "9007199254740993",
  "9223372036854775808",
  "18446744073709551616",
  "-9223372036854775809",
  "1e999",
  "-0",
  "0.1",
  "NaN",
  "077777777777",
  "99999999999999999999",
];

/** A place between two bytes, or after the last. */
function cutIn(bytes: Buffer, chance: Chance): number {
  return chance.below(bytes.length + 1);
}

function rangeIn(bytes: Buffer, chance: Chance, longest = 64): [number, number] {
  const from = cutIn(bytes, chance);
  return [from, Math.min(bytes.length, from + 1 + chance.below(longest))];
}

function replaced(bytes: Buffer, from: number, to: number, by: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);
}

type Change = (bytes: Buffer, chance: Chance, others: readonly Buffer[], words: readonly string[]) => Buffer;

const changes: readonly Change[] = [
  function flipBit(bytes, chance) {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[chance.below(copy.length)]! ^= 1 << chance.below(8);
    return copy;
  },
  function setByte(bytes, chance) {
    const copy = Buffer.from(bytes);
    const value = chance.once(2)
      ? chance.below(256)
      : chance.pick([0, 9, 10, 13, 32, 34, 39, 44, 61, 91, 93, 123, 125, 128, 255]);
    if (copy.length > 0) copy[chance.below(copy.length)] = value;
    return copy;
  },
  function remove(bytes, chance) {
    return replaced(bytes, ...rangeIn(bytes, chance), Buffer.alloc(0));
  },
  function repeat(bytes, chance) {
    const [from, to] = rangeIn(bytes, chance, 200);
    const times = chance.once(40) ? 500 : 1 + chance.below(3);
    return replaced(bytes, to, to, Buffer.concat(Array<Buffer>(times).fill(bytes.subarray(from, to))));
  },
  function cut(bytes, chance) {
    return bytes.subarray(0, cutIn(bytes, chance));
  },
  function word(bytes, chance, _others, words) {
    if (words.length === 0) return bytes;
    const [from, to] = chance.once(2) ? rangeIn(bytes, chance, 12) : [cutIn(bytes, chance), 0];
    return replaced(bytes, from, Math.max(from, to), Buffer.from(chance.pick(words)));
  },
  function number(bytes, chance) {
    const found = [...bytes.toString("latin1").matchAll(/\d+/g)];
    if (found.length === 0) return bytes;
    const { index, 0: digits } = chance.pick(found);
    return replaced(bytes, index, index + digits.length, Buffer.from(chance.pick(edges)));
  },
  function splice(bytes, chance, others) {
    const other = chance.pick(others);
    const [from, to] = rangeIn(other, chance, 300);
    const at = cutIn(bytes, chance);
    return replaced(bytes, at, at, other.subarray(from, to));
  },
  function cross(bytes, chance, others) {
    const other = chance.pick(others);
    return Buffer.concat([bytes.subarray(0, cutIn(bytes, chance)), other.subarray(cutIn(other, chance))]);
  },
];

/** The bytes with one to six small changes: bits, ranges, words of the format, numbers at their edges, pieces of other inputs. */
export function mutate(
  bytes: Buffer,
  chance: Chance,
  { others, words }: { readonly others: readonly Buffer[]; readonly words: readonly string[] },
): Buffer {
  let changed = bytes;
  for (let left = 1 + chance.below(6); left > 0; left--) changed = chance.pick(changes)(changed, chance, others, words);
  return changed.subarray(0, 1 << 16);
}

/** Values that stand where others are expected. */
const strangers = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 60,
  "",
  "x",
  "/",
  "..",
  "\0",
  "é\u2028",
  [],
  {},
  [[]],
  [{}],
  [""],
  { a: 1 },
];

/** Keys that mean something to JavaScript, and some that mean nothing. */
const keys = ["__proto__", "constructor", "toString", "length", "", "a.b", "/", "id", "version", "\0"];

/** A copy of a tree of JSON with one part of it exchanged, removed, repeated or put elsewhere. */
export function mutateTree(tree: unknown, chance: Chance): unknown {
  if (chance.once(6) || typeof tree !== "object" || tree === null)
    return chance.once(3) ? deep(chance) : chance.pick(strangers);
  if (Array.isArray(tree)) {
    const at = chance.below(tree.length + 1);
    if (at === tree.length)
      return [...tree, ...(tree.length > 0 && chance.once(2) ? [chance.pick(tree)] : [chance.pick(strangers)])];
    if (chance.once(5)) return tree.toSpliced(at, 1);
    return tree.with(at, mutateTree(tree[at], chance));
  }
  const entries = Object.entries(tree);
  const at = chance.below(entries.length + 1);
  if (at === entries.length)
    entries.push([
      chance.pick(keys),
      entries.length > 0 && chance.once(2) ? chance.pick(entries)[1] : chance.pick(strangers),
    ]);
  else if (chance.once(5)) entries.splice(at, 1);
  else if (chance.once(8)) entries[at] = [chance.pick(keys), entries[at]![1]];
  else entries[at] = [entries[at]![0], mutateTree(entries[at]![1], chance)];
  // Not an object literal: `__proto__` has to become a key.
  return Object.fromEntries(entries);
}

function deep(chance: Chance): unknown {
  let value: unknown = chance.pick(strangers);
  for (let left = chance.once(4) ? 2000 : chance.below(5); left > 0; left--)
    value = chance.once(2) ? [value] : { a: value };
  return value;
}
