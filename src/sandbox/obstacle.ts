import { open, stat } from "node:fs/promises";
import { posix } from "node:path";
import type { Job } from "./contract.ts";

/** What stands on this machine where a job sees `path`; `kernel` for what the kernel makes, such as /proc. */
export type Find = (path: string) => Promise<string | "nothing" | "kernel">;

type Found =
  | "nothing"
  | "kernel"
  | { readonly path: string; readonly isDirectory: boolean; readonly isExecutable: boolean };

async function look(guest: string, find: Find): Promise<Found> {
  const path = await find(guest);
  if (path === "nothing" || path === "kernel") return path;
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return "nothing";
  return { path, isDirectory: found.isDirectory(), isExecutable: (found.mode & 0o111) !== 0 };
}

/** The program after `#!`, as the kernel reads it. */
async function interpreterOf(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(256), position: 0 });
    const line = buffer.subarray(0, bytesRead).toString("latin1").split("\n", 1)[0]!;
    return /^#![ \t]*([^ \t]*)/.exec(line)?.[1];
  } finally {
    await file.close();
  }
}

function obstacleIn(found: Found, name: string): string | undefined {
  if (found === "kernel") return undefined;
  if (found === "nothing") return `${name} does not exist`;
  if (found.isDirectory) return `${name} is a directory`;
  return found.isExecutable ? undefined : `${name} is not executable`;
}

async function programOf(job: Job, find: Find): Promise<string | undefined> {
  const [name] = job.argv;
  if (name.includes("/")) return posix.resolve(job.cwd, name);
  for (const folder of (job.env["PATH"] ?? "/bin:/usr/bin").split(":")) {
    const candidate = posix.resolve(job.cwd, folder, name);
    if (obstacleIn(await look(candidate, find), name) === undefined) return candidate;
  }
  return undefined;
}

async function obstacleOfScript(path: string, job: Job, find: Find): Promise<string | undefined> {
  const [name] = job.argv;
  const interpreter = await interpreterOf(path).catch(() => undefined);
  if (interpreter === undefined) return undefined;
  if (interpreter.endsWith("\r")) return `the first line of ${name} ends like lines on Windows, with a carriage return`;
  const obstacle = obstacleIn(await look(posix.resolve(job.cwd, interpreter), find), interpreter);
  return obstacle && `the first line of ${name} asks for an interpreter, and ${obstacle}`;
}

/** The sentence that says why this job cannot be started, or undefined when nothing known stands in its way. */
export async function obstacleOf(job: Job, find: Find): Promise<string | undefined> {
  const [name] = job.argv;
  const cwd = await look(job.cwd, find);
  if (cwd === "nothing" || (cwd !== "kernel" && !cwd.isDirectory))
    return `there is no directory ${job.cwd} to run it in`;
  if (name.includes("=")) return `the name ${name} has an equals sign, which env takes for a variable`;
  const program = await programOf(job, find);
  if (program === undefined) return `${name} is not on its PATH (${job.env["PATH"] ?? "which is not set"})`;
  const found = await look(program, find);
  if (found === "kernel" || found === "nothing") return obstacleIn(found, name);
  return obstacleIn(found, name) ?? obstacleOfScript(found.path, job, find);
}
