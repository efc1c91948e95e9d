import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

/** Time and chance, as far as waiting needs them. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** From 0 (included) to 1 (excluded). */
  chance(): number;
  /** Resolves after so many milliseconds; rejects with the signal's reason when it is aborted. */
  delay(ms: number, signal?: AbortSignal): Promise<void>;
}

const parts = 1 << 20;

/** The machine's own. */
export const systemClock: Clock = {
  now: () => performance.now(),
  chance: () => randomInt(parts) / parts,
  async delay(ms, signal) {
    signal?.throwIfAborted();
    try {
      await pause(ms, undefined, signal && { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
