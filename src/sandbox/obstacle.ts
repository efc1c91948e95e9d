import { open, stat } from "node:fs/promises";
import { posix } from "node:path";
import type { Job } from "./contract.ts";

/** Where on this machine something is that a job sees under `guest`; undefined when the job sees nothing there. */
export type Locate = (guest: string) => Promise<string | undefined>;

async function statusOf(guest: string, locate: Locate) {
  const path = await locate(guest);
  return path === undefined ? undefined : { path, ...(await read(path)) };
}

async function read(path: string) {
  const found = await stat(path);
  return { isDirectory: found.isDirectory(), isExecutable: (found.mode & 0o111) !== 0 };
}

/** The program after `#!`, as the kernel reads it. */
async function interpreterOf(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(256), position: 0 });
    const line = buffer.subarray(0, bytesRead).toString("latin1").split("\n", 1)[0]!;
    return line.startsWith("#!") ? /^#![ \t]*([^ \t]*)/.exec(line)![1] : undefined;
  } finally {
    await file.close();
  }
}

async function programOf(name: string, job: Job, locate: Locate): Promise<string | undefined> {
  if (name.includes("/")) return posix.resolve(job.cwd, name);
  for (const folder of (job.env["PATH"] ?? "/bin:/usr/bin").split(":")) {
    const candidate = posix.resolve(job.cwd, folder, name);
    const found = await statusOf(candidate, locate);
    if (found?.isExecutable && !found.isDirectory) return candidate;
  }
  return undefined;
}

async function obstacleTo(guest: string, locate: Locate, asked: string): Promise<string | undefined> {
  const found = await statusOf(guest, locate);
  if (found === undefined) return `${asked} does not exist`;
  if (found.isDirectory) return `${asked} is a directory`;
  if (!found.isExecutable) return `${asked} is not executable`;
  return undefined;
}

/** The sentence that says why this job could not be started, or undefined when nothing stands in the way. */
export async function obstacleOf(job: Job, locate: Locate): Promise<string | undefined> {
  const [name] = job.argv;
  const cwd = await statusOf(job.cwd, locate);
  if (!cwd?.isDirectory) return `its working directory ${job.cwd} does not exist`;
  const program = await programOf(name, job, locate);
  if (program === undefined) return `${name} is not on its PATH (${job.env["PATH"] ?? "not set"})`;
  const own = await obstacleTo(program, locate, name);
  if (own !== undefined) return own;
  const interpreter = await interpreterOf((await locate(program))!);
  if (interpreter === undefined) return undefined;
  if (interpreter.endsWith("\r")) return `the first line of ${name} ends with a carriage return (Windows line ending)`;
  const missing = await obstacleTo(posix.resolve(job.cwd, interpreter), locate, interpreter);
  return missing && `the first line of ${name} asks for an interpreter, and ${missing}`;
}
