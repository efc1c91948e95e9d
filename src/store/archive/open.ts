import { randomUUID } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "../../oci/descriptor.ts";
import { algorithmOf, type Digest, digestOf, hexOf } from "../../oci/digest.ts";
import { type ByteStream, collect } from "../../std/byte.ts";
import { errnoOf, Fault } from "../../std/fault.ts";
import type { HostPath } from "../../std/path.ts";
import { decompress, sniffCompression } from "../../tar/gzip.ts";
import type { BlobSource } from "../contract.ts";
import { textOf } from "../document.ts";
import { systemFault } from "../failure.ts";
import { missingBlob, verified } from "../verify.ts";
import { type Contents, type Range, rangeBytes, scanArchive } from "./scan.ts";

/** An archive open for reading: the file, or what it holds under a compression in a temporary file. */
export interface OpenArchive extends AsyncDisposable {
  readonly place: string;
  readonly contents: Contents;
  /** The bytes of a range. */
  bytes(range: Range): ByteStream;
}

const whole = (size: number): Range => ({ offset: 0, size });

async function unpacked(file: FileHandle, place: string, scratch: HostPath): Promise<FileHandle> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
  const compression = sniffCompression(buffer.subarray(0, bytesRead));
  if (compression === "none") return file;
  const path = join(scratch, `plinth-archive-${randomUUID()}`);
  const refuse = (error: unknown): never => {
    throw systemFault(`decompress ${place}`, path, error);
  };
  const target = await open(path, "wx+", 0o600).catch(refuse);
  try {
    // Without a name the file is gone with its last reader, however this process ends.
    await rm(path);
    const { size } = await file.stat();
    for await (const part of decompress(rangeBytes(file, whole(size), place), compression))
      await target.writeFile(part).catch(refuse);
    await file.close();
    return target;
  } catch (error) {
    await target.close();
    throw error;
  }
}

/** Opens the archive at `path`, undefined when there is no such file; a compressed one needs its whole size in `scratch`. */
export async function openArchiveFile(path: HostPath, scratch: HostPath): Promise<OpenArchive | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw systemFault("read archive", path, error);
  }
  try {
    file = await unpacked(file, path, scratch);
    return {
      place: path,
      contents: await scanArchive(file, path),
      bytes: (range) => rangeBytes(file, range, path),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw systemFault("read archive", path, error);
  }
}

/** The text of a small file in an archive, undefined when there is none; throws Fault when it is longer than `limit` bytes. */
export async function textIn(archive: OpenArchive, name: string, limit: number): Promise<string | undefined> {
  const range = archive.contents.get(name);
  if (range === undefined) return undefined;
  if (range.size > limit)
    throw new Fault(
      "document.size",
      `Cannot read ${name} in ${archive.place}: ${range.size} bytes are more than ${limit}`,
    );
  return textOf(await collect(archive.bytes(range)), `${name} in ${archive.place}`);
}

/** Blobs out of ranges of an archive, found by `rangeOf`, and out of texts that were made for it. */
export function blobsIn(
  archive: OpenArchive,
  rangeOf: (digest: Digest) => Range | undefined,
  texts: readonly string[] = [],
): BlobSource {
  const made = new Map(texts.map((text) => [digestOf(text), Buffer.from(text)]));
  return {
    has: async (digest) => made.has(digest) || rangeOf(digest) !== undefined,
    async *open(descriptor: Descriptor) {
      const { digest } = descriptor;
      const text = made.get(digest);
      const range = rangeOf(digest);
      if (text) yield* verified([text], descriptor, archive.place);
      else if (range) yield* verified(archive.bytes(range), descriptor, archive.place);
      else throw missingBlob(digest, archive.place);
    },
  };
}

/** Where the OCI form keeps a blob. */
export function blobName(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}
