import { mkdir } from "node:fs/promises";
import type { Emit } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import { isDirectory } from "../std/file.ts";
import { type HostPath, under } from "../std/path.ts";
import type { BlobSource, StoredImage } from "../store/contract.ts";
import { unpackImage } from "../store/stack.ts";

/** The same image, with a word about each piece of it that is read. */
export function watched(stored: StoredImage, task: string, emit: Emit): StoredImage {
  const total = stored.image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  let done = 0;
  const blobs: BlobSource = {
    has: (digest) => stored.blobs.has(digest),
    async *open(descriptor) {
      for await (const piece of stored.blobs.open(descriptor)) {
        done += piece.length;
        emit({ type: "progress", task, done, total, unit: "byte" });
        yield piece;
      }
    },
  };
  return { ...stored, blobs };
}

/** The files of an image as one directory below `roots`, unpacked at the first need and shared by all: for where layers cannot be stacked. */
export async function directoryOf(stored: StoredImage, roots: HostPath, signal?: AbortSignal): Promise<HostPath> {
  const directory = under(roots, stored.identity.imageId.replace(":", "-"));
  if (await isDirectory(directory)) return directory;
  // Programs of strangers lie there that run as their owner, which is us.
  await mkdir(roots, { recursive: true, mode: 0o700 });
  try {
    await unpackImage(stored, directory, signal && { signal });
  } catch (error) {
    // Another process may have been faster.
    if (!(error instanceof Fault && error.code === "unpack.place" && (await isDirectory(directory)))) throw error;
  }
  return directory;
}
