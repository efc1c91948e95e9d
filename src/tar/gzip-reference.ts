import { crc32 } from "node:zlib";
import type { Bytes } from "../std/byte.ts";
import { BitWriter } from "./deflate/bit.ts";
import { writeLiterals, writeStored, writeTokens } from "./deflate/block.ts";
import { MatchFinder, maxBlock } from "./deflate/match.ts";
import { turns } from "./turn.ts";

/** No name, no time, "fastest", system unknown (RFC 1952, 2.3). */
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff]);

/** Output comes in pieces of at least this many bytes, but for the last one. */
const pieceSize = 1 << 18;

/**
 * Bytes in blocks of 65535, the last one shorter, none empty; a block stays as it is until the one behind it has been
 * used.
 */
async function* blocksOf(bytes: Bytes): AsyncGenerator<Uint8Array> {
  // A match may reach into the block before: its bytes must last as long.
  const buffers = [new Uint8Array(maxBlock), new Uint8Array(maxBlock)];
  let index = 0;
  let used = 0;
  for await (const piece of bytes) {
    for (let at = 0; at < piece.length; ) {
      if (used === maxBlock) {
        yield buffers[index]!;
        index = 1 - index;
        used = 0;
      }
      const part = piece.subarray(at, at + maxBlock - used);
      buffers[index]!.set(part, used);
      used += part.length;
      at += part.length;
    }
  }
  if (used > 0) yield buffers[index]!.subarray(0, used);
}

/** One block as Go writes it: a short last one gets no search for matches. */
function writeBlock(writer: BitWriter, finder: MatchFinder, block: Uint8Array): void {
  if (block.length <= 16) writeStored(writer, block, false);
  else if (block.length < 128) writeLiterals(writer, block);
  else {
    const tokens = finder.tokensOf(block);
    // With hardly a match, literals alone are cheaper.
    if (tokens.length > block.length - (block.length >> 4)) writeLiterals(writer, block);
    else writeTokens(writer, tokens, block);
  }
}

/**
 * Bytes as gzip, byte for byte as the reference lifecycle compresses layers: Go's compress/gzip at level 1, up to Go
 * 1.26. So a layer has not only the diffID but also the digest it has there. Slower than `gzip`, on one core, with
 * turns for others.
 */
export async function* gzipAsReference(bytes: Bytes, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const pause = turns(signal);
  const writer = new BitWriter();
  const finder = new MatchFinder();
  let sum = 0;
  let length = 0;
  writer.append(header);
  for await (const block of blocksOf(bytes)) {
    sum = crc32(block, sum);
    length = (length + block.length) % 2 ** 32;
    writeBlock(writer, finder, block);
    if (writer.length >= pieceSize) yield writer.take();
    const wait = pause();
    if (wait !== undefined) await wait;
  }
  writeStored(writer, new Uint8Array(), true);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(sum, 0);
  trailer.writeUInt32LE(length, 4);
  yield Buffer.concat([writer.take(), trailer]);
}
