import { createWriteStream } from "node:fs";
import { chmod, mkdir, open, symlink } from "node:fs/promises";
import { posix } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Entry, ZipFile } from "yauzl";
import { Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";

/** Whether a file begins as a zip archive does. */
export async function isZip(path: HostPath): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && (buffer.readUInt32LE(0) === 0x04034b50 || buffer.readUInt32LE(0) === 0x06054b50);
  } finally {
    await file.close();
  }
}

/** A link's target is a path, so longer ones are none. */
const longestTarget = 4096;

const linkKind = 0o120000;
const plainKind = 0o100000;

/** The kind and permissions that an archive made on Unix keeps of a file; files of other systems have 0644. */
function modeOf(entry: Entry): { readonly kind: number; readonly isExecutable: boolean } {
  const mode = entry.versionMadeBy >> 8 === 3 ? entry.externalFileAttributes >>> 16 : 0;
  return { kind: mode & 0o170000 || plainKind, isExecutable: (mode & 0o100) !== 0 };
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function unpack(archive: ZipFile, to: HostPath, signal: AbortSignal | undefined): Promise<void> {
  const links: { readonly path: HostPath; readonly target: string }[] = [];
  for await (const entry of archive.eachEntry()) {
    signal?.throwIfAborted();
    const path = under(to, entry.fileName);
    if (entry.fileName.endsWith("/")) {
      await mkdir(path, { recursive: true });
      continue;
    }
    const { kind, isExecutable } = modeOf(entry);
    if (kind !== linkKind && kind !== plainKind) continue;
    const stream = await archive.openReadStreamPromise(entry);
    await mkdir(posix.dirname(path), { recursive: true });
    if (kind === linkKind) {
      if (entry.uncompressedSize > longestTarget) throw new Error(`the link ${entry.fileName} leads nowhere`);
      links.push({ path, target: await textOf(stream) });
    } else {
      await pipeline(stream, createWriteStream(path, { flags: "wx" }), { signal });
      if (isExecutable) await chmod(path, 0o755);
    }
  }
  // Links come last, so that nothing is ever written through one.
  for (const { path, target } of links) await symlink(target, path);
}

/**
 * Unpacks a zip archive into an empty directory: directories, files and symbolic links; links are not followed, and what is executable stays
 * so. Throws Fault `app.zip` for a broken archive, or one with names that lead out of it or stand for two things.
 */
export async function unpackZip(archive: HostPath, to: HostPath, signal?: AbortSignal): Promise<void> {
  const { openPromise } = await import("yauzl");
  try {
    const opened = await openPromise(archive, { autoClose: false });
    try {
      await unpack(opened, to, signal);
    } finally {
      opened.close();
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Fault("app.zip", `Cannot unpack app at ${archive}: ${reasonOf(cause)}`, {
      cause,
      exit: "usage",
      hint: "the archive is damaged, or holds what no app needs; zip the app again, or give its directory",
    });
  }
}
