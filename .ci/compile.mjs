// Compiles src/ into dist/: the library module by module with its types, and the command's program as one file, dist/pack.cjs, with the code V8 makes of it.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";
import { Script } from "node:vm";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");

/** The names and licences of the libraries that a bundle holds. */
function noticesOf(inputs) {
  const folders = new Set(
    Object.keys(inputs).flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  return [...folders].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} has no licence file`);
    return `${name} ${version}\n\n${readFileSync(join(root, folder, file), "utf8").trim()}\n`;
  });
}

/** What V8 makes of a script and all its functions. When it is used V8 compares the flags, so they are the usual ones again before it is written. */
function codeOf(text, filename) {
  v8.setFlagsFromString("--no-lazy");
  const script = new Script(text, { filename });
  v8.setFlagsFromString("--lazy");
  return script.createCachedData();
}

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", root], { stdio: ["ignore", "inherit", "inherit"] });
if (status !== 0) process.exit(1);
const program = join(dist, "pack.cjs");
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ["src/cli/main.ts"],
  outfile: program,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
  define: { "import.meta.url": "moduleUrl" },
  // Large, and most commands do without.
  external: ["dockerode", "execa", "undici"],
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});
writeFileSync(join(dist, "pack.licenses"), noticesOf(metafile.inputs).join(`\n${"-".repeat(80)}\n\n`));
writeFileSync(join(dist, "pack.code"), codeOf(module.wrap(readFileSync(program, "latin1")), program));
