import type { ChildProcess } from "node:child_process";
import { finished } from "node:stream/promises";
import type { Output } from "./contract.ts";
import type { MakePipe } from "./pipe.ts";
import { type Command, type Stdio, start } from "./spawn.ts";

/** A started program whose output goes to an `Output`. */
export interface Captured {
  readonly child: ChildProcess;
  /** Resolves when the last process that could write is gone and all it wrote has been handed over. */
  readonly drained: Promise<void>;
  /** Stops listening. */
  deafen(): void;
}

/** Starts a program with no input, and standard output and error in one pipe, so that their order is kept. */
export async function startCaptured(
  makePipe: MakePipe,
  command: Omit<Command, "stdio">,
  output: Output,
  more: readonly Stdio[] = [],
): Promise<Captured> {
  const pipe = await makePipe();
  try {
    const child = await start({ ...command, stdio: ["ignore", pipe.writer, pipe.writer, ...more] });
    pipe.reader.on("data", output);
    const drained = finished(pipe.reader, { writable: false }).catch(() => {});
    return { child, drained, deafen: () => pipe.reader.destroy() };
  } catch (error) {
    pipe.reader.destroy();
    throw error;
  } finally {
    pipe.closeWriter();
  }
}
