import type { Bytes } from "../std/byte.ts";
import { Fault } from "../std/fault.ts";
import { ByteSource } from "./source.ts";

const hint = "the bytes are damaged or incomplete; get them again";

function corrupt(found: string): Fault {
  return new Fault("zstd.corrupt", `Cannot decompress zstd: ${found}`, { hint });
}

function truncated(found: string, at: number): Fault {
  return new Fault("zstd.truncated", `Cannot decompress zstd at byte ${at}: ${found}`, { hint });
}

async function take(source: ByteSource, length: number): Promise<Buffer> {
  const bytes = await source.exactly(length);
  if (bytes === undefined && length > 0) throw truncated(`the bytes end ${length} too early`, source.position);
  return bytes ?? Buffer.alloc(0);
}

/** One frame behind its magic number, byte for byte: header, blocks up to the last one, checksum (RFC 8878, 3.1.1). */
async function* restOfFrame(source: ByteSource): AsyncGenerator<Buffer> {
  const descriptor = await take(source, 1);
  const flags = descriptor[0]!;
  const isSingle = (flags & 0x20) !== 0;
  const sizeLength = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6]!;
  const dictionaryLength = [0, 1, 2, 4][flags & 3]!;
  yield descriptor;
  yield await take(source, (isSingle ? 0 : 1) + dictionaryLength + sizeLength);
  for (let last = false; !last; ) {
    const head = await take(source, 3);
    const value = head.readUIntLE(0, 3);
    const kind = (value >> 1) & 3;
    if (kind === 3) throw corrupt("a block is of a kind that does not exist");
    last = (value & 1) === 1;
    yield head;
    // A block of one repeated byte holds that byte only.
    yield* source.pieces(kind === 1 ? 1 : value >> 3);
  }
  if ((flags & 4) !== 0) yield await take(source, 4);
}

async function* frame(magic: Buffer, source: ByteSource): AsyncGenerator<Buffer> {
  yield magic;
  yield* restOfFrame(source);
}

/**
 * The frames of a zstd stream one after the other, frames to be skipped left out; each is to be read to its end before
 * the next is asked for. Node's own decompressor ends quietly after the first frame, and with the bytes when they end
 * too early; layers made for partial pulls have many frames. Throws Fault `zstd.truncated` and `zstd.corrupt`.
 */
export async function* zstdFrames(bytes: Bytes): AsyncGenerator<AsyncIterable<Buffer>> {
  const source = new ByteSource(bytes, truncated);
  try {
    let any = false;
    for (;;) {
      const magic = await source.exactly(4);
      if (magic === undefined && any) return;
      const number = magic?.readUInt32LE();
      if (magic === undefined) throw truncated("there are no bytes", 0);
      any = true;
      if (number === 0xfd2fb528) yield frame(magic, source);
      else if (number! >>> 4 === 0x184d2a5) await source.skip((await take(source, 4)).readUInt32LE());
      else throw corrupt("a frame begins with the wrong number");
    }
  } finally {
    await source.close();
  }
}
