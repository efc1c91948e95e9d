import type { BitWriter } from "./bit.ts";
import { type Code, codeOf, sizeOf } from "./huffman.ts";
import { firstMatch } from "./match.ts";

const endOfBlock = 256;
const literalCount = 286;
const distanceCount = 30;
/** The order in which lengths of the code for code lengths are written (RFC 1951, 3.2.7). */
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** For each code of a length or distance: its first value and how many bits follow. */
interface Ranges {
  readonly first: readonly number[];
  readonly extra: readonly number[];
}

function rangesOf(extra: readonly number[]): Ranges {
  const first: number[] = [];
  extra.reduce((at, bits) => {
    first.push(at);
    return at + 2 ** bits;
  }, 0);
  return { first, extra };
}

/** Lengths minus 3; the longest one has a code of its own (RFC 1951, 3.2.5). */
const lengths = rangesOf([...Array(8).fill(0), ...[1, 2, 3, 4, 5].flatMap((bits) => [bits, bits, bits, bits])]);
/** Distances minus 1. */
const distances = rangesOf([0, 0, ...Array.from({ length: 28 }, (_, i) => i >> 1)]);
const longest = 258 - 3;

function codesBy(ranges: Ranges, size: number): Uint8Array {
  const codes = new Uint8Array(size);
  for (const [code, first] of ranges.first.entries()) codes.fill(code, first);
  return codes;
}

const lengthCodes = codesBy(lengths, 256).fill(28, longest);
const lengthExtra = [...lengths.extra, 0];
const lengthFirst = [...lengths.first, longest];
const distanceCodes = codesBy(distances, 32_768);

/** The code of the lengths of two codes, as a sequence of symbols with what follows them. */
interface Lengths {
  readonly symbols: readonly number[];
  readonly following: readonly number[];
  readonly frequencies: Uint32Array;
}

/** Runs of equal lengths become repetitions: 16 of the one before, 17 and 18 of zero. */
function runsOf(all: readonly number[]): Lengths {
  const symbols: number[] = [];
  const following: number[] = [];
  const frequencies = new Uint32Array(19);
  const add = (symbol: number, value: number) => {
    symbols.push(symbol);
    following.push(value);
    frequencies[symbol]! += 1;
  };
  for (let at = 0; at < all.length; ) {
    const length = all[at]!;
    let left = 1;
    while (all[at + left] === length) left++;
    at += left;
    if (length !== 0) {
      add(length, 0);
      left--;
      for (; left >= 3; left -= Math.min(left, 6)) add(16, Math.min(left, 6) - 3);
    } else {
      for (; left >= 11; left -= Math.min(left, 138)) add(18, Math.min(left, 138) - 11);
      if (left >= 3) {
        add(17, left - 3);
        left = 0;
      }
    }
    for (; left > 0; left--) add(length, 0);
  }
  return { symbols, following, frequencies };
}

const followingBits: Record<number, number> = { 16: 2, 17: 3, 18: 7 };

/** Everything that says how a block is coded. */
interface Plan {
  readonly literal: Code;
  readonly distance: Code;
  readonly literals: number;
  readonly distances: number;
  readonly runs: Lengths;
  readonly runCode: Code;
  readonly runLengths: number;
  /** The block in bits, without what follows the codes of lengths and distances. */
  readonly size: number;
}

function usedOf(frequencies: Uint32Array): number {
  let count = frequencies.length;
  while (count > 0 && frequencies[count - 1] === 0) count--;
  return count;
}

function planOf(literalFrequencies: Uint32Array, distanceFrequencies: Uint32Array): Plan {
  // A block without a match still has one distance.
  if (usedOf(distanceFrequencies) === 0) distanceFrequencies[0] = 1;
  const literal = codeOf(literalFrequencies, 15);
  const distance = codeOf(distanceFrequencies, 15);
  const literals = usedOf(literalFrequencies);
  const distances = usedOf(distanceFrequencies);
  const runs = runsOf([...literal.lengths.subarray(0, literals), ...distance.lengths.subarray(0, distances)]);
  const runCode = codeOf(runs.frequencies, 7);
  let runLengths = 19;
  while (runLengths > 4 && runs.frequencies[lengthOrder[runLengths - 1]!] === 0) runLengths--;
  const repeats = runs.frequencies[16]! * 2 + runs.frequencies[17]! * 3 + runs.frequencies[18]! * 7;
  const header = 3 + 5 + 5 + 4 + 3 * runLengths + sizeOf(runCode, runs.frequencies) + repeats;
  const size = header + sizeOf(literal, literalFrequencies) + sizeOf(distance, distanceFrequencies);
  return { literal, distance, literals, distances, runs, runCode, runLengths, size };
}

