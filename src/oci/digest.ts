import { createHash, type Hash } from "node:crypto";
import { Fault } from "../std/fault.ts";

declare const blob: unique symbol;
declare const content: unique symbol;

/** The name of a blob: `<algorithm>:<hex>` over its bytes as they are stored (OCI image spec, "Digests"). */
export type Digest = string & { readonly [blob]: true };
/** The name of what is inside a layer: the digest of its uncompressed tar (OCI image spec, "Layer DiffID"). */
export type DiffId = string & { readonly [content]: true };

const lengths: Record<string, number> = { sha256: 64, sha512: 128 };

function isDigestText(text: string): boolean {
  const colon = text.indexOf(":");
  const hex = text.slice(colon + 1);
  return colon > 0 && lengths[text.slice(0, colon)] === hex.length && /^[0-9a-f]+$/.test(hex);
}

/** Text to digest; throws Fault `digest.parse` unless it is sha256 or sha512 with lower-case hex of the right length. */
export function parseDigest(text: string): Digest {
  if (!isDigestText(text))
    throw new Fault(
      "digest.parse",
      `Cannot parse digest: "${text.slice(0, 140)}" is not sha256:<64 hex> or sha512:<128 hex>`,
    );
  return text as Digest;
}

/** Text to diffID; same rules as `parseDigest`. */
export function parseDiffId(text: string): DiffId {
  return parseDigest(text) as string as DiffId;
}

/** Whether the text is a digest we can verify. */
export function isDigest(text: string): text is Digest {
  return isDigestText(text);
}

/** The hex part. */
export function hexOf(digest: Digest | DiffId): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The algorithm part, `sha256` or `sha512`. */
export function algorithmOf(digest: Digest | DiffId): string {
  return digest.slice(0, digest.indexOf(":"));
}

/** The sha256 digest of bytes at hand. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
}

/** The digest of what was fed to a sha256 hash; the hash is spent. */
export function digestFrom(hash: Hash): Digest {
  return `sha256:${hash.digest("hex")}` as Digest;
}

/** What an uncompressed tar is called inside the config: the same text in the other type. */
export function diffIdOfTar(digest: Digest): DiffId {
  return digest as string as DiffId;
}

/** The blob name of an uncompressed tar with this diffID. */
export function tarDigestOf(diffId: DiffId): Digest {
  return diffId as string as Digest;
}
