/** Work that goes on beside other work. Disposing ends it and waits for that. */
export interface Beside<T> extends AsyncDisposable {
  /** What it comes to; nobody has to wait for it. */
  readonly result: Promise<T>;
}

/** Begins work beside that of the caller; its signal is aborted with `signal`, and when it is not needed any more. */
export function beside<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Beside<T> {
  const end = new AbortController();
  const result = work(signal ? AbortSignal.any([signal, end.signal]) : end.signal);
  const over = result.then(
    () => {},
    () => {},
  );
  return {
    result,
    [Symbol.asyncDispose]: () => {
      end.abort();
      return over;
    },
  };
}
