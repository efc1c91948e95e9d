import type { Digest } from "../../oci/digest.ts";
import type { Ask, RegistryClient } from "./client.ts";
import type { Action } from "./failure.ts";
import type { Reply } from "./reply.ts";
import { pullScope, pushScope, type Scope } from "./scope.ts";

/** One repository of a registry, and what is done to it. */
export interface Repository {
  readonly client: RegistryClient;
  /** The path, without the host. */
  readonly name: string;
}

/** What is being done: it decides which rights are asked for. */
export type Purpose = "pull" | "push";

/** The rights a purpose needs. */
export function scopesFor(at: Repository, purpose: Purpose): readonly Scope[] {
  return [purpose === "pull" ? pullScope(at.name) : pushScope(at.name)];
}

/** What messages say is being done. */
export function actionOn(at: Repository, purpose: Purpose): Action {
  return at.client.action(purpose === "pull" ? "pull from" : "push to", at.name, scopesFor(at, purpose));
}

/** Sends a request below `/v2/<name>/` (or to the URL a registry gave) and takes these statuses; see `RegistryClient.expect`. */
export function ask(
  at: Repository,
  purpose: Purpose,
  request: Omit<Ask, "scopes"> & { readonly scopes?: readonly Scope[] },
  statuses: readonly number[],
): Promise<Reply> {
  const to = typeof request.to === "string" ? `/v2/${at.name}/${request.to}` : request.to;
  const scopes = request.scopes ?? scopesFor(at, purpose);
  return at.client.expect({ ...request, to, scopes }, purpose === "pull" ? "pull from" : "push to", at.name, statuses);
}

/** Where a blob is, for messages. */
export function placeOf(at: Repository, digest?: Digest): string {
  return `${at.client.registry}/${at.name}${digest === undefined ? "" : `@${digest}`}`;
}
