import { createHash, randomUUID } from "node:crypto";
import { access, constants, type FileHandle, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Digest, digestFrom } from "../../oci/digest.ts";
import type { Bytes } from "../../std/byte.ts";
import { errnoOf, Fault } from "../../std/fault.ts";
import { blockSize, encodeHeader } from "../../tar/header.ts";
import { byteString } from "../../tar/name.ts";
import { systemFault } from "../failure.ts";
import { flush } from "../layout/folder.ts";
import { withLock } from "../layout/lock.ts";

const bufferSize = 1 << 20;

function headerFor(name: string, size: number, type: "file" | "directory" = "file"): Buffer {
  return encodeHeader({
    name: byteString(name),
    type,
    mode: type === "file" ? 0o644 : 0o755,
    uid: 0,
    gid: 0,
    size,
    mtime: 0,
    link: byteString(""),
    devMajor: 0,
    devMinor: 0,
  });
}

/** What became of a content. */
export interface Added {
  readonly digest: Digest;
  readonly size: number;
}

/** A tar that grows; an entry's header may be written after its content. */
export class ArchiveWriter {
  readonly #file: FileHandle;
  readonly #place: string;
  readonly #buffer = Buffer.allocUnsafe(bufferSize);
  #filled = 0;
  #position = 0;

  constructor(file: FileHandle, place: string) {
    this.#file = file;
    this.#place = place;
  }

  /**
   * Appends a file whose name may depend on its content's sha256 digest. `expected` is its size in bytes where it is known: a content of
   * 8 GiB and more takes a longer header, whose room has to be left.
   */
  async add(nameOf: (digest: Digest) => string, bytes: Bytes, expected = 0): Promise<Added> {
    await this.#drain();
    const headerAt = this.#position;
    const room = headerFor("room", expected).length;
    this.#position += room;
    const hash = createHash("sha256");
    let size = 0;
    for await (const part of bytes) {
      hash.update(part);
      size += part.length;
      await this.#append(part);
    }
    await this.#append(Buffer.alloc((blockSize - (size % blockSize)) % blockSize));
    const digest = digestFrom(hash);
    const header = headerFor(nameOf(digest), size);
    if (header.length !== room)
      throw new Fault(
        "archive.size",
        `Cannot write archive at ${this.#place}: a layer has ${size} bytes, more than an entry holds`,
        {
          hint: "write the image to an OCI image layout instead",
        },
      );
    await this.#writeAt(header, headerAt);
    return { digest, size };
  }

  /** Appends a directory, whose name ends with a slash. */
  async addDirectory(name: string): Promise<void> {
    await this.#append(headerFor(name, 0, "directory"));
  }

  /** Ends the tar and brings it to the disk. */
  async end(): Promise<void> {
    await this.#append(Buffer.alloc(2 * blockSize));
    await this.#drain();
    await this.#file.sync();
  }

  async #append(part: Uint8Array): Promise<void> {
    if (this.#filled + part.length > bufferSize) await this.#drain();
    if (this.#filled === 0 && part.length >= bufferSize) {
      await this.#writeAt(part, this.#position);
      this.#position += part.length;
    } else {
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
    }
  }

  async #drain(): Promise<void> {
    await this.#writeAt(this.#buffer.subarray(0, this.#filled), this.#position);
    this.#position += this.#filled;
    this.#filled = 0;
  }

  async #writeAt(bytes: Uint8Array, position: number): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await this.#file
        .write(bytes, written, bytes.length - written, position + written)
        .catch((error) => {
          throw systemFault("write archive", this.#place, error);
        });
      written += bytesWritten;
    }
  }
}

/** The file itself behind a link; throws Fault for what is there and is no file. */
async function targetOf(path: string): Promise<string> {
  try {
    const found = await stat(path);
    if (found.isFile()) return await realpath(path);
    throw new Fault(
      "archive.place",
      `Cannot write archive at ${path}: ${found.isDirectory() ? "it is a directory" : "it is no regular file"}`,
    );
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw systemFault("write archive", path, error);
  }
  try {
    await access(dirname(path), constants.W_OK);
    return path;
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw systemFault("write archive", path, error);
    throw new Fault("archive.place", `Cannot write archive at ${path}: its directory is not there`, { cause: error });
  }
}

/**
 * Makes or replaces the archive at `path` in one step: `fill` writes it under a temporary name beside it, which becomes `path`
 * when it succeeds and vanishes when it fails. One writer at a time; what a killed one left behind is removed.
 */
export async function writeArchive<T>(path: string, fill: (writer: ArchiveWriter) => Promise<T>): Promise<T> {
  const target = await targetOf(path);
  const folder = dirname(target);
  const start = `.${basename(target)}.plinth-`;
  return withLock(join(folder, `${start}lock`), async () => {
    for (const name of await readdir(folder))
      if (name.startsWith(start) && !name.endsWith("-lock")) await rm(join(folder, name), { force: true });
    const temporary = join(folder, `${start}${randomUUID()}`);
    const refuse = (error: unknown) => {
      throw systemFault("write archive", path, error);
    };
    const file = await open(temporary, "wx", 0o644).catch(refuse);
    try {
      const writer = new ArchiveWriter(file, path);
      const result = await fill(writer);
      await writer.end().catch(refuse);
      await file.close().catch(refuse);
      await rename(temporary, target).catch(refuse);
      await flush(folder).catch(refuse);
      return result;
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(temporary, { force: true });
      throw error;
    }
  });
}
