import { createHash, type Hash } from "node:crypto";
import type { Descriptor } from "../../oci/descriptor.ts";
import { algorithmOf, type Digest } from "../../oci/digest.ts";
import type { ByteStream } from "../../std/byte.ts";

/** Bytes to upload. */
export interface Cargo {
  /** What they are, when that is known before they are read. */
  readonly expected: Pick<Descriptor, "digest" | "size"> | undefined;
  /** The same bytes, however often it is called. */
  open(): ByteStream;
}

/** What went through a `Loading`. */
export interface Loaded {
  readonly digest: Digest;
  readonly size: number;
}

/** One reading of a cargo; all of it is hashed, what is skipped too. */
export class Loading {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #hash: Hash;
  readonly #algorithm: string;
  #rest: Uint8Array = Buffer.alloc(0);
  #size = 0;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(cargo: Cargo) {
    this.#pieces = cargo.open()[Symbol.asyncIterator]();
    this.#algorithm = cargo.expected ? algorithmOf(cargo.expected.digest) : "sha256";
    this.#hash = createHash(this.#algorithm);
  }

  /** How many bytes were skipped or taken. */
  get position(): number {
    return this.#size - this.#rest.length;
  }

  /** What the source threw, when it cannot be read: to be told from an error of the way there. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Whether nothing is left. */
  async isAtEnd(): Promise<boolean> {
    this.#rest = (await this.#next()) ?? this.#rest;
    return this.#rest.length === 0;
  }

  /** Reads up to `offset`. */
  async skip(offset: number): Promise<void> {
    while (this.position < offset) {
      const before = this.position;
      const piece = await this.#next();
      if (piece === undefined) return;
      this.#rest = piece.subarray(Math.min(offset - before, piece.length));
    }
  }

  /** What is left, as it comes. */
  async *all(): ByteStream {
    for (let piece = await this.#next(); piece !== undefined; piece = await this.#next()) yield piece;
  }

  /** What is left, `limit` bytes of it at most; empty at the end. */
  async take(limit: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    let length = 0;
    while (length < limit) {
      const piece = await this.#next();
      if (piece === undefined) break;
      const part = piece.subarray(0, limit - length);
      this.#rest = piece.subarray(part.length);
      parts.push(part);
      length += part.length;
    }
    return Buffer.concat(parts, length);
  }

  /** Digest and size of everything; only after the end. */
  finish(): Loaded {
    return { digest: `${this.#algorithm}:${this.#hash.digest("hex")}` as Digest, size: this.#size };
  }

  /** Ends the reading early. */
  async close(): Promise<void> {
    if (!this.#isOver) await this.#pieces.return?.().catch(() => undefined);
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = Buffer.alloc(0);
      return rest;
    }
    let next: IteratorResult<Uint8Array>;
    try {
      do next = await this.#pieces.next();
      while (!next.done && next.value.length === 0);
    } catch (error) {
      this.#isOver = true;
      this.#failure = { error };
      throw error;
    }
    if (next.done) {
      this.#isOver = true;
      return undefined;
    }
    this.#hash.update(next.value);
    this.#size += next.value.length;
    return next.value;
  }
}
