import { Fault } from "../../std/fault.ts";
import { basicHeader, type Credential, describeCredential } from "../auth/credential.ts";
import { httpUrl, isLoopback } from "./address.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Clock } from "./clock.ts";
import { headerValues, type Reply, refusalIn } from "./reply.ts";
import { covers, type Scope } from "./scope.ts";
import { parseToken, tokenRequest } from "./token.ts";
import type { WireRequest } from "./wire.ts";

interface KnownToken {
  readonly scopes: readonly Scope[];
  readonly header: string;
  /** On the clock; the token may be refused a little later. */
  readonly staleAt: number;
}

/** What an authorizer works with. */
export interface AuthorizerInputs {
  readonly registry: string;
  readonly credential: Credential;
  readonly clock: Clock;
  /** Sends a request, and again where that can help. */
  readonly send: (request: WireRequest) => Promise<Reply>;
}

/** The longest answer of a token server, in bytes. */
const tokenLimit = 1024 * 1024;

/** Knows what one registry asks for and answers it; the same rights are asked for once, however many requests need them. */
export class Authorizer {
  readonly #inputs: AuthorizerInputs;
  #challenge: Challenge | undefined;
  /** Whether the challenge came over TLS. */
  #isSecure = true;
  #tokens: KnownToken[] = [];
  readonly #pending = new Map<string, Promise<KnownToken>>();

  constructor(inputs: AuthorizerInputs) {
    this.#inputs = inputs;
  }

  /** Whether the registry ever asked who we are. */
  get isChallenged(): boolean {
    return this.#challenge !== undefined;
  }

  /** The value of `Authorization` for a request with these rights, undefined as long as the registry asks for none. */
  async header(scopes: readonly Scope[]): Promise<string | undefined> {
    const { credential } = this.#inputs;
    if (this.#challenge === undefined) return undefined;
    if (this.#challenge.scheme === "basic")
      return credential.kind === "basic" ? basicHeader(credential.username, credential.password) : undefined;
    if (credential.kind === "bearer") return `Bearer ${credential.token}`;
    return (await this.#token(scopes)).header;
  }

  /**
   * Learns from an answer 401 to a request that carried `used`; the result is whether asking again can help. A token that was used is forgotten.
   */
  challenged(reply: Reply, used: string | undefined): boolean {
    const offered = parseChallenges(headerValues(reply, "www-authenticate"));
    const chosen =
      offered.find(({ scheme, parameters }) => scheme === "bearer" && parameters["realm"]) ??
      offered.find(({ scheme }) => scheme === "basic");
    if (chosen === undefined) return false;
    const isNew = this.#challenge?.scheme !== chosen.scheme;
    this.#challenge = chosen;
    this.#isSecure = reply.url.protocol === "https:";
    if (chosen.scheme === "basic") return isNew && this.#inputs.credential.kind === "basic";
    this.#tokens = this.#tokens.filter((token) => token.header !== used);
    return used === undefined || isNew || this.#inputs.credential.kind !== "bearer";
  }

  async #token(scopes: readonly Scope[]): Promise<KnownToken> {
    const now = this.#inputs.clock.now();
    this.#tokens = this.#tokens.filter((token) => token.staleAt > now);
    const known = this.#tokens.find((token) => covers(token.scopes, scopes));
    if (known) return known;
    const key = [...scopes].sort().join(" ");
    const pending = this.#pending.get(key) ?? this.#fetch(scopes).finally(() => this.#pending.delete(key));
    this.#pending.set(key, pending);
    return pending;
  }

  async #fetch(scopes: readonly Scope[]): Promise<KnownToken> {
    const { clock, credential } = this.#inputs;
    const { realm = "", service } = this.#challenge?.parameters ?? {};
    const url = this.#realm(realm);
    const asked = clock.now();
    const reply = await this.#inputs.send({
      ...tokenRequest(url, service, scopes, credential),
      hold: tokenLimit,
    });
    if (reply.status !== 200) throw this.#refused(url, scopes, `it replied ${reply.status}`, refusalIn(reply));
    const token = parseToken(reply.body.toString());
    if (token === undefined) throw this.#refused(url, scopes, "its answer has no token");
    const known = {
      scopes,
      header: `Bearer ${token.value}`,
      staleAt: asked + token.lifetime * 1000 * 0.9,
    };
    this.#tokens.push(known);
    return known;
  }

  #realm(text: string): URL {
    const { registry, credential } = this.#inputs;
    const url = httpUrl(text);
    const isOpen = url?.protocol === "http:" && this.#isSecure && credential.kind !== "anonymous";
    if (url && (!isOpen || isLoopback(url.host))) return url;
    const found = isOpen ? `its token server ${url?.host} is without TLS` : "the token server it names has no address";
    throw new Fault("registry.auth", `Cannot log in to registry ${registry}: ${found}`, {
      hint: `nothing was sent there; credentials: ${describeCredential(credential)}`,
    });
  }

  #refused(url: URL, scopes: readonly Scope[], found: string, said?: { readonly text: string }): Fault {
    const { registry, credential } = this.#inputs;
    const what = said?.text ? `${found}: ${said.text}` : found;
    const details = `credentials: ${describeCredential(credential)}; scope: ${scopes.join(" ") || "none"}`;
    return new Fault("registry.auth", `Cannot log in to registry ${registry} at ${url.host}: ${what} (${details})`, {
      hint:
        credential.kind === "anonymous"
          ? `log in with \`pack login ${registry}\``
          : "check these credentials, or log in again",
    });
  }
}
