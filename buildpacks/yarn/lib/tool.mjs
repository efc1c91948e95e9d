// Puts a package manager of the npm registry into a layer, so that a build does not depend on what the machine has.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { emptyLayer, layerPath, restored, writeLayer } from "./layer.mjs";
import { failureOf, giveUp, say } from "./output.mjs";
import { isRange, npm, published, registryHint } from "./registry.mjs";
import { npmComponent, writeSbom } from "./sbom.mjs";
import { temporaryDirectory } from "./temporary.mjs";

/** package.json of the app, or an empty object. */
function appManifest() {
  return existsSync("package.json") ? JSON.parse(readFileSync("package.json", "utf8")) : {};
}

/**
 * Provides the package manager `name` on PATH, in the version that `packageManager` or `engines` of package.json ask
 * for, else in the major `fallback`, which is also preferred where a range allows several. A restored version serves as
 * long as the same range is asked for.
 */
export function provideTool(name, fallback) {
  const app = appManifest();
  const [pinned, sum] = pinnedVersion(name, app.packageManager);
  const range = pinned ?? app.engines?.[name] ?? fallback;
  const source = pinned
    ? "packageManager of package.json"
    : app.engines?.[name]
      ? "engines of package.json"
      : "default";
  if (!isRange(range)) giveUp(`Cannot read the ${name} version at ${source}: "${range}"`, "Write a semver range.");

  const cached = restored(name);
  if (cached?.range === range) {
    say(`Reusing cached ${name} ${cached.version}`);
  } else {
    install(name, range, source, { sum, fallback });
  }
  const { version } = JSON.parse(readFileSync(join(layerPath(name), "node_modules", name, "package.json"), "utf8"));
  writeLayer(name, isCalled(app, name) ? ["launch", "build", "cache"] : ["build", "cache"], { version, range });
}

/** The version and the sha512 sum of a packageManager entry such as "yarn@1.22.22+sha512.0a1b…", when it names this tool. */
function pinnedVersion(name, entry = "") {
  const [, tool, version, sum] = /^(.+)@([^+]+)(?:\+sha512\.([0-9a-f]+))?/.exec(entry) ?? [];
  return tool === name ? [version, sum] : [];
}

/** True when what starts the app calls the tool, which must then be in the image. */
function isCalled({ scripts = {} }, name) {
  const procfile = existsSync("Procfile") ? readFileSync("Procfile", "utf8") : "";
  const commands = [scripts.prestart, scripts.start, scripts.poststart, procfile].join("\n");
  const words = { npm: "npm|npx", yarn: "yarn|yarnpkg", pnpm: "pnpm|pnpx" }[name];
  return new RegExp(`(^|[^\\w.-])(${words})(?![\\w.-])`).test(commands);
}

const newest = (versions) => versions[versions.length - 1];

function install(name, range, source, { sum, fallback }) {
  const { versions, because } = published(name, range);
  if (because) giveUp(`Cannot look up ${name} ${range}: ${because}`, registryHint);
  const best = newest(versions.filter((entry) => entry.version.startsWith(`${fallback}.`))) ?? newest(versions);
  if (!best) giveUp(`Cannot find ${name} ${range} at ${source}: no published version fits`, "Choose another version.");
  const { version, integrity } = best;
  if (sum && integrity !== `sha512-${Buffer.from(sum, "hex").toString("base64")}`) {
    giveUp(`Cannot use ${name} ${version}: package.json expects another sha512 sum`, "Correct packageManager.");
  }
  say(`Installing ${name} ${version}, for "${range}" (${source})`);

  // npm reads the project's configuration where it installs to; there the app's own must be.
  const directory = temporaryDirectory();
  if (existsSync(".npmrc")) copyFileSync(".npmrc", join(directory, ".npmrc"));
  const run = npm("install", "--prefix", directory, "--ignore-scripts", "--no-save", `${name}@${version}`);
  const failure = failureOf(run);
  if (failure) giveUp(`Cannot install ${name} ${version}: ${failure}`, registryHint);

  const modules = join(directory, "node_modules");
  rmSync(join(modules, ".package-lock.json"), { force: true });
  const unmoved = failureOf(spawnSync("mv", [modules, emptyLayer(name)], { encoding: "utf8" }));
  if (unmoved) giveUp(`Cannot write layer ${name}: ${unmoved}`, "Is there enough space?");
  linkPrograms(name);
  writeSbom(name, [npmComponent({ name, version, integrity })]);
}

/** Makes a bin directory of the programs that npm linked inside node_modules. */
function linkPrograms(name) {
  const programs = join(layerPath(name), "node_modules", ".bin");
  mkdirSync(join(layerPath(name), "bin"));
  for (const program of readdirSync(programs)) {
    const target = join("..", "node_modules", ".bin", readlinkSync(join(programs, program)));
    symlinkSync(target, join(layerPath(name), "bin", program));
  }
}
