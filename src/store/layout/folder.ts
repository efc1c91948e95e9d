import { createReadStream, statSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "../../oci/descriptor.ts";
import { algorithmOf, type Digest, hexOf } from "../../oci/digest.ts";
import type { ByteStream, Bytes } from "../../std/byte.ts";
import { errnoOf } from "../../std/fault.ts";
import { systemFault } from "../failure.ts";
import { corruptBlob, missingBlob, verified } from "../verify.ts";
import type { Sink } from "./sink.ts";

const readSize = 1 << 20;

/** Where a layout keeps a blob. */
export function blobPath(root: string, digest: Digest): string {
  return join(root, "blobs", algorithmOf(digest), hexOf(digest));
}

/** The length of a blob's file in bytes, undefined when there is none. */
export async function blobSize(root: string, digest: Digest): Promise<number | undefined> {
  try {
    // Through the thread pool it would take several times as long.
    const found = statSync(blobPath(root, digest), { throwIfNoEntry: false });
    return found?.isFile() ? found.size : undefined;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    throw systemFault("read blob", blobPath(root, digest), error);
  }
}

/** The bytes of a file in the same two pieces of memory again and again: one is read while the other is in use. */
async function* lentBytes(file: FileHandle): ByteStream {
  const slots = [Buffer.allocUnsafeSlow(readSize), Buffer.allocUnsafeSlow(readSize)];
  const read = (at: number) => {
    const reading = file.read(slots[at]!);
    // Nobody waits for it when the reader wants no more.
    reading.catch(() => {});
    return reading;
  };
  let reading = read(0);
  try {
    for (let at = 0; ; at = 1 - at) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      reading = read(1 - at);
      yield slots[at]!.subarray(0, bytesRead);
    }
  } finally {
    await reading.catch(() => {});
    await file.close();
  }
}

async function* fileBytes(path: string, digest: Digest, lends: boolean): ByteStream {
  try {
    yield* lends ? lentBytes(await open(path)) : createReadStream(path, { highWaterMark: readSize });
  } catch (error) {
    throw errnoOf(error) === "ENOENT" ? missingBlob(digest, path, error) : systemFault("read blob", path, error);
  }
}

/** The bytes of a blob, verified; see `BlobSource.open`. */
export function openBlob(root: string, descriptor: Pick<Descriptor, "digest" | "size">, lends = false): ByteStream {
  const path = blobPath(root, descriptor.digest);
  return verified(fileBytes(path, descriptor.digest, lends), descriptor, path);
}

/** Bytes in a temporary file, hashed while they were written. */
export interface Staged {
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
}

/**
 * Writes bytes to the new file `path` and hashes them. Throws Fault `blob.corrupt` when they are not those of `expected`, Fault
 * `store.system` when the system refuses, and what the source threw; the file is gone then.
 */
export async function stageBlob(sink: Sink, path: string, bytes: Bytes, expected?: Digest): Promise<Staged> {
  const algorithm = expected ? algorithmOf(expected) : "sha256";
  const refuse = (error: unknown) => {
    throw systemFault("write blob", path, error);
  };
  const file = await open(path, "wx", 0o644).catch(refuse);
  try {
    const { hex, size } = await sink.write({ fd: file.fd, path }, bytes, algorithm);
    const digest = `${algorithm}:${hex}` as Digest;
    if (expected && digest !== expected) throw corruptBlob(expected, path, `the bytes to keep have digest ${digest}`);
    await file.close().catch(refuse);
    return { path, digest, size };
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(path, { force: true });
    throw error;
  }
}

/** Moves staged bytes to their place; a blob of that name is replaced, which heals one that was damaged. */
export async function placeBlob(root: string, staged: Staged): Promise<void> {
  const path = blobPath(root, staged.digest);
  try {
    await mkdir(join(path, ".."), { recursive: true });
    await rename(staged.path, path);
  } catch (error) {
    await rm(staged.path, { force: true });
    throw systemFault("write blob", path, error);
  }
}

/** Brings a file, or the names in a directory, from the system's memory to the disk. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } catch (error) {
    // Not every file system can do it for a directory; such a one keeps its names in other ways.
    if (!["EINVAL", "ENOTSUP"].includes(errnoOf(error) ?? "")) throw error;
  } finally {
    await file.close();
  }
}
