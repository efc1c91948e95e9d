import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where the generated workload lives. */
export interface Workload {
  readonly app: string;
  readonly buildpack: string;
  readonly baseRoot: string;
  /** The folders of the app, of the launch and cache layer, and of the cache-only layer. */
  readonly parts: readonly string[];
}

/** One generated part. */
export interface Part {
  readonly files: number;
  readonly bytes: number;
}

/** Sizes of the generated parts, 1 being the workload that figures are given for. */
export function sizesAt(scale: number) {
  const part = (files: number, bytes: number): Part => ({
    files: Math.ceil(files * scale),
    bytes: Math.ceil(bytes * scale),
  });
  return {
    app: part(10_000, 200e6),
    launch: part(13_000, 400e6),
    cache: part(40, 400e6),
    base: part(2_000, 80e6),
  };
}

/** Repeatable bytes that compress about as well as code does: words from a small dictionary chosen by xorshift32. */
function wordsOf(seed: number, length: number): Buffer {
  const words = Array.from(
    { length: 512 },
    (_, at) => `${((at * 2654435761) >>> 0).toString(36)}${at % 7 === 0 ? "\n" : " "}`,
  );
  const out = Buffer.alloc(length);
  let state = seed | 1;
  let at = 0;
  while (at < length) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    at += out.write(words[(state >>> 0) % 512]!, at, "latin1");
  }
  return out;
}

function fill(folder: string, part: Part, seed: number): void {
  const source = wordsOf(seed, 4 << 20);
  const size = Math.floor(part.bytes / part.files);
  for (let at = 0; at < part.files; at += 1) {
    const directory = join(folder, `d${Math.floor(at / 400)}`, `e${Math.floor(at / 40) % 10}`);
    mkdirSync(directory, { recursive: true });
    const parts: Buffer[] = [Buffer.from(`${seed}-${at}\n`)];
    for (let left = size; left > 0; left -= source.length) {
      const from = left >= source.length ? 0 : (at * 7919) % (source.length - left);
      parts.push(source.subarray(from, from + Math.min(left, source.length)));
    }
    writeFileSync(join(directory, `f${at}.js`), Buffer.concat(parts));
  }
}

const descriptor = `api = "0.12"

[buildpack]
id = "bench/copy"
version = "1.0.0"
`;

const detect = "#!/bin/sh\nexit 0\n";

const build = `#!/bin/sh
set -e
layers=$CNB_LAYERS_DIR
if [ ! -d "$layers/deps" ]; then
  cp -r "$CNB_BUILDPACK_DIR/deps" "$layers/deps"
  cp -r "$CNB_BUILDPACK_DIR/cache" "$layers/cache"
else
  echo "Reusing layers"
fi
printf '[types]\\nlaunch = true\\ncache = true\\n[metadata]\\nkey = "1"\\n' > "$layers/deps.toml"
printf '[types]\\ncache = true\\n[metadata]\\nkey = "1"\\n' > "$layers/cache.toml"
printf '[[processes]]\\ntype = "web"\\ncommand = ["/bin/true"]\\ndefault = true\\n' > "$layers/launch.toml"
`;

/** Generates the workload below `folder` once; a finished one is used again, whatever its scale. */
export function makeWorkload(folder: string, scale: number): Workload {
  const sizes = sizesAt(scale);
  const app = join(folder, "app");
  const buildpack = join(folder, "buildpack");
  const parts = [app, join(buildpack, "deps"), join(buildpack, "cache")];
  const workload = { app, buildpack, baseRoot: join(folder, "base"), parts };
  if (existsSync(join(folder, "complete"))) return workload;
  fill(workload.app, sizes.app, 1);
  fill(join(workload.buildpack, "deps"), sizes.launch, 2);
  fill(join(workload.buildpack, "cache"), sizes.cache, 3);
  fill(workload.baseRoot, sizes.base, 4);
  mkdirSync(join(workload.buildpack, "bin"), { recursive: true });
  writeFileSync(join(workload.buildpack, "buildpack.toml"), descriptor);
  for (const [name, text] of [
    ["detect", detect],
    ["build", build],
  ] as const) {
    writeFileSync(join(workload.buildpack, "bin", name), text);
    chmodSync(join(workload.buildpack, "bin", name), 0o755);
  }
  writeFileSync(join(folder, "complete"), "");
  return workload;
}
