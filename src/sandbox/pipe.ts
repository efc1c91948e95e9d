import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import type { HostPath } from "../std/path.ts";

/** One pipe: whoever holds `writer` (an open file descriptor) fills it, `reader` ends when the last of them is gone. */
export interface Pipe {
  readonly reader: Socket;
  readonly writer: number;
  /** Gives up our own hold on the writing end, once the writers have theirs. */
  closeWriter(): void;
}

let count = 0;

/**
 * Opens a pipe, with the help of a file in `folder` that is gone when this resolves.
 * Node gives its children sockets, which cannot be opened again by name: `echo failed >/dev/stderr` would fail in them.
 */
export async function openPipe(folder: HostPath): Promise<Pipe> {
  count += 1;
  const path = join(folder, `pipe-${count}`);
  await execa("mkfifo", ["-m", "600", path]);
  // Without O_NONBLOCK the open for reading would wait for a writer; with a writer there first, reading does not begin at an end.
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  unlinkSync(path);
  let open = true;
  return {
    reader: new Socket({ fd: reading, readable: true, writable: false }),
    writer,
    closeWriter() {
      if (open) closeSync(writer);
      open = false;
    },
  };
}
