import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout's root folder. */
export const checkout = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const words = [
  "--import",
  join(checkout, "node_modules", "tsx", "dist", "esm", "index.mjs"),
  join(checkout, "src", "cli", "bin.ts"),
];

/** The command line of `pack` from the sources. */
export function packWords(args: readonly string[]): string[] {
  return [process.execPath, ...words, ...args];
}

/** How a program ended and what it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How `pack` is started. */
export interface PackOptions {
  readonly home: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Words put in front of the command line, to run it as somebody else. */
  readonly as?: readonly string[];
}

/** Starts `pack` from the sources with its own PACK_HOME. */
export function startPack(args: readonly string[], options: PackOptions): ChildProcess {
  const [command, ...rest] = [...(options.as ?? []), ...packWords(args)];
  const env = { ...process.env, NO_COLOR: "1", PACK_HOME: options.home, ...options.env };
  return spawn(command!, rest, { cwd: options.cwd ?? checkout, env, stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs `pack` to its end. */
export async function pack(args: readonly string[], options: PackOptions): Promise<Ended> {
  const child = startPack(args, options);
  let [stdout, stderr] = ["", ""];
  child.stdout!.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr!.on("data", (chunk) => {
    stderr += chunk;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** Asks until something answers, as long as the child lives, at most twenty seconds. */
export async function askUntilAnswered(url: string, child: ChildProcess): Promise<{ status: number; text: string }> {
  for (let attempt = 0; attempt < 400 && child.exitCode === null; attempt += 1) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
      return { status: answer.status, text: await answer.text() };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error(`nothing answers at ${url}`);
}
