import { Fault } from "../../src/std/fault.ts";

/** Runs something whose Faults do not matter here. */
export function attempt(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

/** What a parser says that answers malformed input with `undefined` instead of a Fault. */
export function refused(): never {
  throw new Fault("fuzz.refused", "Cannot use input: it is malformed");
}
