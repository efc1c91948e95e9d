/** No block holds more bytes than a stored block can. */
export const maxBlock = 65_535;
/**
 * A token from here on is a match: length minus 3 in bits 16 to 23, distance minus 1 in bits 0 to 15; below it is a
 * literal byte.
 */
export const firstMatch = 1 << 24;

const tableBits = 14;
const maxDistance = 32_768;
const minLength = 4;
const maxLength = 258;
/** So many last bytes of a block begin no match: eight bytes can be read wherever one is looked for. */
const tail = 15;
/** Positions are kept in 32 bits: from here on they start over. */
const maxPosition = 2 ** 31 - 1 - 2 * maxBlock;

function hash(value: number): number {
  return Math.imul(value, 0x1e35a7bd) >>> (32 - tableBits);
}

/**
 * Finds matches as Go's compress/flate up to 1.26 does at level 1: a table of the last place of each four bytes, one
 * candidate a place, longer steps where nothing matches. Blocks follow each other; a match may reach into the block
 * before.
 */
export class MatchFinder {
  /** For each hash two numbers: the four bytes, and their position. */
  readonly #table = new Int32Array(2 << tableBits);
  readonly #tokens = new Uint32Array(maxBlock);
  #count = 0;
  #position: number;
  #block: Uint8Array = new Uint8Array();
  #previous: Uint8Array = new Uint8Array();

  /** `position` is where the first byte counts as standing; it makes no difference to the tokens. */
  constructor(position = maxBlock) {
    this.#position = position;
  }

  /** The tokens of the next block (17 to 65535 bytes); valid until the next call, as the block's bytes have to be. */
  tokensOf(block: Uint8Array): Uint32Array {
    if (this.#position >= maxPosition) this.#startOver();
    this.#count = 0;
    this.#block = block;
    this.#addLiterals(this.#scan(), block.length);
    this.#position += block.length;
    this.#previous = block;
    return this.#tokens.subarray(0, this.#count);
  }

  /** Adds tokens from the block's beginning; gives where literals are all that is left. */
  #scan(): number {
    const block = this.#block;
    const table = this.#table;
    const view = new DataView(block.buffer, block.byteOffset, block.length);
    const limit = block.length - tail;
    const base = this.#position;
    let emitted = 0;
    let at = 0;
    let value = view.getInt32(0, true);
    let slot = 2 * hash(value);
    for (;;) {
      let skip = 32;
      let next = at;
      let candidate: number;
      for (;;) {
        at = next;
        const step = skip >> 5;
        next = at + step;
        skip += step;
        if (next > limit) return emitted;
        const known = table[slot]!;
        candidate = table[slot + 1]! - base;
        table[slot] = value;
        table[slot + 1] = at + base;
        const isMatch = known === value && at - candidate <= maxDistance;
        const upcoming = view.getInt32(next, true);
        slot = 2 * hash(upcoming);
        if (isMatch) break;
        value = upcoming;
      }
      this.#addLiterals(emitted, at);
      for (;;) {
        const length = minLength + this.#extent(at + minLength, candidate + minLength);
        this.#tokens[this.#count++] = firstMatch + ((length - 3) << 16) + (at - candidate - 1);
        at += length;
        emitted = at;
        if (at >= limit) return emitted;
        const before = view.getInt32(at - 1, true);
        const beforeSlot = 2 * hash(before);
        table[beforeSlot] = before;
        table[beforeSlot + 1] = at - 1 + base;
        value = view.getInt32(at, true);
        slot = 2 * hash(value);
        const known = table[slot]!;
        candidate = table[slot + 1]! - base;
        table[slot] = value;
        table[slot + 1] = at + base;
        if (known === value && at - candidate <= maxDistance) continue;
        at++;
        value = view.getInt32(at, true);
        slot = 2 * hash(value);
        break;
      }
    }
  }

  /** How many bytes from `at` on equal those from `from` on, which may lie in the block before. */
  #extent(at: number, from: number): number {
    const block = this.#block;
    const end = Math.min(block.length, at + maxLength - minLength);
    let i = at;
    let j = from;
    if (j < 0) {
      const previous = this.#previous;
      j += previous.length;
      if (j < 0) return 0;
      while (i < end && j < previous.length && block[i] === previous[j]) {
        i++;
        j++;
      }
      if (i === end || j < previous.length) return i - at;
      j = 0;
    }
    while (i < end && block[i] === block[j]) {
      i++;
      j++;
    }
    return i - at;
  }

  #addLiterals(from: number, to: number): void {
    for (let i = from; i < to; i++) this.#tokens[this.#count++] = this.#block[i]!;
  }

  /** Moves all positions down; what is too far away to match anyway becomes 0, which is too far away as well. */
  #startOver(): void {
    const start = maxDistance + 1;
    const table = this.#table;
    for (let i = 1; i < table.length; i += 2) table[i] = Math.max(0, table[i]! - this.#position + start);
    this.#position = start;
  }
}
