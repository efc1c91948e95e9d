/** Bytes that arrive in pieces; a producer that fails throws from the iteration, at the latest at its end. */
export type ByteStream = AsyncIterable<Uint8Array>;
/** Bytes in pieces from memory or from a generator. */
export type Bytes = ByteStream | Iterable<Uint8Array>;

/** All bytes of a stream; throws RangeError beyond `limit` bytes. */
export async function collect(bytes: Bytes, limit = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of bytes) {
    length += part.length;
    if (length > limit) throw new RangeError(`more than ${limit} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

/** Orders two byte strings as `memcmp` does. */
export function compareBytes(a: string, b: string): number {
  // Below the surrogates the order of UTF-16 is that of UTF-8.
  if (!/[\ud800-\uffff]/.test(a) && !/[\ud800-\uffff]/.test(b)) return a < b ? -1 : a > b ? 1 : 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
