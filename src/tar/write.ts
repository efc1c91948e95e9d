import { closeSync, constants, openSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import { errnoOf, Fault } from "../std/fault.ts";
import { unreadable } from "./fault.ts";
import { blockSize, encodeHeader, type TarHeader } from "./header.ts";
import { type ByteString, shown, systemPath } from "./name.ts";
import { turns } from "./turn.ts";

/** One entry of an archive that is being written; what is a file has content of exactly `header.size` bytes. */
export interface TarItem {
  readonly header: TarHeader;
  /** Bytes at hand, or the file that holds them. */
  readonly content?: Uint8Array | FileContent;
}

/** A file on this machine, read when its turn comes. */
export interface FileContent {
  readonly file: ByteString;
  /** Whether a symbolic link may stand there. */
  readonly follow?: boolean;
}

/** Archives come in pieces of this many bytes, the last one shorter. */
const chunkSize = 1 << 20;

const readAsync = promisify(read);

function resized(name: string, size: number): Fault {
  return new Fault("tar.changed", `Cannot read ${shown(name)}: its size is no longer ${size} bytes`, {
    hint: "something writes to it while the layer is made; stop that and try again",
  });
}

/** Opens what was a regular file when it was looked at; does not wait at a pipe put there meanwhile. */
function openFile({ file, follow }: FileContent): number {
  const links = follow === true ? 0 : constants.O_NOFOLLOW;
  try {
    return openSync(systemPath(file), constants.O_RDONLY | constants.O_NONBLOCK | links);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The pieces of one archive: a chunk that fills up. */
class Chunk {
  bytes: Buffer = Buffer.allocUnsafeSlow(chunkSize);
  used = 0;
  /** The memory of the piece before, when it comes back. */
  #spare: Buffer | undefined;

  constructor(lends: boolean) {
    if (lends) this.#spare = Buffer.allocUnsafeSlow(chunkSize);
  }

  get room(): number {
    return chunkSize - this.used;
  }

  /** Memory for the next piece, to be called when the piece before is given back: it may be the same. */
  fresh(): Buffer {
    return this.#spare ?? Buffer.allocUnsafeSlow(chunkSize);
  }

  /** What has been filled; a new chunk begins with `next`. */
  take(next = this.fresh()): Buffer {
    const full = this.bytes.subarray(0, this.used);
    if (this.#spare !== undefined) this.#spare = this.bytes;
    this.bytes = next;
    this.used = 0;
    return full;
  }

  *add(bytes: Uint8Array): Generator<Buffer> {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.room);
      this.bytes.set(part, this.used);
      this.used += part.length;
      at += part.length;
      if (this.room === 0) yield this.take();
    }
  }

  /** Fills the last block with zeros; never passes the end of the chunk, whose length is whole blocks. */
  pad(): void {
    const end = Math.ceil(this.used / blockSize) * blockSize;
    this.bytes.fill(0, this.used, end);
    this.used = end;
  }
}

/** The content of a file into chunks; the next chunk is read while the caller has the one before. */
async function* addFile(
  chunk: Chunk,
  content: FileContent,
  size: number,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const path = content.file;
  const fd = openFile(content);
  let ahead: Promise<{ bytesRead: number }> | undefined;
  try {
    let left = size;
    let ended = false;
    while (left > 0) {
      // Asking for one byte more than is due shows a file that has grown, mostly without another call.
      const asked = Math.min(chunk.room, left + 1);
      const count = ahead === undefined ? readSync(fd, chunk.bytes, chunk.used, asked, null) : (await ahead).bytesRead;
      ahead = undefined;
      if (count === 0 || count > left) throw resized(path, size);
      left -= count;
      ended = left === 0 && count < asked;
      chunk.used += count;
      if (chunk.room > 0) continue;
      const next = chunk.fresh();
      if (left > 0) ahead = readAsync(fd, next, 0, Math.min(chunkSize, left + 1), null);
      yield chunk.take(next);
      signal?.throwIfAborted();
    }
    if (!ended && readSync(fd, Buffer.alloc(1), 0, 1, null) > 0) throw resized(path, size);
  } catch (error) {
    throw errnoOf(error) === undefined ? error : unreadable(path, error);
  } finally {
    await ahead?.catch(() => undefined);
    closeSync(fd);
  }
}

/** How an archive is written. */
export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether a piece is only the caller's until the next one is asked for: all of them are then in the same two pieces of memory. */
  readonly lends?: boolean;
  /** Whether these are entries of an archive that goes on: no zero blocks end it. */
  readonly goesOn?: boolean;
}

/**
 * An archive as Go's archive/tar writes it, in pieces of 1 MiB that are the caller's own, ended by two zero blocks. A
 * file whose size is not that of its header is Fault `tar.changed`, one that cannot be read `tar.read`.
 */
export async function* writeTar(
  items: AsyncIterable<TarItem> | Iterable<TarItem>,
  { signal, lends = false, goesOn = false }: WriteOptions = {},
): AsyncGenerator<Buffer> {
  const pause = turns(signal);
  const chunk = new Chunk(lends);
  for await (const { header, content } of items) {
    const wait = pause();
    if (wait !== undefined) await wait;
    yield* chunk.add(encodeHeader(header));
    if (header.size === 0) continue;
    if (content === undefined) throw resized(header.name, header.size);
    if (!(content instanceof Uint8Array)) yield* addFile(chunk, content, header.size, signal);
    else if (content.length === header.size) yield* chunk.add(content);
    else throw resized(header.name, header.size);
    chunk.pad();
    if (chunk.room === 0) yield chunk.take();
  }
  if (!goesOn) yield* chunk.add(new Uint8Array(2 * blockSize));
  if (chunk.used > 0) yield chunk.take();
}
