import { realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { claimDirectory } from "../std/claim.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import type { Exit, Job, Output, Sandbox } from "./contract.ts";

/** Runs one job; the signal also speaks when the sandbox is closed. */
export type RunJob = (job: Job, output: Output, signal: AbortSignal) => Promise<Exit>;

/** Makes a folder for what belongs to one sandbox alone, in `parent` or in the system's temporary folder. */
export async function makeScratch(parent: HostPath | undefined): Promise<HostPath> {
  try {
    const place = hostPath(await realpath(parent ?? tmpdir()));
    return await claimDirectory(place, "plinth-sandbox-");
  } catch (cause) {
    throw new Fault("sandbox.scratch", `Cannot open sandbox: ${reasonOf(cause)}`, { cause });
  }
}

/** Throws Fault `sandbox.job` for a job no process can be made of. */
export function checkJob(job: Job): void {
  const bad = Object.entries(job.env).find(
    ([name, value]) => name === "" || /[=\0]/.test(name) || value.includes("\0"),
  );
  if (bad === undefined && !job.argv.some((argument) => argument.includes("\0"))) return;
  const what =
    bad === undefined
      ? "an argument holds a zero byte"
      : `no process can have a variable ${JSON.stringify(bad[0])} with this value`;
  throw new Fault("sandbox.job", `Cannot start ${job.argv[0]}: ${what}`, {
    hint: "names of variables are not empty and have no equals sign, and nothing holds a zero byte",
  });
}

/** A sandbox made of a way to run jobs and one to see: closing it ends the running ones, then disposes of what was opened for it. */
export function sandboxOf(opened: AsyncDisposable, runJob: RunJob, see: Sandbox["see"]): Sandbox {
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  return {
    async run(job, output, signal) {
      const either = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
      either.throwIfAborted();
      checkJob(job);
      const run = runJob(job, output, either);
      const held = run.catch(() => {}).finally(() => running.delete(held));
      running.add(held);
      return run;
    },
    see,
    async [Symbol.asyncDispose]() {
      closing.abort(new Fault("sandbox.closed", "Cannot run job: its sandbox was closed"));
      await Promise.all(running);
      await opened[Symbol.asyncDispose]();
    },
  };
}
