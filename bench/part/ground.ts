import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
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

/** Where trees wait that nobody needs any more. */
export function discardedIn(folder: string): string {
  return join(folder, "discarded");
}

/**
 * Puts a tree aside until the bench ends. Deleting it would cost the next run: without a journal, ext4 looks at every inode that was deleted within
 * the last minutes for each file it makes, so that the same `cp` of 13,000 files takes 2 s, or 14 s after five of its results were deleted.
 */
export function discard({ folder }: Ground, path: string): void {
  if (!existsSync(path)) return;
  mkdirSync(discardedIn(folder), { recursive: true });
  renameSync(path, join(mkdtempSync(join(discardedIn(folder), "tree-")), "tree"));
}

/** Forgets what builds have left in a home: images, caches and kept directories, but not the bases. */
export async function forgetBuilds(ground: Ground, home: string): Promise<void> {
  discard(ground, join(home, "kept"));
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
