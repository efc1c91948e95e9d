import { errors } from "undici";
import { Fault } from "../../std/fault.ts";
import type { Clock } from "./clock.ts";
import { headerOf, type Reply } from "./reply.ts";

/** How often something is tried in all. */
export const attemptLimit = 7;
/** The longest pause a server may ask for, in milliseconds; beyond it we give up. */
const pauseLimit = 120_000;
const [firstPause, longestPause] = [250, 15_000];

/** Whether trying again can help: the server is busy or broken, not of another opinion. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

const passing = new Set([
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

/** The stable name of an error, if it has one. */
export function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

/** Whether a connection broke in a way that may not happen again. */
export function isCut(error: unknown): boolean {
  const code = codeOf(error);
  const isNoHttp = error instanceof errors.HTTPParserError;
  return !(error instanceof Fault) && (passing.has(code) || isNoHttp);
}

/** The pause before another attempt, the first having number 1, in milliseconds: doubled each time, between half and all of it by chance. */
export function pauseAfter(attempt: number, chance: number): number {
  const whole = Math.min(firstPause * 2 ** (attempt - 1), longestPause);
  return whole / 2 + (whole / 2) * chance;
}

/** What `Retry-After` asks for in milliseconds, a date being measured against the server's own clock; undefined without a usable one. */
export function retryAfter(reply: Reply): number | undefined {
  const text = headerOf(reply, "retry-after")?.trim();
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const pause = Date.parse(text) - Date.parse(headerOf(reply, "date") ?? "");
  return Number.isNaN(pause) ? undefined : Math.max(pause, 0);
}

/** Whom all requests to one server obey: when it asks one of them to wait, the others wait too. */
export class Gate {
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly #attempts: number;
  #closedUntil = 0;
  #answered = false;

  constructor(clock: Clock, signal: AbortSignal | undefined, attempts = attemptLimit) {
    this.clock = clock;
    this.signal = signal;
    this.#attempts = attempts;
  }

  /** Waits as long as an attempt that failed so often must wait. */
  async pause(attempt: number): Promise<void> {
    await this.clock.delay(pauseAfter(attempt, this.clock.chance()), this.signal);
  }

  /**
   * Sends until there is an answer that trying again would not change, `attempts` times at most; then the last answer or error is the
   * result. A server that never answered and refuses connections is not tried again.
   */
  async persist(send: () => Promise<Reply>): Promise<Reply> {
    for (let attempt = 1; ; attempt++) {
      const closed = this.#closedUntil - this.clock.now();
      if (closed > 0) await this.clock.delay(closed, this.signal);
      let reply: Reply;
      try {
        reply = await send();
      } catch (error) {
        const isWorth = isCut(error) || (this.#answered && codeOf(error) === "ECONNREFUSED");
        if (!isWorth || attempt >= this.#attempts) throw error;
        await this.pause(attempt);
        continue;
      }
      this.#answered = true;
      if (!isPassing(reply.status) || attempt >= this.#attempts) return reply;
      const asked = retryAfter(reply);
      if (asked !== undefined && asked > pauseLimit) return reply;
      const pause = Math.max(asked ?? 0, pauseAfter(attempt, this.clock.chance()));
      if (reply.status === 429) this.#closedUntil = Math.max(this.#closedUntil, this.clock.now() + pause);
      else await this.clock.delay(pause, this.signal);
    }
  }
}
