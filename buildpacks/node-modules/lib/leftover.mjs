// What package managers and compilers leave in node_modules: no part of any package, different from build to build, and
// some of it holds paths and settings of the build environment.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const notes = [
  ".package-lock.json",
  ".yarn-integrity",
  ".modules.yaml",
  ".pnpm-workspace-state.json",
  ".pnpm-workspace-state-v1.json",
  ".pnpm/lock.yaml",
  ".cache",
  ".vite",
  ".vite-temp",
];

/** Removes the package manager's notes and build tools' caches from a node_modules directory. */
export function dropNotes(modules) {
  for (const name of notes) remove(join(modules, name));
}

/** Removes, at any depth, what node-gyp needed to compile an add-on; the add-on itself stays. */
export function dropCompilerFiles(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(directory, entry.name);
    if (entry.name === "build" && existsSync(join(path, "config.gypi"))) dropIntermediates(path);
    else dropCompilerFiles(path);
  }
}

function dropIntermediates(build) {
  const files = readdirSync(build).filter((name) => /^config\.gypi$|^node_gyp_bins$|Makefile$|\.mk$/.test(name));
  for (const name of files) remove(join(build, name));
  for (const variant of ["Release", "Debug"]) {
    for (const name of [".deps", "obj", "obj.target"]) remove(join(build, variant, name));
  }
}

function remove(path) {
  rmSync(path, { recursive: true, force: true });
}
