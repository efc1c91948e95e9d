import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createBaseImage } from "../../src/index.ts";
import { type Run, timed } from "../measure.ts";
import type { Workload } from "../workload.ts";

/** What every part of the bench works with. */
export interface Ground {
  readonly folder: string;
  readonly workload: Workload;
  readonly runs: number;
  /** The program to measure. */
  readonly program: string;
  say(text: string): void;
}

/** Does the same `count` times, one after the other. */
export async function repeat<T>(count: number, work: (at: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (let at = 0; at < count; at += 1) done.push(await work(at));
  return done;
}

/** Runs the program with a home of its own. */
export function pack(ground: Ground, home: string, words: readonly string[]): Promise<Run> {
  const argv = [process.execPath, ground.program, ...words];
  return timed(argv, { env: { PACK_HOME: home }, meterIn: ground.folder });
}

/** A new home with two bases of the generated root file system, which differ in one file. */
export async function makeHome({ folder, workload }: Ground): Promise<string> {
  const home = mkdtempSync(join(folder, "home-"));
  for (const [at, name] of ["bench/run", "bench/next"].entries()) {
    const file = join(home, "base.tar");
    writeFileSync(join(workload.baseRoot, "version"), `${at}\n`);
    execFileSync("tar", ["-C", workload.baseRoot, "-cf", file, "."]);
    await createBaseImage({ name, from: file, home });
    rmSync(file);
  }
  return home;
}

/** Forgets what builds have left in a home: images, caches and kept directories, but not the bases. */
export async function forgetBuilds(ground: Ground, home: string): Promise<void> {
  rmSync(join(home, "kept"), { recursive: true, force: true });
  await pack(ground, home, ["rm", "app"]).catch(() => undefined);
  await pack(ground, home, ["prune", "--all"]).catch(() => undefined);
}

/** Changes one file of the app. */
export function touchApp({ workload }: Ground, mark: string): void {
  writeFileSync(join(workload.app, "d0", "e0", "f0.js"), `// ${performance.timeOrigin} ${mark}\n`);
}

/** The words that build the workload as `image`. */
export function buildWords({ workload }: Ground, image: string, more: readonly string[]): string[] {
  return ["build", image, "-p", workload.app, "--buildpack", workload.buildpack, "--json", ...more];
}
