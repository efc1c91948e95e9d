import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chartOf } from "./chart.ts";
import type { Result } from "./measure.ts";
import { measureFleet } from "./part/fleet.ts";
import { discardedIn, type Ground } from "./part/ground.ts";
import { measureLocal, measureUnit } from "./part/local.ts";
import { measurePeers } from "./part/peer.ts";
import { measureReference } from "./part/reference.ts";
import { measureRegistry } from "./part/registry.ts";
import { measureScale } from "./part/scale.ts";
import { measureStart } from "./part/start.ts";
import { measureLargeLayer, measureTransfers } from "./part/transfer.ts";
import { fillMemoryIn } from "./rest.ts";
import { tableOf } from "./table.ts";
import { makeWorkload, sizesAt } from "./workload.ts";

const parts = ["start", "local", "registry", "reference", "fleet", "peers", "transfer", "scale"] as const;

const usage = `Usage: npm run bench -- [options]

Measures builds, rebases and start-up on a generated workload, and prints one JSON document.

  --only PARTS        some of ${parts.join(", ")}, comma separated (all)
  --runs N            how often each work is done; the median counts (5)
  --folder DIR        where the workload is generated, or was by an earlier run; kept afterwards (a temporary folder)
  --scale N           the size of the workload, 1 for 200 MB of app and two layers of 400 MB (1)
  --images N          with fleet: how many images are rebased (1000)
  --large BYTES       with transfer: push a layer of so many bytes too, for the memory it takes (0)
  --sandbox NAME      namespace, host or both (both)
  --program FILE      the program to measure (dist/cli/bin.cjs)
  --reference FILE    the reference lifecycle's program, launcher beside it, to run in turn; takes root
  --table             print a table too, on standard error
  --chart FILE        draw the builds as SVG
  --from FILE         measure nothing: table and chart of the JSON in this file`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: parts.join() },
    runs: { type: "string", default: "5" },
    folder: { type: "string" },
    scale: { type: "string", default: "1" },
    images: { type: "string", default: "1000" },
    large: { type: "string", default: "0" },
    sandbox: { type: "string", default: "both" },
    program: { type: "string", default: fileURLToPath(new URL("../dist/cli/bin.cjs", import.meta.url)) },
    reference: { type: "string" },
    table: { type: "boolean", default: false },
    chart: { type: "string" },
    from: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const unit = "tar to sha256sum";

/** What the bench prints. */
interface Report {
  readonly machine: object;
  readonly workload: object;
  readonly runs: number;
  readonly results: Readonly<Record<string, Result>>;
  /** Parts that could not be measured, and why. */
  readonly failed: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function measure(ground: Ground, scale: number): Promise<Report> {
  const results: Record<string, Result> = {};
  const more: Record<string, unknown> = {};
  const failed: Record<string, string> = {};
  const wanted = new Set(flags.only.split(","));
  const sandboxes = flags.sandbox === "both" ? ["namespace", "host"] : [flags.sandbox];
  const works: Record<(typeof parts)[number], () => Promise<unknown>> = {
    start: async () => Object.assign(results, await measureStart(ground)),
    local: async () => {
      results[unit] = await measureUnit(ground);
      for (const sandbox of sandboxes) Object.assign(results, await measureLocal(ground, sandbox));
    },
    registry: async () => {
      const found = await measureRegistry(ground, sandboxes[0]!);
      Object.assign(results, found.results);
      more["compressedBytes"] = found.sizes;
    },
    reference: async () =>
      flags.reference && Object.assign(results, await measureReference(ground, resolve(flags.reference))),
    fleet: async () => {
      const found = await measureFleet(ground, Number(flags.images));
      Object.assign(results, found.results);
      more["requestsOfRebases"] = { each: found.requestsEach };
    },
    peers: async () => Object.assign(results, await measurePeers(ground)),
    transfer: async () => {
      const found = await measureTransfers(ground);
      Object.assign(results, found.results);
      more["toSkopeo"] = found.ratios;
      if (Number(flags.large) > 0) Object.assign(results, await measureLargeLayer(ground, Number(flags.large)));
    },
    scale: async () => {
      more["scale"] = await measureScale(ground);
    },
  };
  for (const part of parts.filter((name) => wanted.has(name))) {
    const start = performance.now();
    try {
      await works[part]();
    } catch (error) {
      // One part that cannot be measured here costs none of the others.
      failed[part] = String(error);
      say(`${part} failed: ${error}`);
    }
    say(`${part}: ${Math.round((performance.now() - start) / 1000)} s`);
  }
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    threads: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
  };
  const one = results[unit]?.medianMs;
  const ratio = (ms: number) => Math.round((ms / one!) * 1000) / 1000;
  const ratios =
    one && Object.fromEntries(Object.entries(results).map(([work, { medianMs }]) => [work, ratio(medianMs)]));
  return { machine, workload: sizesAt(scale), runs: ground.runs, results, ...(ratios && { ratios }), ...more, failed };
}

/** The report in what a run has printed: npm writes two lines of its own before it. */
function reportIn(output: string): Report {
  return JSON.parse(output.slice(output.indexOf("{"))) as Report;
}

function draw(report: Report): void {
  if (flags.table) say(tableOf(report, unit));
  if (flags.chart) writeFileSync(flags.chart, chartOf(report.results));
}

if (flags.help) say(usage);
else if (flags.from) draw(reportIn(readFileSync(flags.from, "utf8")));
else {
  const folder = flags.folder === undefined ? mkdtempSync(join(tmpdir(), "plinth-bench-")) : resolve(flags.folder);
  mkdirSync(folder, { recursive: true });
  try {
    mkdirSync(discardedIn(folder), { recursive: true });
    fillMemoryIn(discardedIn(folder));
    say(`Generating the workload in ${folder}`);
    const scale = Number(flags.scale);
    const workload = makeWorkload(folder, scale);
    const report = await measure({ folder, workload, runs: Number(flags.runs), program: flags.program, say }, scale);
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    if (Object.keys(report.failed).length > 0) process.exitCode = 1;
    draw(report);
  } finally {
    rmSync(flags.folder === undefined ? folder : discardedIn(folder), { recursive: true, force: true });
  }
}
