import { isObject } from "../../std/json.ts";
import { basicHeader, type Credential } from "../auth/credential.ts";
import type { Scope } from "./scope.ts";
import type { WireRequest } from "./wire.ts";

/** A token and how many seconds it is good for. */
export interface Token {
  readonly value: string;
  readonly lifetime: number;
}

/** What servers mean that do not say how long a token lasts (distribution's token specification). */
const defaultLifetime = 60;

/** The name this program gives itself to token servers. */
const clientId = "plinth";

/**
 * The request for a token: a GET with basic authentication or none, or for an identity token an OAuth2 refresh by POST (distribution's
 * "Token Authentication" and "Oauth2 Token Authentication").
 */
export function tokenRequest(
  realm: URL,
  service: string | undefined,
  scopes: readonly Scope[],
  credential: Credential,
): WireRequest {
  if (credential.kind === "identity") {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: credential.token,
      client_id: clientId,
      ...(service !== undefined && { service }),
      ...(scopes.length > 0 && { scope: scopes.join(" ") }),
    });
    return {
      method: "POST",
      url: realm,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: Buffer.from(form.toString()),
    };
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (credential.kind !== "basic") return { method: "GET", url };
  url.searchParams.set("account", credential.username);
  return { method: "GET", url, authorization: basicHeader(credential.username, credential.password) };
}

/** The token in a server's answer, undefined when there is none. */
export function parseToken(body: string): Token | undefined {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isObject(document)) return undefined;
  const value = document["token"] || document["access_token"];
  const lifetime = document["expires_in"];
  if (typeof value !== "string" || /[^\x21-\x7e]/.test(value)) return undefined;
  return { value, lifetime: typeof lifetime === "number" && lifetime > 0 ? lifetime : defaultLifetime };
}
