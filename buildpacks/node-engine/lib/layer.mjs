// The layers directory of this buildpack, as the Buildpack specification lays it out ("Layer Content Metadata").
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const layers = process.env.CNB_LAYERS_DIR ?? process.argv[2];

/** Where the contents of a layer live. */
export function layerPath(name) {
  return join(layers, name);
}

/** The metadata of a layer that came back from an earlier build together with its contents, else undefined. */
export function restored(name) {
  const toml = `${layerPath(name)}.toml`;
  if (!existsSync(toml) || !existsSync(layerPath(name))) return undefined;
  const pairs = readFileSync(toml, "utf8").matchAll(/^\s*([\w-]+)\s*=\s*["'](.*)["']\s*$/gm);
  return Object.fromEntries([...pairs].map(([, key, value]) => [key, value]));
}

/** Removes whatever an earlier build left in a layer and returns its path, an empty directory. */
export function emptyLayer(name) {
  dropLayer(name);
  mkdirSync(layerPath(name), { recursive: true });
  return layerPath(name);
}

/** Removes a layer, its metadata and its SBOM. */
export function dropLayer(name) {
  for (const end of ["", ".toml", ".sbom.cdx.json"]) rmSync(layerPath(name) + end, { recursive: true, force: true });
}

/** Declares a layer: `types` is a list of "launch", "build" and "cache", `metadata` holds plain strings. */
export function writeLayer(name, types, metadata) {
  const pairs = Object.entries(metadata).map(([key, value]) => `${key} = "${value}"\n`);
  const text = `[types]\n${types.map((type) => `${type} = true\n`).join("")}\n[metadata]\n${pairs.join("")}`;
  writeFileSync(`${layerPath(name)}.toml`, text);
}

/** Writes environment files into a layer: `{ "env.launch/PATH.append": "…" }`. */
export function writeEnv(name, files) {
  for (const [file, value] of Object.entries(files)) {
    const path = join(layerPath(name), file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, value);
  }
}
