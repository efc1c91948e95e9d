// Makes a fresh clone ready to run: installs what package-lock.json lists and compiles src/ into dist/, each only when needed.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const lock = readFileSync(join(root, "package-lock.json"), "utf8");
const installed = join(root, "node_modules", ".plinth-lock");
const built = join(root, "dist", ".built");
const compile = join(root, ".ci", "compile.mjs");

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (error || status !== 0) {
    console.error(`Cannot get ready: "${command} ${args.join(" ")}" ${error ? error.message : `ended with ${status}`}`);
    process.exit(1);
  }
}

function newest(folder) {
  let time = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) time = Math.max(time, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }
  return time;
}

if (!existsSync(installed) || readFileSync(installed, "utf8") !== lock) {
  console.log("Installing the libraries that package-lock.json lists…");
  // Not "npm ci": it refuses where a mirror lacks the packages for other platforms, which nobody here needs.
  run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]);
  writeFileSync(installed, lock);
}
if (
  !existsSync(built) ||
  statSync(built).mtimeMs <
    Math.max(newest(join(root, "src")), ...[compile, join(root, "tsconfig.json")].map((path) => statSync(path).mtimeMs))
) {
  console.log("Compiling…");
  run(process.execPath, [compile]);
  writeFileSync(built, "");
}
