import { type Emit, inPhase, type Phase } from "../std/event.ts";
import { type ExitName, withExit } from "../std/fault.ts";

/** Runs a phase; a fault of it ends with the phase's exit code unless it has one of its own. */
export async function phaseOf<T>(emit: Emit, phase: Phase, exit: ExitName, work: () => Promise<T>): Promise<T> {
  try {
    return await inPhase(emit, phase, work);
  } catch (error) {
    throw withExit(error, exit);
  }
}
