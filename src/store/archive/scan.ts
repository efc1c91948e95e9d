import type { FileHandle } from "node:fs/promises";
import { posix } from "node:path";
import type { ByteStream } from "../../std/byte.ts";
import { Fault } from "../../std/fault.ts";
import { blockSize } from "../../tar/header.ts";
import { textOf } from "../../tar/name.ts";
import { readTar } from "../../tar/read.ts";
import { systemFault } from "../failure.ts";

/** Where the content of a file in an archive lies, in bytes. */
export interface Range {
  readonly offset: number;
  readonly size: number;
}

/** The files of an archive by name, without a leading slash or dot. */
export type Contents = ReadonlyMap<string, Range>;

const entryLimit = 100_000;
const readSize = 1 << 20;

/** The bytes of a range, as long as the file is open. */
export async function* rangeBytes(file: FileHandle, range: Range, place: string): ByteStream {
  let position = range.offset;
  const end = range.offset + range.size;
  while (position < end) {
    const buffer = Buffer.allocUnsafe(Math.min(readSize, end - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position).catch((error) => {
      throw systemFault("read archive", place, error);
    });
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Archive bytes to a reader that says how far to jump: what it passes over is not read from the disk but given as zeros. */
class Jumper {
  /** Where the next byte comes from. */
  position = 0;
  #jump = 0;
  readonly #file: FileHandle;
  readonly #size: number;
  readonly #place: string;

  constructor(file: FileHandle, size: number, place: string) {
    this.#file = file;
    this.#size = size;
    this.#place = place;
  }

  /** Gives zeros for the next `length` bytes, as far as the file has that many. */
  jump(length: number): void {
    this.#jump = Math.min(length, this.#size - this.position);
  }

  async *bytes(): ByteStream {
    const zeros = Buffer.alloc(readSize);
    while (this.position < this.#size) {
      const length = Math.min(this.#jump > 0 ? readSize : blockSize, this.#jump || this.#size - this.position);
      if (this.#jump > 0) {
        this.#jump -= length;
        this.position += length;
        yield zeros.subarray(0, length);
      } else {
        const { position } = this;
        this.position += length;
        yield* rangeBytes(this.#file, { offset: position, size: length }, this.#place);
      }
    }
  }
}

/**
 * Finds the files in an uncompressed archive by its headers alone, however large their contents are. Links to files count
 * as the files. Throws Fault `archive.invalid` naming `place` when it is no archive, or one cut short.
 */
export async function scanArchive(file: FileHandle, place: string): Promise<Contents> {
  const { size } = await file.stat();
  const jumper = new Jumper(file, size, place);
  const contents = new Map<string, Range>();
  const links: { readonly name: string; readonly target: string }[] = [];
  try {
    for await (const { header } of readTar(jumper.bytes())) {
      // The parser asks for one header block at a time, so where it stands now is where the content begins.
      const name = posix.join("/", textOf(header.name)).slice(1);
      const target = textOf(header.link);
      if (header.type === "file") contents.set(name, { offset: jumper.position, size: header.size });
      if (header.type === "symlink")
        links.push({ name, target: posix.join("/", posix.dirname(name), target).slice(1) });
      if (header.type === "hardlink") links.push({ name, target: posix.join("/", target).slice(1) });
      if (contents.size + links.length > entryLimit) throw new RangeError(`it has more than ${entryLimit} files`);
      jumper.jump(Math.ceil(header.size / blockSize) * blockSize);
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault(
      "archive.invalid",
      `Cannot read archive at ${place}: ${reason.replace(/^Cannot read archive(?: at byte \d+)?: /, "")}`,
      { cause, hint: (cause instanceof Fault && cause.hint) || "the archive is damaged; get it again" },
    );
  }
  for (const { name, target } of links) {
    const range = contents.get(target);
    if (range) contents.set(name, range);
  }
  return contents;
}
