import { chmodSync, closeSync, constants, copyFileSync, fchmodSync, openSync, readSync, writeSync } from "node:fs";
import type { systemPath } from "../tar/name.ts";

type Path = ReturnType<typeof systemPath>;

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** Files up to this length, in bytes, go through this piece of memory. */
const short = 256 << 10;
let piece: Buffer | undefined;

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

/** Copies by reading and writing. */
function copyShort(from: Path, to: Path, mode: number): void {
  piece ??= Buffer.allocUnsafe(short);
  const source = openSync(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const copy = openSync(to, O_WRONLY | O_CREAT | O_EXCL, mode);
    try {
      for (let got = readSync(source, piece); got > 0; got = readSync(source, piece))
        writeWhole(copy, piece.subarray(0, got));
      fchmodSync(copy, mode);
    } finally {
      closeSync(copy);
    }
  } finally {
    closeSync(source);
  }
}

/**
 * Makes `to`, which is not there yet, a file with the content of `from`, which is about `size` bytes long, and with these mode bits. Long files share their blocks where the file system
 * can do that. The system's own way of copying empties the new file first, upon which ext4 brings it to the disk as soon as it is closed: for short files that takes longer than all
 * the rest. Throws what the system says.
 */
export function copyFile(from: Path, to: Path, { size, mode }: { readonly size: number; readonly mode: number }): void {
  if (size <= short) copyShort(from, to, mode);
  else {
    copyFileSync(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    chmodSync(to, mode);
  }
}
