import type { Buildpack } from "../cnb/buildpack.ts";
import type { Environment } from "../cnb/environment.ts";
import type { Exit, Sandbox } from "../sandbox/contract.ts";
import type { GuestPath } from "../std/path.ts";

/** A buildpack's directory as its scripts see it, and the sandbox they run in. */
export interface Runner {
  readonly sandbox: Sandbox;
  pathOf(buildpack: Buildpack): GuestPath;
  readonly signal: AbortSignal | undefined;
}

/** `bin/detect` or `bin/build` of a buildpack, `bin/generate` of an extension, with its positional arguments. */
export interface Script {
  readonly buildpack: Buildpack;
  readonly name: "detect" | "build" | "generate";
  readonly arguments: readonly string[];
  readonly cwd: GuestPath;
  readonly env: Environment;
}

/** Runs a buildpack's script by its absolute path (Buildpack spec, "Buildpack Interface"); `output` takes its bytes as they come. */
export function runScript(runner: Runner, script: Script, output: (chunk: Uint8Array) => void): Promise<Exit> {
  const program = `${runner.pathOf(script.buildpack)}/bin/${script.name}`;
  return runner.sandbox.run(
    { argv: [program, ...script.arguments], cwd: script.cwd, env: script.env },
    output,
    runner.signal,
  );
}
