import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createBaseImage } from "../src/index.ts";
import { type Result, type Run, resultOf, timed } from "./measure.ts";
import { tableOf } from "./table.ts";
import { makeWorkload, sizesAt, type Workload } from "./workload.ts";

const usage = `Usage: npm run bench -- [options]

Measures builds, rebases and start-up on a generated workload, and prints one JSON document.

  --runs N          how often each work is done; the median counts (3)
  --folder DIR      where the workload is generated, or was by an earlier run; kept afterwards (a temporary folder)
  --scale N         the size of the workload, 1 for 200 MB of app and two layers of 400 MB (1)
  --sandbox NAME    namespace, host or both (both)
  --program FILE    the program to measure (dist/cli/bin.js)
  --table           print a table too, on standard error`;

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    folder: { type: "string" },
    scale: { type: "string", default: "1" },
    sandbox: { type: "string", default: "both" },
    program: { type: "string", default: fileURLToPath(new URL("../dist/cli/bin.js", import.meta.url)) },
    table: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const unit = "tar to sha256sum";

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function repeat(count: number, work: (at: number) => Promise<Run>): Promise<Run[]> {
  const runs: Run[] = [];
  for (let at = 0; at < count; at += 1) runs.push(await work(at));
  return runs;
}

/** Two bases of the generated root file system, which differ in one file. */
async function makeBases(home: string, workload: Workload): Promise<void> {
  for (const [at, name] of ["bench/run", "bench/next"].entries()) {
    const file = join(home, "base.tar");
    writeFileSync(join(workload.baseRoot, "version"), `${at}\n`);
    execFileSync("tar", ["-C", workload.baseRoot, "-cf", file, "."]);
    await createBaseImage({ name, from: file, home });
    rmSync(file);
  }
}

/** Builds and rebases in one sandbox, with stores of their own. */
async function measureSandbox(
  sandbox: string,
  runs: number,
  folder: string,
  workload: Workload,
): Promise<Record<string, Result>> {
  const pack = (home: string, words: readonly string[]) =>
    timed([process.execPath, flags.program, ...words], { env: { PACK_HOME: home }, meterIn: folder });
  const options = ["-p", workload.app, "--buildpack", workload.buildpack, "--run-image", "bench/run"];
  const build = (home: string) => pack(home, ["build", "app", ...options, "--sandbox", sandbox, "--json"]);
  let home = "";
  const cold = await repeat(runs, async () => {
    if (home !== "") rmSync(home, { recursive: true });
    home = mkdtempSync(join(folder, "home-"));
    await makeBases(home, workload);
    say(`${sandbox}: cold build`);
    return build(home);
  });
  say(`${sandbox}: rebuilds and rebases`);
  await build(home);
  const unchanged = await repeat(runs, () => build(home));
  const changed = await repeat(runs, (at) => {
    writeFileSync(join(workload.app, "d0", "e0", "f0.js"), `// ${performance.timeOrigin} ${at}\n`);
    return build(home);
  });
  const rebased = await repeat(runs, (at) =>
    pack(home, ["rebase", "app", "--run-image", at % 2 ? "bench/run" : "bench/next", "--force", "--json"]),
  );
  const peers = await measurePeers(home, folder);
  rmSync(home, { recursive: true });
  return {
    [`cold build (${sandbox})`]: resultOf(cold),
    [`unchanged rebuild (${sandbox})`]: resultOf(unchanged),
    [`one file changed (${sandbox})`]: resultOf(changed),
    [`rebase in the local store (${sandbox})`]: resultOf(rebased),
    ...peers,
  };
}

function isInstalled(program: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((path) => existsSync(join(path, program)));
}

/** What other tools take for the same image, once: copying it, unpacking it. */
async function measurePeers(home: string, folder: string): Promise<Record<string, Result>> {
  if (!isInstalled("skopeo")) return {};
  const from = `oci:${home}/store:docker.io/library/app:latest`;
  const copy = join(folder, "copy");
  const results: Record<string, Result> = {};
  results["skopeo copy to dir:"] = resultOf([await timed(["skopeo", "copy", from, `dir:${copy}`])]);
  rmSync(copy, { recursive: true });
  if (isInstalled("umoci") && process.getuid?.() === 0) {
    const layout = join(folder, "layout");
    await timed(["skopeo", "copy", "--dest-oci-accept-uncompressed-layers", from, `oci:${layout}:app`]);
    results["umoci unpack"] = resultOf([await timed(["umoci", "unpack", "--image", `${layout}:app`, copy])]);
    rmSync(layout, { recursive: true });
    rmSync(copy, { recursive: true });
  }
  return results;
}

async function measure(runs: number, folder: string, scale: number): Promise<void> {
  say(`Generating the workload in ${folder}`);
  const workload = makeWorkload(folder, scale);
  const results: Record<string, Result> = {};
  const parts = [workload.app, join(workload.buildpack, "deps"), join(workload.buildpack, "cache")];
  const tar = `tar -cf - ${parts.map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(" ")} 2>/dev/null | sha256sum`;
  say(unit);
  await timed(["sh", "-c", tar]);
  results[unit] = resultOf(await repeat(runs, () => timed(["sh", "-c", tar])));
  for (const sandbox of flags.sandbox === "both" ? ["namespace", "host"] : [flags.sandbox])
    Object.assign(results, await measureSandbox(sandbox, runs, folder, workload));
  for (const flag of ["--version", "--help"]) {
    const argv = [process.execPath, flags.program, flag];
    results[`pack ${flag}`] = resultOf(
      (await repeat(runs * 5, () => timed(argv))).map((run) => ({ ...run, output: "" })),
    );
  }
  const bare = await repeat(runs * 5, () => timed([process.execPath, "-e", "0"]));
  results["node -e 0"] = resultOf(bare);
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    threads: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
  };
  const one = results[unit].medianMs;
  const ratios = Object.fromEntries(
    Object.entries(results).map(([work, { medianMs }]) => [work, Math.round((medianMs / one) * 1000) / 1000]),
  );
  process.stdout.write(`${JSON.stringify({ machine, workload: sizesAt(scale), runs, results, ratios }, null, 2)}\n`);
  if (flags.table) say(tableOf(results, unit));
}

if (flags.help) say(usage);
else {
  const folder = flags.folder === undefined ? mkdtempSync(join(tmpdir(), "plinth-bench-")) : resolve(flags.folder);
  mkdirSync(folder, { recursive: true });
  try {
    await measure(Number(flags.runs), folder, Number(flags.scale));
  } finally {
    if (flags.folder === undefined) rmSync(folder, { recursive: true });
  }
}
