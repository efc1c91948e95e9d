import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bringToRest } from "./rest.ts";

/** One run of a program: times in milliseconds, memory in bytes where it was measured. */
export interface Run {
  readonly ms: number;
  readonly cpuMs?: number;
  readonly peakBytes?: number;
  /** What it wrote on its standard output. */
  readonly output: string;
}

/** What is left of several runs of the same. */
export interface Result {
  readonly medianMs: number;
  readonly runsMs: readonly number[];
  readonly medianCpuMs?: number;
  readonly peakBytes?: number;
  /** Medians by phase, of builds. */
  readonly phasesMs?: Readonly<Record<string, number>>;
}

/** How a program is run. */
export interface Running {
  readonly env?: Readonly<Record<string, string>>;
  /** For a program that Node runs: a folder for a file of the meter, which knows its peak memory too. */
  readonly meterIn?: string;
}

// Node reads these authorities before it does anything else, which takes twice as long as starting it; registries of the bench need none.
const { NODE_EXTRA_CA_CERTS: _, ...surroundings } = process.env;
const meter = join(fileURLToPath(new URL(".", import.meta.url)), "meter.cjs");

/** Milliseconds in what the shell's `times` prints: user and system time of itself, then of what it started. */
function cpuOf(times: string): number {
  const found = [...times.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  return found.reduce((sum, seconds) => sum + seconds, 0) * 1000;
}

/**
 * Runs a program to its end, once the computer is at rest; throws what it wrote on its standard error when it fails. Processor
 * time is the program's own with a meter, else with all it has started.
 */
export async function timed(argv: readonly string[], { env = {}, meterIn }: Running = {}): Promise<Run> {
  const [program = "", ...rest] = argv;
  const file = meterIn === undefined ? undefined : join(meterIn, "meter.json");
  const metered = [program, "--require", meter, ...rest];
  const counted = ["sh", "-c", '"$@"; code=$?; times >&3; exit $code', "sh", ...argv];
  const [first = "", ...words] = file === undefined ? counted : metered;
  bringToRest();
  const start = performance.now();
  const child = spawn(first, words, {
    env: { ...surroundings, ...env, ...(file !== undefined && { BENCH_METER: file }) },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let times = "";
  child.stdio[3]!.on("data", (chunk) => {
    times += chunk;
  });
  let output = "";
  let complaint = "";
  child.stdout!.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr!.on("data", (chunk) => {
    complaint += chunk;
  });
  const [code] = await once(child, "close");
  const ms = performance.now() - start;
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}: ${complaint || output}`);
  if (file === undefined) return { ms, output, cpuMs: cpuOf(times) };
  const usage = JSON.parse(readFileSync(file, "utf8")) as NodeJS.ResourceUsage;
  rmSync(file);
  return {
    ms,
    output,
    cpuMs: (usage.userCPUTime + usage.systemCPUTime) / 1000,
    peakBytes: usage.maxRSS * 1024,
  };
}

/** The one in the middle; of an even number the mean of the two there. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Milliseconds by phase as the events of `--json` tell them. */
function phasesOf(output: string): Record<string, number> {
  const phases: Record<string, number> = {};
  for (const line of output.split("\n")) {
    if (!line.startsWith("{")) continue;
    const event = JSON.parse(line) as { type: string; phase?: string; state?: string; ms?: number };
    if (event.type === "phase" && event.state === "end") phases[event.phase ?? ""] = event.ms ?? 0;
  }
  return phases;
}

const rounded = (ms: number) => Math.round(ms * 10) / 10;

/** The runs in short. */
export function resultOf(runs: readonly Run[]): Result {
  const phases = runs.map(({ output }) => phasesOf(output));
  const names = Object.keys(phases[0] ?? {});
  const cpu = runs.flatMap(({ cpuMs }) => cpuMs ?? []);
  const peaks = runs.flatMap(({ peakBytes }) => peakBytes ?? []);
  return {
    medianMs: rounded(median(runs.map(({ ms }) => ms))),
    runsMs: runs.map(({ ms }) => rounded(ms)),
    ...(cpu.length > 0 && { medianCpuMs: rounded(median(cpu)) }),
    ...(peaks.length > 0 && { peakBytes: Math.max(...peaks) }),
    ...(names.length > 0 && {
      phasesMs: Object.fromEntries(
        names.map((name) => [name, rounded(median(phases.map((phase) => phase[name] ?? 0)))]),
      ),
    }),
  };
}
