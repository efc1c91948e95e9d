import type { Digest } from "../../oci/digest.ts";
import { ask, type Repository, scopesFor } from "./repository.ts";
import { pullScope } from "./scope.ts";
import { type Session, sessionOf } from "./upload.ts";

/**
 * Asks the registry to take a blob over from another of its repositories. Resolves to undefined when it is there now, or to the upload the
 * registry opened instead (distribution spec, "Mounting a blob from another repository").
 */
export async function mountBlob(at: Repository, digest: Digest, from: string): Promise<Session | undefined> {
  const query = new URLSearchParams({ mount: digest, from });
  const scopes = [...scopesFor(at, "push"), pullScope(from)];
  const to = `blobs/uploads/?${query}`;
  const reply = await ask(at, "push", { method: "POST", to, scopes, headers: { "content-length": "0" } }, [201, 202]);
  return reply.status === 201 ? undefined : sessionOf(at, reply);
}
