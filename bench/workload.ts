import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where the generated workload lives and how large it is. */
export interface Workload {
  readonly app: string;
  readonly buildpack: string;
  readonly baseRoot: string;
}

/** Sizes of the generated parts: files and bytes. */
export const sizes = {
  app: { files: 10_000, bytes: 200e6 },
  launch: { files: 13_000, bytes: 400e6 },
  cache: { files: 40, bytes: 400e6 },
  base: { files: 2_000, bytes: 80e6 },
} as const;

/** Repeatable bytes that compress about as well as code does: words from a small dictionary chosen by xorshift32. */
function wordsOf(seed: number, length: number): Buffer {
  const words = Array.from({ length: 512 }, (_, at) => `${((at * 2654435761) >>> 0).toString(36)}${at % 7 === 0 ? "\n" : " "}`);
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

function fill(folder: string, part: { files: number; bytes: number }, seed: number): void {
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

/** Generates the workload below `folder` once; a finished one is used again. */
export function makeWorkload(folder: string): Workload {
  const workload = { app: join(folder, "app"), buildpack: join(folder, "buildpack"), baseRoot: join(folder, "base") };
  if (existsSync(join(folder, "complete"))) return workload;
  fill(workload.app, sizes.app, 1);
  fill(join(workload.buildpack, "deps"), sizes.launch, 2);
  fill(join(workload.buildpack, "cache"), sizes.cache, 3);
  fill(workload.baseRoot, sizes.base, 4);
  mkdirSync(join(workload.buildpack, "bin"), { recursive: true });
  writeFileSync(join(workload.buildpack, "buildpack.toml"), descriptor);
  for (const [name, text] of [["detect", detect], ["build", build]] as const) {
    writeFileSync(join(workload.buildpack, "bin", name), text);
    chmodSync(join(workload.buildpack, "bin", name), 0o755);
  }
  writeFileSync(join(folder, "complete"), "");
  return workload;
}
