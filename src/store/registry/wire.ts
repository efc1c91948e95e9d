import type { Readable } from "node:stream";
import { Fault } from "../../std/fault.ts";
import { httpUrl } from "./address.ts";
import { answerTo, streamedAnswer } from "./answer.ts";
import { type ConnectionSettings, Dispatchers } from "./dispatcher.ts";
import { headerOf, type Reply } from "./reply.ts";

/** One HTTP request, to be sent as it is. */
export interface WireRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorization?: string | undefined;
  readonly body?: Uint8Array | Readable | undefined;
  /** How long the body of an answer 200 may be, in bytes: it is read before it is given back, and what breaks off counts as no answer. */
  readonly hold?: number | undefined;
  /** Gives the bytes of an answer 200 or 206 as they come. */
  readonly streams?: boolean | undefined;
}

/** How long to wait for an answer's head, and for the next bytes of a body, in milliseconds. */
export interface Patience {
  readonly answer?: number;
  readonly silence?: number;
}

const redirectLimit = 5;
const redirects = new Set([301, 302, 303, 307, 308]);
// A registry may copy a whole blob to where it belongs before it answers.
const defaultPatience = { answer: 300_000, silence: 60_000 };

function tooLong(url: URL, limit: number | undefined): Fault {
  const found = `it has more than ${limit} bytes`;
  return new Fault("document.size", `Cannot read answer of ${url.host} at ${url.pathname}: ${found}`);
}

/** Sends requests and follows redirects; nothing is repeated, nothing is judged. */
export class Wire implements AsyncDisposable {
  readonly #dispatchers: Dispatchers;
  readonly #patience: Required<Patience>;
  readonly #signal: AbortSignal | undefined;

  constructor(connection: ConnectionSettings, patience: Patience = {}, signal?: AbortSignal) {
    this.#dispatchers = new Dispatchers(connection);
    this.#patience = { ...defaultPatience, ...patience };
    this.#signal = signal;
  }

  /**
   * The answer to a request. Redirects of GET and HEAD are followed, never with credentials to another origin and never from https to http.
   * Throws what undici throws when there is no answer, Fault `document.size` for a held one that is too long, and the signal's reason when
   * it is aborted.
   */
  async send(ask: WireRequest): Promise<Reply> {
    let { url, authorization } = ask;
    for (let hops = 0; ; hops++) {
      const reply = await this.#one({ ...ask, url, authorization });
      const location = headerOf(reply, "location");
      const isFollowed = ask.method === "GET" || ask.method === "HEAD";
      if (!isFollowed || !redirects.has(reply.status) || location === undefined) return reply;
      const next = httpUrl(location, url);
      const refusal =
        next === undefined
          ? "the address is none"
          : url.protocol === "https:" && next.protocol === "http:"
            ? `it leads to ${next.host} without TLS`
            : hops >= redirectLimit
              ? `there are more than ${redirectLimit} of them`
              : undefined;
      if (next === undefined || refusal !== undefined)
        throw new Fault("registry.redirect", `Cannot follow redirect of ${url.host}: ${refusal}`);
      if (next.origin !== url.origin) authorization = undefined;
      url = next;
    }
  }

  async #one({ method, url, headers, authorization, body, hold, streams }: WireRequest): Promise<Reply> {
    this.#signal?.throwIfAborted();
    const server = await this.#dispatchers.for(url);
    const request = {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: {
        "user-agent": "plinth",
        "accept-encoding": "identity",
        ...headers,
        ...(authorization !== undefined && { authorization }),
      },
      body: body ?? null,
      headersTimeout: this.#patience.answer,
      bodyTimeout: this.#patience.silence,
    };
    const signal = this.#signal;
    try {
      return { ...(await (streams ? streamedAnswer : answerTo)(server, request, { hold, signal })), url };
    } catch (error) {
      throw error instanceof RangeError ? tooLong(url, hold) : error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatchers[Symbol.asyncDispose]();
  }
}
