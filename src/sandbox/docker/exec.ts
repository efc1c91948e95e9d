import { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import type { Output } from "../contract.ts";

/** One program in a running container. */
export interface Command {
  readonly argv: readonly string[];
  /** `uid:gid`. */
  readonly user: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program in a container to its end, with nothing to read; gives its exit code. Rejects with the engine's words when it cannot start. */
export async function execute(container: Docker.Container, command: Command, output: Output): Promise<number> {
  const exec = await container.exec({
    AttachStdout: true,
    AttachStderr: true,
    Cmd: [...command.argv],
    User: command.user,
    WorkingDir: command.cwd ?? "/",
    Env: Object.entries(command.env ?? {}).map(([name, value]) => `${name}=${value}`),
  });
  const stream = await exec.start({ hijack: false, stdin: false });
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      output(chunk);
      done();
    },
  });
  container.modem.demuxStream(stream, sink, sink);
  await finished(stream, { writable: false });
  for (;;) {
    const { Running, ExitCode } = await exec.inspect();
    // The engine may take a moment to notice the end.
    if (!Running && ExitCode !== null) return ExitCode;
    await delay(10);
  }
}
