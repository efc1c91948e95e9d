import type { Bytes } from "../std/byte.ts";
import type { Fault } from "../std/fault.ts";

/** Bytes that arrive in pieces, read in lengths the reader chooses; holds the producer open until `close`. */
export class ByteSource {
  /** How many bytes have been taken so far. */
  position = 0;
  readonly #pieces: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  readonly #short: (found: string, at: number) => Fault;
  #piece: Buffer = Buffer.alloc(0);

  /** `short` makes the fault for bytes that end too early. */
  constructor(bytes: Bytes, short: (found: string, at: number) => Fault) {
    this.#short = short;
    this.#pieces = Symbol.asyncIterator in bytes ? bytes[Symbol.asyncIterator]() : bytes[Symbol.iterator]();
  }

  /** The next bytes, at least one and at most `limit`, as they came; undefined at the end. */
  async some(limit: number): Promise<Buffer | undefined> {
    while (this.#piece.length === 0) {
      const { done, value } = await this.#pieces.next();
      if (done) return undefined;
      this.#piece = Buffer.from(value.buffer, value.byteOffset, value.length);
    }
    return this.#take(limit);
  }

  /** The next `length` bytes; undefined when there is none left, the fault of `short` when there are fewer. */
  async exactly(length: number): Promise<Buffer | undefined> {
    if (this.#piece.length >= length) return this.#take(length);
    const parts: Buffer[] = [];
    let left = length;
    while (left > 0) {
      const part = await this.some(left);
      if (part === undefined && left === length) return undefined;
      if (part === undefined) throw this.#short(`the bytes end ${left} too early`, this.position);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts, length);
  }

  /** Passes over `length` bytes; the fault of `short` when there are fewer. */
  async skip(length: number): Promise<void> {
    for await (const _ of this.pieces(length));
  }

  /** Exactly `length` bytes in the pieces they came in; the fault of `short` when there are fewer. */
  async *pieces(length: number): AsyncGenerator<Buffer> {
    let left = length;
    while (left > 0) {
      const part = await this.some(left);
      if (part === undefined) throw this.#short(`the bytes end ${left} too early`, this.position);
      left -= part.length;
      yield part;
    }
  }

  /** Passes over all that is left, so that a producer that verifies its bytes comes to its end. */
  async drain(): Promise<void> {
    while ((await this.some(Number.POSITIVE_INFINITY)) !== undefined);
  }

  /** Tells the producer that no more is wanted. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  #take(limit: number): Buffer {
    const part = this.#piece.subarray(0, limit);
    this.#piece = this.#piece.subarray(part.length);
    this.position += part.length;
    return part;
  }
}
