import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Result, type Run, resultOf, timed } from "../measure.ts";
import { buildWords, discard, type Ground, makeHome, pack, repeat } from "./ground.ts";

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const width = 64;
const delayMs = 40;

/** What many rebases take, and how many requests each of them sends. */
export interface Fleet {
  readonly results: Readonly<Record<string, Result>>;
  readonly requestsEach: number;
}

/** Rebases so many images in one process, against a registry of another process that lets every request wait; to one base and back. */
export async function measureFleet(ground: Ground, count: number): Promise<Fleet> {
  const { program, runs, say } = ground;
  const work = `${count} rebases, ${width} at a time, ${delayMs} ms a request`;
  say(work);
  const registry = spawn(process.execPath, [beside("slow-registry.cjs")], { stdio: ["pipe", "pipe", "inherit"] });
  const home = await makeHome(ground);
  try {
    const [line] = (await once(registry.stdout, "data")) as [Buffer];
    const host = `127.0.0.1:${line.toString().trim()}`;
    const ask = async (path: string) => (await (await fetch(`http://${host}/-/${path}`)).json()) as { count: number };
    const name = (text: string) => `${host}/bench/${text}`;
    for (const base of ["run", "next"]) await pack(ground, home, ["copy", `bench/${base}`, `docker://${name(base)}`]);
    await pack(ground, home, buildWords(ground, name("app"), ["--publish", "--run-image", name("run")]));
    const { count: before } = await ask(`clone?from=bench/app&to=fleet/app&count=${count}`);
    await ask(`delay?ms=${delayMs}`);
    const library = join(dirname(program), "..", "index.js");
    const done = await repeat(runs, async (at): Promise<Run> => {
      const base = name(at % 2 === 0 ? "next" : "run");
      const words = [beside("fleet-run.mjs"), library, host, "fleet/app", `${count}`, `${width}`, base, home];
      const run = await timed([process.execPath, ...words]);
      return { ...run, ...(JSON.parse(run.output) as Pick<Run, "cpuMs" | "peakBytes">) };
    });
    const requests = (await ask("count")).count - before;
    return { results: { [work]: resultOf(done) }, requestsEach: requests / runs / count };
  } finally {
    registry.kill();
    discard(ground, home);
  }
}
