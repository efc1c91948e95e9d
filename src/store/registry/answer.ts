import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { collect } from "../../std/byte.ts";

/** An answer that was read whole, or as far as it was short. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
  /** The body of a long answer that is still to come; read it or destroy it. `body` is empty then. */
  readonly stream?: Readable;
}

/** How much of an answer is read. */
export interface Appetite {
  /** The most bytes of an answer 200, which must be whole: what breaks off counts as no answer. Any other one is read as far as it is short. */
  readonly hold: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The longest answer that is read when nobody asked for it, in bytes: its connection can be used again then. */
const shortLimit = 64 * 1024;

/** Takes one answer from a connection. */
class Receiver implements Dispatcher.DispatchHandler {
  readonly #appetite: Appetite;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #parts: Buffer[] = [];
  #length = 0;
  #head: Pick<Answer, "status" | "headers"> | undefined;
  #abort: (() => void) | undefined;

  constructor(appetite: Appetite, resolve: (answer: Answer) => void, reject: (error: unknown) => void) {
    this.#appetite = appetite;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { signal } = this.#appetite;
    if (signal === undefined) return;
    this.#abort = () => controller.abort(signal.reason);
    if (signal.aborted) this.#abort();
    else signal.addEventListener("abort", this.#abort, { once: true });
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Answer["headers"]): void {
    // Answers below 200 come before the one that counts.
    if (status >= 200) this.#head = { status, headers };
  }

  onResponseData(controller: Dispatcher.DispatchController, part: Buffer): void {
    this.#length += part.length;
    const limit = this.#held ?? shortLimit;
    if (this.#length > limit) controller.abort(new RangeError(`more than ${limit} bytes`));
    else this.#parts.push(part);
  }

  onResponseEnd(): void {
    this.#end(this.#head!);
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    const { signal } = this.#appetite;
    if (signal?.aborted) this.#fail(signal.reason);
    else if (this.#head && this.#held === undefined) this.#end(this.#head);
    else this.#fail(error);
  }

  get #held(): number | undefined {
    return this.#head?.status === 200 ? this.#appetite.hold : undefined;
  }

  #end(head: Pick<Answer, "status" | "headers">): void {
    this.#release();
    const [only, ...more] = this.#parts;
    this.#resolve({ ...head, body: only && more.length === 0 ? only : Buffer.concat(this.#parts) });
  }

  #fail(error: unknown): void {
    this.#release();
    this.#reject(error);
  }

  #release(): void {
    if (this.#abort) this.#appetite.signal?.removeEventListener("abort", this.#abort);
  }
}

/**
 * Sends a request and reads its answer, without the streams that a long one would need. Throws what undici throws when there is no answer,
 * RangeError for a held one that is too long, and the signal's reason when it is aborted.
 */
export function answerTo(server: Dispatcher, request: Dispatcher.DispatchOptions, appetite: Appetite): Promise<Answer> {
  return new Promise((resolve, reject) => {
    server.dispatch(request, new Receiver(appetite, resolve, reject));
  });
}

/** The same, with the body of an answer 200 or 206 as a stream. */
export async function streamedAnswer(
  server: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { signal }: Appetite,
): Promise<Answer> {
  const { statusCode: status, headers, body: stream } = await server.request({ ...request, ...(signal && { signal }) });
  if (status === 200 || status === 206) return { status, headers, body: Buffer.alloc(0), stream };
  const body = await collect(stream, shortLimit).catch(() => Buffer.alloc(0));
  stream.on("error", () => undefined).destroy();
  return { status, headers, body };
}
