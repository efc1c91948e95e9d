import { createHash } from "node:crypto";
import type { Descriptor } from "../oci/descriptor.ts";
import { algorithmOf, type Digest } from "../oci/digest.ts";
import type { ByteStream, Bytes } from "../std/byte.ts";
import { Fault } from "../std/fault.ts";

/** The digest of bytes at hand under the algorithm of `like`; sha256 when there is none to be like. */
export function digestLike(like: Digest | undefined, bytes: Uint8Array | string): Digest {
  const algorithm = like ? algorithmOf(like) : "sha256";
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}` as Digest;
}

/** The fault of a blob whose bytes are not those its descriptor names. */
export function corruptBlob(digest: string, place: string, found: string): Fault {
  return new Fault("blob.corrupt", `Cannot read blob ${digest} at ${place}: ${found}`, {
    hint: "the copy is damaged; write the image again from where it came",
  });
}

/** The fault of a blob that is not where it was looked for. */
export function missingBlob(digest: string, place: string, cause?: unknown): Fault {
  return new Fault("blob.missing", `Cannot read blob ${digest} at ${place}: it is not there`, {
    cause,
    hint: "the copy is incomplete; write the image again from where it came",
  });
}

type Expected = Pick<Descriptor, "digest" | "size">;

/** What the streams that watch themselves are checked against. */
const watching = new WeakMap<object, Expected>();

/** Remembers that bytes are verified while they are read, so that who gets them need not do it again. */
export function noteVerified<T extends ByteStream>(bytes: T, { digest, size }: Expected): T {
  watching.set(bytes, { digest, size });
  return bytes;
}

/**
 * The same bytes, watched: throws Fault `blob.corrupt` naming `place` as soon as they are more than the size expected, and at
 * their end when digest or size do not match. Bytes that are watched for the same already are not hashed twice.
 */
export function verified(bytes: Bytes, expected: Expected, place: string): ByteStream {
  const known = watching.get(bytes);
  if (known && known.digest === expected.digest && known.size === expected.size) return bytes as ByteStream;
  return noteVerified(watch(bytes, expected, place), expected);
}

async function* watch(bytes: Bytes, { digest, size }: Expected, place: string): ByteStream {
  const hash = createHash(algorithmOf(digest));
  let length = 0;
  for await (const part of bytes) {
    length += part.length;
    if (length > size) throw corruptBlob(digest, place, `it has more than the ${size} bytes expected`);
    hash.update(part);
    yield part;
  }
  if (length < size) throw corruptBlob(digest, place, `it has ${length} bytes, expected ${size}`);
  const found = `${algorithmOf(digest)}:${hash.digest("hex")}`;
  if (found !== digest) throw corruptBlob(digest, place, `its content has digest ${found}`);
}
