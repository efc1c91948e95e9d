// What of an app decides how its packages are installed.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { giveUp } from "./output.mjs";

/** Files, or directories of files, that package managers and common install scripts read. */
const inputs = [
  "package-lock.json",
  "npm-shrinkwrap.json",
  "yarn.lock",
  "pnpm-lock.yaml",
  "pnpm-workspace.yaml",
  ".npmrc",
  ".yarnrc",
  ".pnpmfile.cjs",
  "patches",
  "prisma",
];

const dependencyFields = [
  "dependencies",
  "devDependencies",
  "optionalDependencies",
  "peerDependencies",
  "dependenciesMeta",
  "overrides",
  "resolutions",
  "workspaces",
  "pnpm",
];

/** Reads a package.json or ends with an error. */
export function readManifest(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    return giveUp(`Cannot read ${path}: ${error.message}`, "It must be valid JSON.");
  }
}

/** The app's package.json and, where it may link to others, every readable one: `[path, manifest]`, the app's first. */
export function readManifests() {
  const manifest = readManifest("package.json");
  const specs = Object.values({ ...manifest.dependencies, ...manifest.devDependencies });
  const links = specs.some((spec) => /^(file|link|portal|workspace):/.test(spec));
  if (!manifest.workspaces && !existsSync("pnpm-workspace.yaml") && !links) return [["package.json", manifest]];
  const others = filesUnder(".").filter((path) => path.endsWith("/package.json"));
  return [["package.json", manifest], ...others.flatMap(readIfValid)];
}

/** Some are no packages at all: a broken one in a test's fixtures is nobody's dependency. */
function readIfValid(path) {
  try {
    return [[path, JSON.parse(readFileSync(path, "utf8"))]];
  } catch {
    return [];
  }
}

/** A digest of all that an install depends on: the lockfile and its like, dependency fields, and the given versions. */
export function installKey(manifests, versions) {
  const hash = createHash("sha256").update(JSON.stringify(versions));
  for (const [path, manifest] of manifests) {
    hash.update(JSON.stringify([path, ...dependencyFields.map((field) => manifest[field] ?? null)]));
  }
  for (const path of inputs.flatMap((input) => (existsSync(input) ? filesUnder(input) : []))) {
    hash.update(JSON.stringify([path, createHash("sha256").update(readFileSync(path)).digest("hex")]));
  }
  return hash.digest("hex");
}

/** Why an install cannot be known to repeat itself, or undefined: then equal keys mean equal packages. */
export function whyNotRepeatable(manifests, lockfile) {
  if (!lockfile) return "there is no lockfile";
  for (const [path, { scripts = {}, ...manifest }] of manifests) {
    const hook = installScripts.find((name) => scripts[name]);
    if (hook) return `the ${hook} script of ${path} may read or write anything`;
    const specs = ["dependencies", "devDependencies", "optionalDependencies"].flatMap((kind) =>
      Object.entries(manifest[kind] ?? {}),
    );
    const local = specs.find(([, spec]) => String(spec).startsWith("file:"));
    if (local) return `${local[0]} of ${path} is a file: dependency`;
  }
  return undefined;
}

/** The scripts of an app that package managers run after they installed. */
export const installScripts = [
  "preinstall",
  "install",
  "postinstall",
  "prepublish",
  "preprepare",
  "prepare",
  "postprepare",
];

/** All files at or under a path, sorted, without those under node_modules and .git and without links. */
function filesUnder(path) {
  const walk = (at) =>
    readdirSync(at, { withFileTypes: true }).flatMap((entry) => {
      if (entry.isDirectory()) return ["node_modules", ".git"].includes(entry.name) ? [] : walk(join(at, entry.name));
      return entry.isFile() ? [join(at, entry.name)] : [];
    });
  return statSync(path).isFile() ? [path] : walk(path).sort();
}
