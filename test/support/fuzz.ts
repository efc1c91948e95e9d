import { Fault } from "../../src/std/fault.ts";
import { Chance } from "./chance.ts";
import { mutate } from "./mutate.ts";

/** Something that takes input from strangers. */
export interface FuzzTarget {
  readonly name: string;
  /** Inputs it accepts, from which others are made. */
  readonly seeds: readonly (string | Uint8Array)[];
  /** Pieces that mean something in the format. */
  readonly words?: readonly string[];
  /** Makes an input by the rules of the format, more or less; undefined when it has no idea for this one. */
  invent?(chance: Chance, seed: Buffer): Buffer | undefined;
  /** Mends what a careless change always breaks, such as checksums. */
  repair?(bytes: Buffer): Buffer;
  /** It has an answer for every input, and refuses none. */
  readonly takesAll?: boolean;
  /** Takes an input. It may throw a `Fault`; anything else is a defect, and so is a law it finds broken. */
  take(input: Buffer): unknown;
}

/** What became of the inputs. */
export interface FuzzResult {
  readonly runs: number;
  /** How many were taken without a Fault. */
  readonly accepted: number;
  /** The longest that one of them took, in milliseconds of the clock. */
  readonly slowest: number;
}

/** An input that showed a defect. */
export class Finding extends Error {
  readonly input: Buffer;

  constructor(target: string, input: Buffer, what: unknown) {
    super(`${target} with ${JSON.stringify(input.toString("latin1").slice(0, 2000))}: ${describe(what)}`, {
      cause: what,
    });
    this.input = input;
  }
}

function describe(what: unknown): string {
  return what instanceof Error ? (what.stack ?? what.message).slice(0, 3000) : String(what);
}

/** How many inputs found on the way are kept to be changed further. */
const largestPool = 2000;

/** Gives one input to a target; resolves to what it said of it. Throws `Finding` for anything but a Fault. */
export async function give(target: FuzzTarget, input: Buffer): Promise<"accepted" | Fault> {
  try {
    await target.take(Buffer.from(input));
    return "accepted";
  } catch (error) {
    if (error instanceof Fault) return error;
    throw new Finding(target.name, input, error);
  }
}

/**
 * Gives inputs to a target until `done` says so, the same ones for the same seed. Inputs that are answered in a new way are changed
 * further. Throws `Finding`.
 */
export async function fuzz(
  target: FuzzTarget,
  { seed, done, now = () => 0 }: { readonly seed: number; done(runs: number): boolean; now?(): number },
): Promise<FuzzResult> {
  const chance = new Chance(seed);
  const pool: Buffer[] = target.seeds.map((one) => Buffer.from(one as Uint8Array));
  const answers = new Set<string>();
  let [runs, accepted, slowest] = [0, 0, 0];
  for (; !done(runs); runs++) {
    const from = chance.pick(pool);
    const made = runs < target.seeds.length ? pool[runs]! : next(target, chance, from, pool);
    const begin = now();
    const answer = await give(target, made);
    slowest = Math.max(slowest, now() - begin);
    if (answer === "accepted") accepted++;
    const shape = answer === "accepted" ? `accepted ${Math.log2(made.length + 1) | 0}` : shapeOf(answer);
    if (answers.has(shape) || pool.length >= largestPool) continue;
    answers.add(shape);
    pool.push(made);
  }
  return { runs, accepted, slowest };
}

function next(target: FuzzTarget, chance: Chance, from: Buffer, others: readonly Buffer[]): Buffer {
  const invented = target.invent && chance.once(2) ? target.invent(chance, from) : undefined;
  if (invented && chance.once(2)) return invented;
  const changed = mutate(invented ?? from, chance, { others, words: target.words ?? [] });
  return target.repair && !chance.once(5) ? target.repair(changed) : changed;
}

/** A fault without what it quotes: the same for the same kind of mistake. */
function shapeOf(fault: Fault): string {
  return `${fault.code} ${fault.message.replace(/"[^"]*"|\d+/g, "").slice(0, 80)}`;
}
