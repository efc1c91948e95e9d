/** Bits on their way into bytes, the lowest bit of a value first (RFC 1951, 3.1.1). */
export class BitWriter {
  #bytes = Buffer.allocUnsafe(1 << 17);
  #length = 0;
  #bits = 0;
  #count = 0;

  /** How many whole bytes there are to take. */
  get length(): number {
    return this.#length;
  }

  /** Adds the lowest `count` bits of `value`, at most 16; the others must be zero. */
  write(value: number, count: number): void {
    this.#bits |= value << this.#count;
    this.#count += count;
    if (this.#count < 16) return;
    if (this.#length + 2 > this.#bytes.length) this.#grow(2);
    this.#bytes[this.#length++] = this.#bits;
    this.#bytes[this.#length++] = this.#bits >>> 8;
    this.#bits >>>= 16;
    this.#count -= 16;
  }

  /** Fills the last byte with zero bits. */
  align(): void {
    while (this.#count > 0) {
      if (this.#length === this.#bytes.length) this.#grow(1);
      this.#bytes[this.#length++] = this.#bits;
      this.#bits >>>= 8;
      this.#count -= 8;
    }
    this.#bits = 0;
    this.#count = 0;
  }

  /** Adds whole bytes behind aligned ones. */
  append(bytes: Uint8Array): void {
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The whole bytes so far, the caller's own; bits of a byte that is not full stay. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  #grow(room: number): void {
    if (this.#length + room <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + room));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
