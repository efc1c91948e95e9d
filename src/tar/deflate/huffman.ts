/** A prefix code: for each symbol its length in bits (0: unused) and its bits, the first one lowest. */
export interface Code {
  readonly lengths: Uint8Array;
  readonly bits: Uint16Array;
}

/**
 * How many of the lightest `weights` (ascending, at least 3) take part in each of `levels` rounds of package-merge; the
 * length of a weight's code is the number of rounds it takes part in. Where a pair and a single weight are equal, the
 * pair goes first.
 */
function partakers(weights: Float64Array, levels: number): number[] {
  const count = weights.length;
  // Of each round: which of its items, in order, are single weights.
  const singles: Uint8Array[] = [];
  let pairs = new Float64Array(0);
  for (let level = 0; level < levels; level++) {
    const size = count + pairs.length;
    const items = new Float64Array(size);
    const isSingle = new Uint8Array(size);
    for (let at = 0, single = 0, pair = 0; at < size; at++) {
      const takesSingle = pair === pairs.length || (single < count && weights[single]! < pairs[pair]!);
      items[at] = takesSingle ? weights[single++]! : pairs[pair++]!;
      if (takesSingle) isSingle[at] = 1;
    }
    singles.push(isSingle);
    pairs = new Float64Array(size >> 1);
    for (let i = 0; i < pairs.length; i++) pairs[i] = items[2 * i]! + items[2 * i + 1]!;
  }
  const found: number[] = [];
  let taken = 2 * count - 2;
  for (const isSingle of singles.reverse()) {
    let single = 0;
    for (let i = 0; i < taken; i++) single += isSingle[i]!;
    found.push(single);
    taken = 2 * (taken - single);
  }
  return found;
}

function lengthsOf(frequencies: Uint32Array, maxLength: number): Uint8Array {
  const lengths = new Uint8Array(frequencies.length);
  const used: number[] = [];
  for (let symbol = 0; symbol < frequencies.length; symbol++) if (frequencies[symbol]! > 0) used.push(symbol);
  if (used.length <= 2) {
    for (const symbol of used) lengths[symbol] = 1;
    return lengths;
  }
  used.sort((a, b) => frequencies[a]! - frequencies[b]! || a - b);
  const weights = Float64Array.from(used, (symbol) => frequencies[symbol]!);
  for (const count of partakers(weights, Math.min(maxLength, used.length - 1)))
    for (let i = 0; i < count; i++) lengths[used[i]!]! += 1;
  return lengths;
}

function reversed(value: number, count: number): number {
  let result = 0;
  for (let i = 0; i < count; i++) result |= ((value >> i) & 1) << (count - 1 - i);
  return result;
}

/** The best code for these frequencies with no length above `maxLength` (at most 15), canonical (RFC 1951, 3.2.2). */
export function codeOf(frequencies: Uint32Array, maxLength: number): Code {
  const lengths = lengthsOf(frequencies, maxLength);
  const bits = new Uint16Array(lengths.length);
  for (let length = 1, next = 0; length <= maxLength; length++, next <<= 1)
    for (let symbol = 0; symbol < lengths.length; symbol++)
      if (lengths[symbol] === length) bits[symbol] = reversed(next++, length);
  return { lengths, bits };
}

/** How many bits symbols of these frequencies take. */
export function sizeOf({ lengths }: Code, frequencies: Uint32Array): number {
  let size = 0;
  for (let symbol = 0; symbol < frequencies.length; symbol++) size += frequencies[symbol]! * lengths[symbol]!;
  return size;
}
