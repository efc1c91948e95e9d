import { errors } from "undici";
import { Fault, reasonOf } from "../../std/fault.ts";
import { type Credential, describeCredential, secretsOf } from "../auth/credential.ts";
import { printable, type Reply, refusalIn } from "./reply.ts";
import { codeOf } from "./retry.ts";
import type { Scope } from "./scope.ts";

/** What was being done when it failed, for the sentence people read. */
export interface Action {
  /** `push to` or `pull from`. */
  readonly verb: string;
  readonly registry: string;
  readonly repository: string;
  readonly scopes: readonly Scope[];
  readonly credential: Credential;
}

/** What happened, for people. */
function reasonFor(error: unknown): string {
  if (error instanceof errors.HTTPParserError) return "what it says is not HTTP";
  return reasons[codeOf(error)] ?? printable(reasonOf(error));
}

function sentence(action: Action, found: string): string {
  const { verb, registry, repository } = action;
  const place = repository === "" ? registry : `${registry}, repository ${repository}`;
  return `Cannot ${verb} registry ${place}: ${withoutSecrets(found, action.credential)}`;
}

function withoutSecrets(text: string, credential: Credential): string {
  return secretsOf(credential)
    .filter((secret) => secret.length > 3)
    .reduce((safe, secret) => safe.replaceAll(secret, "…"), text);
}

function identity({ credential, scopes }: Action): string {
  return `credentials: ${describeCredential(credential)}; scope: ${scopes.join(" ")}`;
}

function hintFor(status: number, { registry, credential, verb }: Action): string | undefined {
  if (status === 401 && credential.kind === "anonymous") return `log in with \`pack login ${registry}\``;
  if (status === 401) return "check these credentials, or log in again";
  if (status === 403) return "these credentials lack the right; ask the repository's owner for it";
  if (status === 404 && verb === "push to") return "the repository may have to be created there first";
  if (status === 413) return "a proxy before the registry limits the size of requests";
  if (status === 429) return "wait a while, or log in to be given more";
  if (status === 507) return "the registry has no space left";
  return undefined;
}

/** The fault of a request a registry refused; `errors` are the codes it gave, as the distribution spec lists them. */
export class RefusedFault extends Fault {
  readonly status: number;
  readonly errors: readonly string[];

  constructor(status: number, errors: readonly string[], message: string, hint: string | undefined) {
    const code = status === 401 || status === 403 ? "registry.denied" : "registry.refused";
    super(code, message, hint === undefined ? {} : { hint });
    this.status = status;
    this.errors = errors;
  }
}

/** The fault of a request the registry refused, with its own words, whose credentials were used and which right was asked for. */
export function refusedFault(action: Action, reply: Reply): RefusedFault {
  const { status } = reply;
  const { text, errors } = refusalIn(reply);
  const said = text ? `it replied ${status} ${text}` : `it replied ${status}`;
  const codes = errors.map((error) => error.code);
  return new RefusedFault(status, codes, sentence(action, `${said} (${identity(action)})`), hintFor(status, action));
}

const reasons: Record<string, string> = {
  ECONNREFUSED: "it refuses connections",
  ECONNRESET: "it cut the connection",
  EPIPE: "it cut the connection",
  UND_ERR_SOCKET: "it cut the connection",
  ENOTFOUND: "there is no host of this name",
  EAI_AGAIN: "its name cannot be looked up now",
  ETIMEDOUT: "it does not answer",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer",
  UND_ERR_HEADERS_TIMEOUT: "it does not answer",
  UND_ERR_BODY_TIMEOUT: "it fell silent",
};

/** Whether the error is about the server's certificate. */
export function isCertificateError(error: unknown): boolean {
  const code = codeOf(error);
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|UNSUITABLE|ALTNAME/.test(code);
}

/** The fault of a request that got no answer; a Fault stays what it is, and so does the reason of an aborted signal. */
export function brokenFault(action: Action, error: unknown, signal: AbortSignal | undefined): unknown {
  if (error instanceof Fault) return error;
  if (signal?.aborted) return signal.reason;
  const isCertificate = isCertificateError(error);
  const reason = reasonFor(error);
  const found = isCertificate ? `its certificate is not trusted (${reason})` : reason;
  return new Fault(isCertificate ? "registry.certificate" : "registry.unreachable", sentence(action, found), {
    // The error itself may quote a proxy's address with its password.
    hint: isCertificate
      ? "add the authority that signed it to this machine's certificates, or name the registry with --insecure-registry"
      : "check the registry's name, the network and the proxy",
  });
}

/** The fault of an answer that breaks the distribution spec. */
export function oddFault(action: Action, found: string): Fault {
  return new Fault("registry.protocol", sentence(action, found), {
    hint: "this is the registry's mistake; try again, or tell those who run it",
  });
}
