import type { Bytes } from "../std/byte.ts";
import { truncated } from "./fault.ts";

/** Bytes that arrive in pieces, read in lengths the reader chooses; holds the producer open until `close`. */
export class ByteSource {
  /** How many bytes have been taken so far. */
  position = 0;
  readonly #pieces: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #piece: Buffer = Buffer.alloc(0);

  constructor(bytes: Bytes) {
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

  /** The next `length` bytes; undefined when there is none left, Fault `tar.truncated` when there are fewer. */
  async exactly(length: number): Promise<Buffer | undefined> {
    if (this.#piece.length >= length) return this.#take(length);
    const parts: Buffer[] = [];
    let left = length;
    while (left > 0) {
      const part = await this.some(left);
      if (part === undefined && left === length) return undefined;
      if (part === undefined) throw truncated(`the bytes end ${left} too early`, this.position);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts, length);
  }

  /** Passes over `length` bytes; Fault `tar.truncated` when there are fewer. */
  async skip(length: number): Promise<void> {
    let left = length;
    while (left > 0) {
      const part = await this.some(left);
      if (part === undefined) throw truncated(`the bytes end ${left} too early`, this.position);
      left -= part.length;
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
