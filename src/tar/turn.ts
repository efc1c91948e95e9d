import { setImmediate } from "node:timers/promises";

/** How long work may go on before others get their turn, in milliseconds. */
const turnMs = 10;

/**
 * A function to call between two steps of long synchronous work: it gives a promise to wait for when others have waited
 * long enough, undefined else. Throws the signal's reason once it is aborted.
 */
export function turns(signal?: AbortSignal): () => Promise<void> | undefined {
  let since = performance.now();
  const pass = async (): Promise<void> => {
    await setImmediate();
    signal?.throwIfAborted();
    since = performance.now();
  };
  return () => {
    signal?.throwIfAborted();
    return performance.now() - since < turnMs ? undefined : pass();
  };
}
