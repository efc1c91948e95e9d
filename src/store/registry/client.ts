import { Readable } from "node:stream";
import { type Emit, logTo } from "../../std/event.ts";
import { Fault } from "../../std/fault.ts";
import type { Credential } from "../auth/credential.ts";
import { apiHostOf, httpUrl, type Scheme, schemesFor } from "./address.ts";
import { Authorizer } from "./authorizer.ts";
import { type Action, brokenFault, isCertificateError, oddFault, refusedFault } from "./failure.ts";
import { headerOf, type Reply } from "./reply.ts";
import { codeOf, type Gate } from "./retry.ts";
import type { Scope } from "./scope.ts";
import type { Wire, WireRequest } from "./wire.ts";

/** A request to a registry. */
export interface Ask {
  readonly method: WireRequest["method"];
  /** A path below the registry's root, or the URL it gave us. */
  readonly to: string | URL;
  readonly scopes: readonly Scope[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes can be sent again; a stream is sent once, whatever the answer. */
  readonly body?: Uint8Array | Readable;
  /** How the body of an answer is wanted: see `WireRequest`. */
  readonly hold?: number;
  readonly streams?: boolean;
}

/** What a client works with. */
export interface ClientInputs {
  /** As full names spell it. */
  readonly registry: string;
  readonly credential: Credential;
  readonly insecure: readonly string[];
  readonly wire: Wire;
  /** For the registry, and for token servers. */
  readonly gates: { readonly registry: Gate; readonly tokens: Gate };
  readonly emit: Emit;
}

/** How often one request proves anew who asks: a token can end between two others. */
const renewalLimit = 2;

function originOf(scheme: Scheme, host: string): string {
  return `${scheme}://${host}`;
}

/** Speaks to one registry as one user: finds out by what scheme, proves who it is, tries again. */
export class RegistryClient {
  readonly registry: string;
  readonly credential: Credential;
  readonly gate: Gate;
  readonly #inputs: ClientInputs;
  readonly #host: string;
  readonly #authorizer: Authorizer;
  #scheme: Scheme | undefined;
  #isPinged = false;

  constructor(inputs: ClientInputs) {
    const { registry, credential, gates, wire } = inputs;
    this.#inputs = inputs;
    this.registry = registry;
    this.credential = credential;
    this.gate = gates.registry;
    this.#host = apiHostOf(registry);
    this.#authorizer = new Authorizer({
      registry,
      credential,
      clock: gates.tokens.clock,
      send: async (request) => {
        try {
          return await gates.tokens.persist(() => wire.send(request));
        } catch (error) {
          const repository = `at its token server ${request.url.host}`;
          throw brokenFault(this.action("log in to", repository, []), error, this.gate.signal);
        }
      },
    });
    const schemes = schemesFor(this.#host, inputs.insecure);
    if (schemes.length === 1) this.#scheme = schemes[0];
  }

  /** Whether the registry ever asked who we are. */
  get isChallenged(): boolean {
    return this.#authorizer.isChallenged;
  }

  /** What a message says of work on a repository. */
  action(verb: string, repository: string, scopes: readonly Scope[]): Action {
    return { verb, registry: this.registry, repository, scopes, credential: this.credential };
  }

  /**
   * The registry's answer, after it knows who asks and is no longer busy. The answer to a stream is the first one, even 401: then who asks
   * has been settled anew for the next request. Throws what undici throws when there is no answer, and Fault `registry.auth`.
   */
  async send(ask: Ask): Promise<Reply> {
    for (let renewals = 0; ; renewals++) {
      const used = await this.#authorizer.header(ask.scopes);
      const isOnce = ask.body instanceof Readable;
      const reply = await (isOnce ? this.#once(ask, used) : this.gate.persist(() => this.#once(ask, used)));
      if (renewals >= renewalLimit || !(await this.#isWorthAnother(ask, reply, used)) || isOnce) return reply;
    }
  }

  /** The answer if it has one of these statuses; every other is thrown as a Fault that tells what was being done. */
  async expect(ask: Ask, verb: string, repository: string, statuses: readonly number[]): Promise<Reply> {
    const action = this.action(verb, repository, ask.scopes);
    let reply: Reply;
    try {
      reply = await this.send(ask);
    } catch (error) {
      throw brokenFault(action, error, this.gate.signal);
    }
    if (statuses.includes(reply.status)) return reply;
    throw refusedFault(action, reply);
  }

  /** Where an answer says to go on; throws Fault `registry.protocol` when it does not say. A registry reached over TLS stays so. */
  locationOf(reply: Reply, action: Action): URL {
    const location = headerOf(reply, "location");
    const url = location === undefined ? undefined : httpUrl(location, reply.url);
    if (url === undefined) throw oddFault(action, "it does not say where to upload");
    // Registries behind a proxy that ends TLS often do not know of it.
    if (url.host === reply.url.host) url.protocol = reply.url.protocol;
    return url;
  }

  async #isWorthAnother(ask: Ask, reply: Reply, used: string | undefined): Promise<boolean> {
    if (reply.status === 401) return this.#authorizer.challenged(reply, used);
    // Some registries hide what is private from strangers without asking who they are.
    const isHidden = reply.status === 404 || reply.status === 403;
    if (!isHidden || this.#isPinged || this.#authorizer.isChallenged || this.credential.kind === "anonymous")
      return false;
    this.#isPinged = true;
    const ping = await this.gate.persist(() =>
      this.#once({ method: "GET", to: "/v2/", scopes: ask.scopes }, undefined),
    );
    return ping.status === 401 && this.#authorizer.challenged(ping, undefined);
  }

  async #once(ask: Ask, authorization: string | undefined): Promise<Reply> {
    const { to, method, headers, body } = ask;
    const reach = async (scheme: Scheme) => {
      const origin = originOf(scheme, this.#host);
      const url = new URL(to, origin);
      const isOwn = url.origin === origin;
      const reply = await this.#inputs.wire.send({
        method,
        url,
        body,
        hold: ask.hold,
        streams: ask.streams,
        ...(headers && { headers }),
        authorization: isOwn ? authorization : undefined,
      });
      // A query may hold what gives access to an upload or a file.
      logTo(this.#inputs.emit).debug(`${method} ${url.origin}${url.pathname}: ${reply.status}`);
      return reply;
    };
    return this.#scheme === undefined ? this.#settleScheme(reach) : reach(this.#scheme);
  }

  /** Tries the schemes in order and remembers the one that works. */
  async #settleScheme(reach: (scheme: Scheme) => Promise<Reply>): Promise<Reply> {
    const [first, second] = schemesFor(this.#host, this.#inputs.insecure);
    const hasPort = /:\d+$/.test(this.#host);
    let failure: unknown;
    try {
      const reply = await reach(first);
      if (first === "https" || reply.status !== 400 || headerOf(reply, "docker-distribution-api-version")) {
        this.#scheme = first;
        return reply;
      }
      failure = new Error(`it replied ${reply.status} to a request without TLS`);
    } catch (error) {
      const code = codeOf(error);
      const isAbsent = code === "ENOTFOUND" || code === "EAI_AGAIN" || (code === "ECONNREFUSED" && hasPort);
      const isFinal = error instanceof Fault || isCertificateError(error);
      if (this.gate.signal?.aborted || isAbsent || isFinal) throw error;
      failure = error;
    }
    try {
      const reply = await reach(second ?? first);
      this.#scheme = second;
      return reply;
    } catch (error) {
      throw error instanceof Fault || isCertificateError(error) ? error : failure;
    }
  }
}
