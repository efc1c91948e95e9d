import type { Attended } from "./launch.ts";

/** Whoever tells of signals, as `process` does. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

const passedOn = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH"] as const;
// As long as other container tools give a program to end in good order.
const grace = 10_000;

/** Passes signals on to a container's program; before there is one, they stop what is being made ready. */
export interface Supervision {
  /** Aborted by the first signal that asks to end, and with the caller's own. */
  readonly stopped: AbortSignal;
  /** The last signal that came. */
  readonly last: NodeJS.Signals | undefined;
  /** From now on signals go to this container; when the caller aborts, its program is asked to end, and killed ten seconds later. */
  attach(container: Attended): void;
  end(): void;
}

const ending: readonly NodeJS.Signals[] = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"];

/** Begins to listen to signals and to the caller's abort. */
export function supervise(signals: SignalSource | undefined, abort: AbortSignal | undefined): Supervision {
  const early = new AbortController();
  let last: NodeJS.Signals | undefined;
  let attended: Attended | undefined;
  let deadline: NodeJS.Timeout | undefined;
  const hear = (name: NodeJS.Signals) => {
    last = name;
    if (attended !== undefined) void attended.forward(name);
    else if (ending.includes(name)) early.abort(new Error(`stopped by ${name}`));
  };
  const stop = () => {
    const container = attended;
    if (container === undefined) return;
    void container.forward("SIGTERM");
    deadline = setTimeout(() => void container.kill(), grace);
  };
  for (const name of passedOn) signals?.on(name, hear);
  abort?.addEventListener("abort", stop, { once: true });
  return {
    stopped: abort === undefined ? early.signal : AbortSignal.any([early.signal, abort]),
    get last() {
      return last;
    },
    attach(container) {
      attended = container;
      if (abort?.aborted) stop();
      else if (early.signal.aborted && last !== undefined) hear(last);
    },
    end() {
      for (const name of passedOn) signals?.off(name, hear);
      abort?.removeEventListener("abort", stop);
      clearTimeout(deadline);
    },
  };
}
