import { Fault } from "../../std/fault.ts";
import { isObject, type JsonObject } from "../../std/json.ts";
import type { Credential } from "./credential.ts";
import { normalizedServer } from "./server.ts";

/** A credentials file: secrets by server, and the helpers that keep others. Keys are as `normalizedServer` makes them. */
export interface CredentialFile {
  readonly credentials: ReadonlyMap<string, Credential>;
  readonly helpers: ReadonlyMap<string, string>;
  /** The helper for every server without one of its own. */
  readonly store: string | undefined;
}

function refuse(place: string, found: string): never {
  throw new Fault("auth.parse", `Cannot read credentials at ${place}: ${found}`, {
    exit: "usage",
    hint: "the text was not shown, for it may hold secrets",
  });
}

/** A JSON object out of text that may hold secrets: its faults show none of it. */
function parseObject(text: string, place: string): JsonObject {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    refuse(place, "it is not JSON");
  }
  return isObject(document) ? document : refuse(place, "it is not a JSON object");
}

function section(document: JsonObject, key: string, place: string): JsonObject {
  const found = document[key] ?? {};
  return isObject(found) ? found : refuse(place, `${key} is not an object`);
}

function textIn(entry: JsonObject, key: string): string | undefined {
  const value = entry[key];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** User and password out of the base64 text of `Basic`, undefined when it is none. */
export function parseBasic(encoded: string): { readonly username: string; readonly password: string } | undefined {
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  // Docker pads what it writes with zero bytes.
  return colon > 0
    ? { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") }
    : undefined;
}

function credentialIn(entry: JsonObject, server: string, place: string): Credential | undefined {
  const identity = textIn(entry, "identitytoken");
  if (identity !== undefined) return { kind: "identity", token: identity, source: place };
  const registry = textIn(entry, "registrytoken");
  if (registry !== undefined) return { kind: "bearer", token: registry, source: place };
  const auth = textIn(entry, "auth");
  if (auth !== undefined) {
    const pair = parseBasic(auth) ?? refuse(place, `auth of ${server} is not the base64 of user:password`);
    return { kind: "basic", ...pair, source: place };
  }
  const [username, password] = [textIn(entry, "username"), textIn(entry, "password")];
  if (username === undefined || password === undefined) return undefined;
  return { kind: "basic", username, password, source: place };
}

/** The text of a Docker `config.json` or a Podman `auth.json`; throws Fault `auth.parse` that names `place` and shows no secret. */
export function parseCredentialFile(text: string, place: string): CredentialFile {
  const document = parseObject(text.trim() === "" ? "{}" : text, place);
  const credentials = new Map<string, Credential>();
  for (const [server, entry] of Object.entries(section(document, "auths", place))) {
    if (!isObject(entry)) refuse(place, `auths has an entry that is not an object`);
    const credential = credentialIn(entry, server, place);
    if (credential) credentials.set(normalizedServer(server), credential);
  }
  const helpers = new Map<string, string>();
  for (const [server, helper] of Object.entries(section(document, "credHelpers", place)))
    if (typeof helper === "string") helpers.set(normalizedServer(server), helper);
  return { credentials, helpers, store: textIn(document, "credsStore") };
}

/**
 * The text of `CNB_REGISTRY_AUTH`: an object of registries and `Authorization` headers, `Basic …`, `Bearer …` or `X-Identity …`
 * (Platform spec, "Registry Authentication"). Throws Fault `auth.parse`, which shows no secret.
 */
export function parseRegistryAuth(text: string, place: string): ReadonlyMap<string, Credential> {
  const credentials = new Map<string, Credential>();
  for (const [server, header] of Object.entries(parseObject(text, place))) {
    const found = typeof header === "string" ? /^\s*(basic|bearer|x-identity)\s+(\S+)\s*$/i.exec(header) : null;
    if (!found) refuse(place, `the entry of ${server} is not Basic, Bearer or X-Identity and a value`);
    const value = found[2]!;
    const kind = found[1]!.toLowerCase();
    const basic = kind === "basic" ? parseBasic(value) : undefined;
    if (kind === "basic" && basic === undefined)
      refuse(place, `the entry of ${server} is not the base64 of user:password`);
    const credential: Credential = basic
      ? { kind: "basic", ...basic, source: place }
      : { kind: kind === "bearer" ? "bearer" : "identity", token: value, source: place };
    credentials.set(normalizedServer(server).replace(/\/.*$/, ""), credential);
  }
  return credentials;
}
