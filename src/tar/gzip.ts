import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import type { Bytes } from "../std/byte.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import { zstdFrames } from "./zstd.ts";

/** How the bytes of a layer are stored. */
export type Compression = "gzip" | "zstd" | "none";

/** What follows the beginning of bytes of unknown kind: at least 4 bytes tell. */
export function sniffCompression(first: Uint8Array): Compression {
  if (first[0] === 0x1f && first[1] === 0x8b) return "gzip";
  return first[0] === 0x28 && first[1] === 0xb5 && first[2] === 0x2f && first[3] === 0xfd ? "zstd" : "none";
}

/** Each member of the output holds this many bytes of the input, the last one fewer. */
const memberSize = 1 << 20;
/** As many members are in work at once: what Node's pool takes on by default. */
const inFlight = 4;

const compress = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gzip);

/**
 * Copies bytes into pieces of `memberSize`, whatever pieces they came in; one empty piece for no bytes. A piece stays as it is until the
 * `inFlight`th one after it is asked for; the bytes it came from need not stay at all.
 */
async function* cut(bytes: Bytes): AsyncGenerator<Uint8Array> {
  const slots: Buffer[] = [];
  let at = 0;
  let length = 0;
  for await (const piece of bytes) {
    for (let from = 0; from < piece.length; ) {
      if (length === memberSize) {
        yield slots[at]!;
        at = (at + 1) % inFlight;
        length = 0;
      }
      slots[at] ??= Buffer.allocUnsafeSlow(memberSize);
      const part = piece.subarray(from, from + memberSize - length);
      slots[at]!.set(part, length);
      from += part.length;
      length += part.length;
    }
  }
  yield (slots[at] ?? Buffer.alloc(0)).subarray(0, length);
}

async function compressMember(piece: Uint8Array, level: number): Promise<Buffer> {
  // Room for most members: for every piece of the output, Node goes to its pool and back.
  const member = await compress(piece, { level, chunkSize: memberSize / 4 });
  // The tenth byte names the system that compressed; 255 is "unknown", the same on each.
  member[9] = 255;
  return member;
}

/**
 * Bytes as gzip, compressed in members of 1 MiB on all threads of Node's pool. The same bytes give the same output, in
 * whatever pieces they come; time and system are left out of it. Level 1 unless said: on the files of real apps it
 * takes a third of the time of level 6 for an eighth more bytes, the choice the reference makes too.
 */
export async function* gzip(bytes: Bytes, options: { readonly level?: number } = {}): AsyncGenerator<Buffer> {
  const level = options.level ?? 1;
  const queue: Promise<Buffer>[] = [];
  try {
    for await (const piece of cut(bytes)) {
      queue.push(compressMember(piece, level));
      if (queue.length >= inFlight) yield await queue.shift()!;
    }
    while (queue.length > 0) yield await queue.shift()!;
  } finally {
    await Promise.allSettled(queue);
  }
}

/** What newer Nodes (from 22.15 on) can do beyond the types of the oldest one we run on. */
const newer = zlib as {
  readonly createZstdCompress?: (options?: object) => zlib.Gzip;
  readonly createZstdDecompress?: (options?: object) => zlib.Gunzip;
};

/** Whether this Node compresses and decompresses zstd. */
export function hasZstd(): boolean {
  return newer.createZstdCompress !== undefined && newer.createZstdDecompress !== undefined;
}

function noZstd(verb: string): Fault {
  return new Fault("zstd.missing", `Cannot ${verb} zstd: Node ${process.version} does not know it`, {
    hint: "use Node 22.15 or later",
  });
}

/** Bytes as zstd of level 3; Fault `zstd.missing` where this Node has none. */
export async function* zstd(bytes: Bytes): AsyncGenerator<Buffer> {
  if (newer.createZstdCompress === undefined) throw noZstd("compress with");
  yield* through(bytes, newer.createZstdCompress({ chunkSize: pieceSize }));
}

/** Decompressed bytes come in pieces of at most this many. */
const pieceSize = 1 << 18;

/** The bytes as a transform makes them; an error of either side ends both. */
async function* through(bytes: Bytes, transform: zlib.Gzip | zlib.Gunzip): AsyncGenerator<Buffer> {
  const source = Readable.from(bytes, { objectMode: false });
  // An error destroys both; it comes out of the iteration below.
  const done = pipeline(source, transform).catch(() => undefined);
  try {
    yield* transform as AsyncIterable<Buffer>;
  } finally {
    source.destroy();
    transform.destroy();
    await done;
  }
}

function broken(compression: Compression, error: unknown): unknown {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  if (!/^Z(STD)?_/.test(code)) return error;
  const short = code === "Z_BUF_ERROR";
  return new Fault(
    `${compression}.${short ? "truncated" : "corrupt"}`,
    `Cannot decompress ${compression}: ${short ? "the bytes end too early" : reasonOf(error)}`,
    { cause: error, hint: "the bytes are damaged or incomplete; get them again" },
  );
}

/**
 * The bytes behind a compression, checked to their very end: every member of a gzip and every frame of a zstd. Throws
 * Fault `gzip.truncated` or `gzip.corrupt` (`zstd.…` likewise), and `zstd.missing` where this Node has none.
 */
export async function* decompress(bytes: Bytes, compression: Compression): AsyncGenerator<Uint8Array> {
  if (compression === "none") return yield* bytes;
  const options = { chunkSize: pieceSize };
  try {
    if (compression === "gzip") return yield* through(bytes, zlib.createGunzip(options));
    if (newer.createZstdDecompress === undefined) throw noZstd("decompress");
    for await (const frame of zstdFrames(bytes)) yield* through(frame, newer.createZstdDecompress(options));
  } catch (error) {
    throw broken(compression, error);
  }
}
