import { Fault } from "../std/fault.ts";
import { byteString } from "./name.ts";

/** One step of a pattern: a byte, any character but the slash, or one character of (or not of) some ranges. */
type Step =
  | { readonly kind: "byte"; readonly byte: string }
  | { readonly kind: "any" }
  | { readonly kind: "class"; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] };

/** The steps between two stars; `star` says whether one comes before them. */
interface Chunk {
  readonly star: boolean;
  readonly steps: readonly Step[];
}

const replacement = 0xfffd;
const minimums = [0, 0, 0x80, 0x800, 0x10000];

/** The character at `at` of a byte string in UTF-8; a byte that begins none counts as U+FFFD of length 1. */
function decodeAt(text: string, at: number): { readonly rune: number; readonly length: number } {
  const first = text.charCodeAt(at);
  if (first < 0x80) return { rune: first, length: 1 };
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const tail = text.slice(at + 1, at + length);
  const bad = { rune: replacement, length: 1 };
  if (first < 0xc2 || first > 0xf4 || tail.length < length - 1 || !/^[\u0080-\u00bf]+$/.test(tail)) return bad;
  let rune = first & (0xff >> (length + 1));
  for (const char of tail) rune = rune * 64 + (char.charCodeAt(0) & 0x3f);
  const surrogate = rune >= 0xd800 && rune <= 0xdfff;
  return rune < minimums[length]! || rune > 0x10ffff || surrogate ? bad : { rune, length };
}

function refuse(pattern: string): never {
  throw new Fault("slice.pattern", `Cannot match the slice pattern ${JSON.stringify(pattern)}: its syntax is wrong`, {
    exit: "export",
    hint: "brackets must close and hold something, and a backslash must have something to escape",
  });
}

/** Where the chunk that begins at `at` ends: at the next star that is neither escaped nor in brackets. */
function chunkEnd(text: string, at: number): number {
  let inside = false;
  for (let i = at; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "[") inside = true;
    else if (text[i] === "]") inside = false;
    else if (text[i] === "*" && !inside) return i;
  }
  return text.length;
}

function parseClass(chunk: string, at: number, bad: () => never): { readonly step: Step; readonly end: number } {
  let i = at + 1;
  const negated = chunk[i] === "^";
  if (negated) i++;
  const one = (): number => {
    if (i >= chunk.length || chunk[i] === "-" || chunk[i] === "]") bad();
    if (chunk[i] === "\\" && ++i >= chunk.length) bad();
    const { rune, length } = decodeAt(chunk, i);
    if (rune === replacement && length === 1) bad();
    i += length;
    if (i >= chunk.length) bad();
    return rune;
  };
  const ranges: [number, number][] = [];
  while (chunk[i] !== "]" || ranges.length === 0) {
    const low = one();
    if (chunk[i] !== "-") {
      ranges.push([low, low]);
      continue;
    }
    i++;
    ranges.push([low, one()]);
  }
  return { step: { kind: "class", negated, ranges }, end: i + 1 };
}

function parseSteps(chunk: string, bad: () => never): Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < chunk.length; ) {
    if (chunk[i] === "[") {
      const { step, end } = parseClass(chunk, i, bad);
      steps.push(step);
      i = end;
      continue;
    }
    if (chunk[i] === "?") {
      steps.push({ kind: "any" });
      i++;
      continue;
    }
    if (chunk[i] === "\\") i++;
    if (i >= chunk.length) bad();
    steps.push({ kind: "byte", byte: chunk[i]! });
    i++;
  }
  return steps;
}

function parseChunks(text: string, bad: () => never): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 0; at < text.length; ) {
    const start = at + /^\**/.exec(text.slice(at))![0].length;
    const end = chunkEnd(text, start);
    // A pattern that ends with a backslash ends inside its last chunk.
    chunks.push({ star: start > at, steps: parseSteps(text.slice(start, end), bad) });
    at = Math.max(end, start);
  }
  return chunks;
}

/** Where the steps end when they match `name` from `at` on; undefined when they do not. */
function matchSteps(steps: readonly Step[], name: string, at: number): number | undefined {
  let i = at;
  for (const step of steps) {
    if (i >= name.length) return undefined;
    if (step.kind === "byte") {
      if (name[i] !== step.byte) return undefined;
      i++;
      continue;
    }
    const { rune, length } = decodeAt(name, i);
    if (step.kind === "any" && name[i] === "/") return undefined;
    if (step.kind === "class" && step.ranges.some(([low, high]) => low <= rune && rune <= high) === step.negated)
      return undefined;
    i += length;
  }
  return i;
}

/** Where a chunk ends in `name`: as far left as it fits, and for the last one at the very end. */
function matchChunk({ star, steps }: Chunk, last: boolean, name: string, from: number): number | undefined {
  for (let at = from; ; at++) {
    const end = matchSteps(steps, name, at);
    if (end !== undefined && (!last || end === name.length)) return end;
    if (!star || at >= name.length || name[at] === "/") return undefined;
  }
}

/**
 * Whether names (byte strings) match a pattern of Go's filepath.Match on Unix: `*` and `?` do not cross a slash,
 * `[a-z]`, `[^a]`, `\` takes the next character as it is. Throws Fault `slice.pattern` for a pattern whose syntax is
 * wrong.
 */
export function matcher(pattern: string): (name: string) => boolean {
  const chunks = parseChunks(byteString(pattern), () => refuse(pattern));
  return (name) => {
    let at = 0;
    for (const [index, chunk] of chunks.entries()) {
      const last = index === chunks.length - 1;
      if (last && chunk.star && chunk.steps.length === 0) return !name.includes("/", at);
      const end = matchChunk(chunk, last, name, at);
      if (end === undefined) return false;
      at = end;
    }
    return at === name.length;
  };
}