/** Bytes as they are (at most 65535); the last block of all when `final`. */
export function writeStored(writer: BitWriter, bytes: Uint8Array, final: boolean): void {
  writer.write(final ? 1 : 0, 3);
  writer.align();
  writer.write(bytes.length, 16);
  writer.write(bytes.length ^ 0xffff, 16);
  writer.append(bytes);
}

/** Whether Go stores the bytes: it wants a block to be a good deal shorter than they are. */
function isBetterStored(plan: Plan, bytes: Uint8Array): boolean {
  return (bytes.length + 5) * 8 < plan.size + (plan.size >> 4);
}

function writeHeader(writer: BitWriter, plan: Plan): void {
  writer.write(0b100, 3);
  writer.write(plan.literals - 257, 5);
  writer.write(plan.distances - 1, 5);
  writer.write(plan.runLengths - 4, 4);
  for (const symbol of lengthOrder.slice(0, plan.runLengths)) writer.write(plan.runCode.lengths[symbol]!, 3);
  plan.runs.symbols.forEach((symbol, index) => {
    writer.write(plan.runCode.bits[symbol]!, plan.runCode.lengths[symbol]!);
    writer.write(plan.runs.following[index]!, followingBits[symbol] ?? 0);
  });
}

/** Bytes as literals only, or stored where that is shorter. */
export function writeLiterals(writer: BitWriter, bytes: Uint8Array): void {
  const frequencies = new Uint32Array(literalCount);
  for (let i = 0; i < bytes.length; i++) frequencies[bytes[i]!]! += 1;
  frequencies[endOfBlock] = 1;
  const plan = planOf(frequencies, new Uint32Array(distanceCount));
  if (isBetterStored(plan, bytes)) {
    writeStored(writer, bytes, false);
    return;
  }
  writeHeader(writer, plan);
  const { bits, lengths } = plan.literal;
  for (let i = 0; i < bytes.length; i++) writer.write(bits[bytes[i]!]!, lengths[bytes[i]!]!);
  writer.write(bits[endOfBlock]!, lengths[endOfBlock]!);
}

/** The tokens that stand for `bytes`, or these stored where that is shorter. */
export function writeTokens(writer: BitWriter, tokens: Uint32Array, bytes: Uint8Array): void {
  const literalFrequencies = new Uint32Array(literalCount);
  const distanceFrequencies = new Uint32Array(distanceCount);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token < firstMatch) literalFrequencies[token]! += 1;
    else {
      literalFrequencies[257 + lengthCodes[(token >> 16) & 0xff]!]! += 1;
      distanceFrequencies[distanceCodes[token & 0xffff]!]! += 1;
    }
  }
  literalFrequencies[endOfBlock] = 1;
  const plan = planOf(literalFrequencies, distanceFrequencies);
  if (isBetterStored(plan, bytes)) {
    writeStored(writer, bytes, false);
    return;
  }
  writeHeader(writer, plan);
  const { literal, distance } = plan;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token < firstMatch) {
      writer.write(literal.bits[token]!, literal.lengths[token]!);
      continue;
    }
    const length = (token >> 16) & 0xff;
    const far = token & 0xffff;
    const lengthCode = lengthCodes[length]!;
    const distanceCode = distanceCodes[far]!;
    writer.write(literal.bits[257 + lengthCode]!, literal.lengths[257 + lengthCode]!);
    writer.write(length - lengthFirst[lengthCode]!, lengthExtra[lengthCode]!);
    writer.write(distance.bits[distanceCode]!, distance.lengths[distanceCode]!);
    writer.write(far - distances.first[distanceCode]!, distances.extra[distanceCode]!);
  }
  writer.write(literal.bits[endOfBlock]!, literal.lengths[endOfBlock]!);
}
