import { mkdir } from "node:fs/promises";
import { loadExeca } from "../std/execa.ts";
import { Fault } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";
import { openHolder } from "./holder.ts";
import { toolPath } from "./spawn.ts";

/** A directory whose changes are thrown away. */
export interface Changeable extends AsyncDisposable {
  /** Where the programs see it that `enter` starts, and where we do. */
  readonly host: HostPath;
  readonly seen: HostPath;
  enter(argv: readonly string[]): readonly string[];
}

const tools = { env: { PATH: toolPath }, extendEnv: false, reject: false, stdin: "ignore" } as const;

async function copyOf(lower: HostPath, copy: HostPath): Promise<Changeable> {
  await mkdir(copy);
  const execa = await loadExeca();
  const { failed, stderr } = await execa("cp", ["-a", "--reflink=auto", `${lower}/.`, copy], tools);
  if (failed) throw new Fault("root.copy", `Cannot copy image to ${copy}: ${stderr.trim().split("\n").at(-1)}`);
  return { host: copy, seen: copy, enter: (argv) => argv, [Symbol.asyncDispose]: async () => {} };
}

/**
 * A directory for writing with everything in `layers` (bottom first), made in the empty `folder`: an overlay where the kernel lets us
 * make one, else a copy if there is but one layer (which costs nothing on file systems that share blocks).
 */
export async function openChangeable(layers: readonly HostPath[], folder: HostPath): Promise<Changeable> {
  const [upper, work] = [under(folder, "upper"), under(folder, "work")];
  await Promise.all([mkdir(upper), mkdir(work)]);
  try {
    const holder = await openHolder([{ lower: layers, upper, work }], under(folder, "stack"));
    const host = holder.merged[0]!;
    return {
      host,
      seen: holder.see(host),
      enter: (argv) => holder.enter(argv),
      [Symbol.asyncDispose]: () => holder[Symbol.asyncDispose](),
    };
  } catch (error) {
    const [only, ...others] = layers;
    const isRefused = error instanceof Fault && error.code === "sandbox.overlay";
    if (!isRefused || only === undefined || others.length > 0) throw error;
    return await copyOf(only, under(folder, "copy"));
  }
}
