import {
  chmodSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
} from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";

/** Says whether a path (relative to the app, `/`-separated, directories with a trailing `/`) goes into the build. */
export type Selects = (path: string) => boolean;

/**
 * Copies the source directory into an empty one: directories 0755, files 0755 when their owner may run them, else 0644, as a
 * version control system keeps them, so that the image does not depend on the umask of a checkout. Symbolic links are copied as
 * they are; sockets, devices and pipes, and the version control's own folder at the top, are left out. The source is only read.
 * Throws Fault `app.read`.
 */
export async function copyApp(
  from: HostPath,
  to: HostPath,
  selects: Selects = () => true,
  signal?: AbortSignal,
): Promise<{ files: number; bytes: number }> {
  let files = 0;
  let bytes = 0;
  const visit = async (relative: string): Promise<void> => {
    for (const entry of readdirSync(under(from, relative), { withFileTypes: true })) {
      const path = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (path === ".git" || !selects(entry.isDirectory() ? `${path}/` : path)) continue;
      const target = under(to, path);
      if (entry.isDirectory()) {
        mkdirSync(target);
        chmodSync(target, 0o755);
        await visit(path);
      } else if (entry.isSymbolicLink()) {
        symlinkSync(readlinkSync(under(from, path), { encoding: "buffer" }), target);
      } else if (entry.isFile()) {
        const { mode, size } = lstatSync(under(from, path));
        copyFileSync(under(from, path), target, constants.COPYFILE_FICLONE);
        chmodSync(target, mode & 0o100 ? 0o755 : 0o644);
        files += 1;
        bytes += size;
        if (files % 200 === 0) {
          await breathe();
          signal?.throwIfAborted();
        }
      }
    }
  };
  try {
    await visit("");
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    throw new Fault("app.read", `Cannot copy app from ${from}: ${reasonOf(cause)}`, {
      cause,
      ...(errnoOf(cause) === "ENOSPC" && { hint: "the disk behind PACK_HOME is full" }),
    });
  }
  return { files, bytes };
}
