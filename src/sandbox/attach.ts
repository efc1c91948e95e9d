import { finished } from "node:stream/promises";
import type { Start } from "./container.ts";
import { type Attended, attend, commandOf } from "./launch.ts";
import type { MakePipe, Pipe } from "./pipe.ts";
import { start } from "./spawn.ts";

/** Takes what a program writes to one of its two streams. */
export type Hear = (chunk: Uint8Array, stream: "stdout" | "stderr") => void;

/** What the standard streams of a program are connected to. */
export interface Streams {
  readonly stdin: "inherit" | "ignore";
  /** Ours unless it is to be heard. */
  readonly hear?: Hear | undefined;
}

async function openPipes(makePipe: MakePipe, hear: Hear) {
  const pipes = { stdout: await makePipe(), stderr: await makePipe() };
  const drained = Object.entries(pipes).map(([stream, { reader }]: [string, Pipe]) => {
    reader.on("data", (chunk: Uint8Array) => hear(chunk, stream as keyof typeof pipes));
    return finished(reader, { writable: false }).catch(() => {});
  });
  return { writers: [pipes.stdout.writer, pipes.stderr.writer], pipes: Object.values(pipes), drained };
}

/** Starts a container whose streams are ours, or heard. Its exit comes after the last word. */
export async function startAttached({ argv, input }: Start, makePipe: MakePipe, streams: Streams): Promise<Attended> {
  const heard = streams.hear && (await openPipes(makePipe, streams.hear));
  const outputs = heard?.writers ?? (["inherit", "inherit"] as const);
  try {
    const child = await start({ ...commandOf(argv), stdio: [streams.stdin, ...outputs, "pipe", "pipe"] });
    const attended = attend(child, input);
    const exit = Promise.all([attended.exit, ...(heard?.drained ?? [])]).then(([ended]) => ended);
    return { ...attended, exit };
  } finally {
    for (const pipe of heard?.pipes ?? []) pipe.closeWriter();
  }
}
