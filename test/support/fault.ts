import { Fault } from "../../src/std/fault.ts";

/** The Fault that `work` throws; fails when it throws none or something else. */
export function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("expected a fault, nothing was thrown");
}
