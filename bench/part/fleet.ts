import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { timed } from "../measure.ts";
import { buildWords, discard, type Ground, makeHome, pack } from "./ground.ts";

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const count = 1000;
const width = 64;
const delayMs = 40;

/** Many rebases in one process, against a registry of another process that lets every request wait. */
export async function measureFleet(ground: Ground): Promise<object> {
  const { program, say } = ground;
  say(`${count} rebases`);
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
    const words = [beside("fleet-run.mjs"), library, host, "fleet/app", `${count}`, `${width}`, name("next"), home];
    const run = JSON.parse((await timed([process.execPath, ...words])).output) as object;
    const requests = (await ask("count")).count - before;
    return { images: count, width, delayMs, ...run, requestsEach: requests / count };
  } finally {
    registry.kill();
    discard(ground, home);
  }
}
