import { execa } from "execa";
import { Fault } from "../std/fault.ts";

/** How a program of the machine ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Messages of Debian's programs come in the machine's language unless told otherwise. */
const options = { env: { LC_ALL: "C" }, stdin: "ignore", reject: false } as const;

function missing(name: string, cause: unknown): Fault {
  return new Fault("base.tools", `Cannot make a base from packages: the program ${name} is not on this machine`, {
    hint: "packages need apt and dpkg (Debian, Ubuntu and their kin); a base can also be made from an archive or an image",
    cause,
  });
}

/**
 * Runs a program of Debian's to its end and gives what it printed. Throws Fault `base.tools` when it is not installed, and the
 * signal's reason when that ends it.
 */
export async function runProgram(
  name: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const result = await execa(name, args, {
    ...options,
    maxBuffer: 64 * 1024 * 1024,
    ...(signal && { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  if (result.code === "ENOENT") throw missing(name, result.cause);
  return { code: result.exitCode ?? 1, stdout: result.stdout, stderr: result.stderr };
}

/**
 * The bytes a program prints, as they come. Throws like `runProgram`, and at the end Fault `base.program` when it failed;
 * a reader that stops early ends it.
 */
export async function* streamProgram(
  name: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const child = execa(name, args, {
    ...options,
    encoding: "buffer",
    buffer: { stdout: false },
    ...(signal && { cancelSignal: signal }),
  });
  let ended = false;
  try {
    for await (const chunk of child.stdout) yield chunk as Uint8Array;
    ended = true;
  } finally {
    if (!ended) child.kill();
    await child;
    signal?.throwIfAborted();
  }
  const { code, cause, exitCode, stderr } = await child;
  if (code === "ENOENT") throw missing(name, cause);
  if (exitCode !== 0) {
    const reason = Buffer.from(stderr).toString().trim();
    throw new Fault("base.program", `Cannot run ${name} ${args.join(" ")}: ${reason || `it ended with ${exitCode}`}`);
  }
}
