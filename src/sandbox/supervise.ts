import type { Attended } from "./launch.ts";

/** Whoever tells of signals, as `process` does. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

const passedOn = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH"] as const;
// As long as other container tools give a program to end in good order.
const grace = 10_000;

/** The passing on of signals to one container. */
export interface Supervision {
  /** The signal that was passed on last. */
  readonly last: NodeJS.Signals | undefined;
  end(): void;
}

/**
 * Passes signals on to a container's program. When `signal` is aborted the program is asked to end (SIGTERM), and killed ten seconds
 * later.
 */
export function supervise(
  container: Attended,
  signals: SignalSource | undefined,
  signal: AbortSignal | undefined,
): Supervision {
  let last: NodeJS.Signals | undefined;
  let deadline: NodeJS.Timeout | undefined;
  const forward = (name: NodeJS.Signals) => {
    last = name;
    void container.forward(name);
  };
  const stop = () => {
    forward("SIGTERM");
    deadline = setTimeout(() => void container.kill(), grace);
  };
  for (const name of passedOn) signals?.on(name, forward);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  return {
    get last() {
      return last;
    },
    end() {
      for (const name of passedOn) signals?.off(name, forward);
      signal?.removeEventListener("abort", stop);
      clearTimeout(deadline);
    },
  };
}
