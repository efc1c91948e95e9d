import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Run, timed } from "../measure.ts";
import { discard, type Ground, makeHome, pack } from "./ground.ts";

/** What one size costs: the first build, one with nothing changed, and one with a file of the app changed. */
interface Step {
  readonly firstMs: number;
  readonly unchangedMs: number;
  readonly changedMs: number;
  /** The program's own processor time without changes. */
  readonly unchangedCpuMs: number;
  readonly peakMiB: number;
}

/** A workload of one kind: shell lines of its buildpack that make a layer `$l`, called once for each layer, and the app. */
interface Shape {
  readonly layers: number;
  readonly make: string;
  readonly appFiles: number;
}

const many = (count: number, perFolder: number) =>
  `mkdir -p "$l"; cd "$l"; seq ${Math.ceil(count / perFolder)} | xargs mkdir; for d in *; do (cd $d; seq ${perFolder} | split -l 1 -a 4 - f); done`;

const shapes: Readonly<Record<string, Shape>> = {
  "13,000 files in a layer": { layers: 1, make: many(13_000, 250), appFiles: 100 },
  "130,000 files in a layer": { layers: 1, make: many(130_000, 250), appFiles: 100 },
  "200,000 files in a layer": { layers: 1, make: many(200_000, 250), appFiles: 100 },
  "10,000 files in one directory": { layers: 1, make: many(10_000, 10_000), appFiles: 100 },
  "100 launch layers": { layers: 100, make: many(20, 20), appFiles: 100 },
  "a file of 4 GB": { layers: 1, make: 'mkdir -p "$l"; head -c 4000000000 /dev/zero > "$l/file"', appFiles: 100 },
};

function writeBuildpack(folder: string, { layers, make }: Shape): string {
  const root = join(folder, "bp");
  mkdirSync(join(root, "bin"), { recursive: true });
  writeFileSync(join(root, "buildpack.toml"), 'api = "0.12"\n[buildpack]\nid = "bench/scale"\nversion = "1.0.0"\n');
  const build = `#!/bin/sh\nset -e\nfor n in $(seq ${layers}); do l=$CNB_LAYERS_DIR/layer$n\n[ -d "$l" ] || ( ${make} )\nprintf '[types]\\nlaunch = true\\ncache = true\\n' > "$l.toml"\ndone\n`;
  for (const [name, text] of [
    ["detect", "#!/bin/sh\n"],
    ["build", build],
  ] as const) {
    writeFileSync(join(root, "bin", name), text);
    chmodSync(join(root, "bin", name), 0o755);
  }
  return root;
}

async function measureShape(ground: Ground, shape: Shape, home: string): Promise<Step> {
  const folder = mkdtempSync(join(ground.folder, "scale-"));
  try {
    const app = join(folder, "app");
    mkdirSync(app);
    for (let at = 0; at < shape.appFiles; at += 1) writeFileSync(join(app, `f${at}`), `${at}\n`);
    const words = [
      "build",
      "scale",
      "-p",
      app,
      "--buildpack",
      writeBuildpack(folder, shape),
      "--run-image",
      "bench/run",
    ];
    const build = (): Promise<Run> => pack(ground, home, [...words, "--json"]);
    const first = await build();
    await build();
    const unchanged = await build();
    writeFileSync(join(app, "f0"), "other\n");
    const changed = await build();
    const peak = Math.max(...[first, unchanged, changed].map((run) => run.peakBytes ?? 0));
    return {
      firstMs: Math.round(first.ms),
      unchangedMs: Math.round(unchanged.ms),
      changedMs: Math.round(changed.ms),
      unchangedCpuMs: Math.round(unchanged.cpuMs ?? 0),
      peakMiB: Math.round(peak / 2 ** 20),
    };
  } finally {
    discard(ground, folder);
    discard(ground, join(home, "kept"));
    for (const command of [
      ["rm", "scale"],
      ["prune", "--all"],
    ])
      await pack(ground, home, command).catch(() => undefined);
  }
}

interface Index {
  readonly manifests: { readonly annotations: Record<string, string> }[];
}

/** How long it takes to list 5,000 images: one index, as many entries. */
async function measureListing(ground: Ground, home: string): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  const path = join(home, "store", "index.json");
  const index = JSON.parse(readFileSync(path, "utf8")) as Index;
  const [first] = index.manifests;
  const key = "org.opencontainers.image.ref.name";
  const manifests = Array.from({ length: 5000 }, (_, at) => ({
    ...first!,
    // As many images as names: an image is told by its manifest's digest.
    digest: `sha256:${at.toString(16).padStart(64, "0")}`,
    annotations: { ...first!.annotations, [key]: `docker.io/library/image-${at}:latest` },
  }));
  writeFileSync(path, JSON.stringify({ ...index, manifests }));
  const runs = [];
  for (let at = 0; at < 3; at += 1)
    runs.push(
      await timed([process.execPath, ground.program, "images"], { env: { PACK_HOME: home }, meterIn: ground.folder }),
    );
  runs.sort((a, b) => a.ms - b.ms);
  if (runs[0]!.output.trim().split("\n").length < 5000) throw new Error("pack images does not list all images");
  return { ms: Math.round(runs[1]!.ms), cpuMs: Math.round(runs[1]!.cpuMs ?? 0) };
}

/** What grows with the size of a workload, and what does not; each size once. */
export async function measureScale(ground: Ground): Promise<Record<string, object>> {
  const home = await makeHome(ground);
  const found: Record<string, object> = {};
  try {
    for (const [title, shape] of Object.entries(shapes)) {
      ground.say(`scale: ${title}`);
      found[title] = await measureShape(ground, shape, home);
    }
    ground.say("scale: 5,000 images");
    found["pack images with 5,000 images"] = await measureListing(ground, home);
    return found;
  } finally {
    discard(ground, home);
  }
}
