import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("work.ts", import.meta.url));
const loader = import.meta.resolve("tsx");

/** What a process does: the library function of that name, with its options. */
export interface Work {
  readonly kind: "build" | "copy" | "prune" | "rebase";
  readonly options: object;
}

/** Work that runs in a process of its own. */
export interface Working {
  readonly child: ChildProcess;
  /** Resolves when it has loaded everything and begins. */
  readonly begun: Promise<unknown>;
  /** Resolves when it is over, with whether it was done. */
  readonly ended: Promise<boolean>;
  /** What it wrote to standard error so far. */
  errors(): string;
}

/** Starts work. */
export function startWork({ kind, options }: Work): Working {
  const child = spawn(process.execPath, ["--import", loader, script, kind, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [said, errors] = ["", ""];
  const lines = createInterface({ input: child.stdout });
  child.stderr.on("data", (part) => {
    errors += part;
  });
  const begun = once(lines, "line");
  lines.on("line", (line) => {
    said = line;
  });
  const ended = once(child, "close").then(() => said === "done");
  return { child, begun, ended, errors: () => errors };
}

/** Does work and kills it that many milliseconds after it began; tells whether it was done before. */
export async function killedAfter(work: Work, milliseconds: number): Promise<boolean> {
  const { child, begun, ended, errors } = startWork(work);
  await Promise.race([begun, ended]);
  const timer = setTimeout(() => child.kill("SIGKILL"), milliseconds);
  const isDone = await ended;
  clearTimeout(timer);
  if (!isDone && child.signalCode !== "SIGKILL") throw new Error(`the work failed by itself: ${errors()}`);
  return isDone;
}

/** Everything below a folder, without what differs from run to run in its names. */
export function shapeOf(folder: string, ignored: RegExp): string[] {
  const found: string[] = [];
  const walk = (path: string) => {
    for (const entry of readdirSync(join(folder, path), { withFileTypes: true })) {
      const own = path === "" ? entry.name : `${path}/${entry.name}`;
      if (ignored.test(own)) continue;
      found.push(own);
      if (entry.isDirectory()) walk(own);
    }
  };
  walk("");
  return found.sort();
}

/** Lets every lock below a folder grow old at once: its holder was killed, and nobody wants to wait for it. */
export function age(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.name.endsWith("lock")) utimesSync(join(entry.parentPath, entry.name), 0, 0);
}

/** Command lines of living processes that speak of a folder. */
export function processesAbout(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return line.includes(folder) ? [line] : [];
      } catch {
        return [];
      }
    });
}
