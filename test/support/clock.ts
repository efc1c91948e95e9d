import type { Clock } from "../../src/store/registry/clock.ts";

/** A clock on which waiting takes no time; it writes down how long it was asked to wait, in milliseconds. */
export function quickClock(): Clock & { readonly waits: number[]; advance(ms: number): void } {
  const waits: number[] = [];
  let now = 0;
  return {
    waits,
    now: () => now,
    chance: () => 0.5,
    advance(ms) {
      now += ms;
    },
    async delay(ms, signal) {
      signal?.throwIfAborted();
      waits.push(ms);
      now += ms;
      await new Promise(setImmediate);
      signal?.throwIfAborted();
    },
  };
}
