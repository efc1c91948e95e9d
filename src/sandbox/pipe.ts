import { execFile } from "node:child_process";
import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { promisify } from "node:util";
import { type HostPath, under } from "../std/path.ts";
import { toolPath } from "./spawn.ts";

/** One pipe: whoever holds `writer` (an open file descriptor) fills it, `reader` ends when the last of them is gone. */
export interface Pipe {
  readonly reader: Socket;
  readonly writer: number;
  /** Gives up our own hold on the writing end, once the writers have theirs. */
  closeWriter(): void;
}

/** Makes one pipe after another. */
export type MakePipe = () => Promise<Pipe>;

// Not execa: to load it takes longer than every program a sandbox needs for itself.
const run = promisify(execFile);

// Starting mkfifo costs about as much as starting a job.
const batch = 8;

function open(path: HostPath): Pipe {
  // Without O_NONBLOCK the open for reading would wait for a writer; with a writer there first, reading does not begin at an end.
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  unlinkSync(path);
  let held = true;
  return {
    reader: new Socket({ fd: reading, readable: true, writable: false }),
    writer,
    closeWriter() {
      if (held) closeSync(writer);
      held = false;
    },
  };
}

/**
 * A source of pipes, which need a name in `folder` for a moment. Node itself gives its children sockets, and those cannot be opened
 * again by name: `echo failed >/dev/stderr` would fail in them.
 */
export function pipesIn(folder: HostPath): MakePipe {
  let count = 0;
  let ready: Promise<HostPath[]> = Promise.resolve([]);
  const refill = async (): Promise<HostPath[]> => {
    const paths = Array.from({ length: batch }, (_, index) => under(folder, `pipe-${count + index}`));
    count += batch;
    await run("mkfifo", ["-m", "600", ...paths], { env: { PATH: toolPath } });
    return paths;
  };
  return async () => {
    for (;;) {
      const current = ready;
      const path = (await current).pop();
      if (path !== undefined) return open(path);
      if (ready === current) ready = refill();
    }
  };
}
