// The packages inside node_modules directories, read from disk, the same for every package manager.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Every package in some node_modules directories and those nested in them: `{ name, version, license }`, each once. */
export function packagesIn(directories) {
  const found = new Map();
  for (const directory of directories) collect(directory, found);
  return [...found.values()];
}

function collect(modules, found) {
  for (const directory of packageDirectories(modules)) {
    const manifest = join(directory, "package.json");
    if (existsSync(manifest)) {
      const { name, version, license } = JSON.parse(readFileSync(manifest, "utf8"));
      if (name && version) found.set(`${name}@${version}`, { name, version, license });
    }
    if (existsSync(join(directory, "node_modules"))) collect(join(directory, "node_modules"), found);
  }
}

/** Real directories only: links lead to packages that are listed where they are, or to the app itself. */
function packageDirectories(modules) {
  return directoriesIn(modules).flatMap((name) => {
    if (name.startsWith("@")) return directoriesIn(join(modules, name)).map((inner) => join(modules, name, inner));
    // The virtual store of pnpm holds one directory with a node_modules of its own for each package.
    if (name === ".pnpm") return directoriesIn(join(modules, name)).map((inner) => join(modules, name, inner));
    return [join(modules, name)];
  });
}

function directoriesIn(path) {
  const entries = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return entries.map(({ name }) => name);
}
