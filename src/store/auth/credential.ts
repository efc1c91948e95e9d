/** What a user proves to a registry who they are with, and where it came from (`source`, for messages; never the secret itself). */
export type Credential =
  | { readonly kind: "anonymous"; readonly source: string }
  | { readonly kind: "basic"; readonly username: string; readonly password: string; readonly source: string }
  /** A refresh token of the registry's token server. */
  | { readonly kind: "identity"; readonly token: string; readonly source: string }
  /** A token the registry takes as it is. */
  | { readonly kind: "bearer"; readonly token: string; readonly source: string };

/** The credential to use for a repository of a registry (as full names spell it: `docker.io`). */
export type Credentials = (registry: string, repository: string) => Promise<Credential>;

/** Nobody in particular. */
export const anonymous: Credential = { kind: "anonymous", source: "no credentials" };

/** The value of `Authorization: Basic`. */
export function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Who it is and where that came from, for people. */
export function describeCredential(credential: Credential): string {
  if (credential.kind === "anonymous") return "anonymous, no credentials were found";
  const who = credential.kind === "basic" ? `user ${credential.username}` : `${credential.kind} token`;
  return `${who} from ${credential.source}`;
}

/** The texts that must never be seen. */
export function secretsOf(credential: Credential): readonly string[] {
  if (credential.kind === "anonymous") return [];
  if (credential.kind !== "basic") return [credential.token];
  const { username, password } = credential;
  return [password, Buffer.from(`${username}:${password}`).toString("base64"), encodeURIComponent(password)];
}
