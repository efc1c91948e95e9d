import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { dropLayer, emptyLayer, layerPath, restored, writeEnv, writeLayer } from "./layer.mjs";
import { dropCompilerFiles } from "./leftover.mjs";
import { managerOf } from "./manager.mjs";
import { failureOf, giveUp, say, title } from "./output.mjs";
import { packagesIn } from "./packages.mjs";
import { installKey, installScripts, readManifests, whyNotRepeatable } from "./project.mjs";
import { npmComponent, writeSbom } from "./sbom.mjs";
import { clearModules, copyModules, linkModules, modulesUnder, moveModules } from "./tree.mjs";

title();
const app = process.cwd();
const manifests = readManifests();
const [[, { scripts = {}, ...manifest }]] = manifests;
const manager = managerOf(manifest);

// Building, and the app's own install scripts, may need development dependencies, so everything is installed first and
// pruned last. Otherwise only what the running app needs is ever installed.
const full =
  Boolean(scripts.build) || manifests.some(([, { scripts: own = {} }]) => installScripts.some((name) => own[name]));
const layer = full ? "build-modules" : "modules";

const environment = { ...process.env, CI: "true" };
const because = whyNotRepeatable(manifests, manager.lockfile);
const toolVersion = capture("--version");
const key = installKey(manifests, [manager.name, toolVersion, process.version, process.arch, full]);
const reusable = !because && restored(layer)?.key === key;

if (clearModules(app) > 0) say("Leaving out node_modules of the source: packages come from the lockfile");
if (reusable) {
  say(`Reusing cached node_modules: ${manager.lockfile}, ${manager.name} and Node.js are unchanged`);
  if (full) copyModules(layerPath(layer), app);
} else {
  install();
}
if (scripts.build) {
  say("Running the build script");
  run("Cannot build the app", manager.build);
}
if (full) {
  say("Pruning development dependencies");
  capture(...manager.prune(layerPath("packages")));
}
if (full || !reusable) finishModules();

if (existsSync(layerPath("modules"))) {
  linkModules(app, layerPath("modules"));
  writeLayer("modules", full ? ["launch"] : ["launch", "cache"], { key });
}
if (existsSync(layerPath("build-modules"))) writeLayer("build-modules", ["cache"], { key });
if (existsSync(layerPath("packages"))) writeLayer("packages", ["cache"], {});

function install() {
  if (!manager.lockfile) say("Warning: without a lockfile each build may get other versions; commit package-lock.json");
  say(`Installing with ${manager.name} ${toolVersion}${because ? `, as on every build: ${because}` : ""}`);
  for (const name of ["modules", "build-modules"]) dropLayer(name);
  mkdirSync(layerPath("packages"), { recursive: true });
  run("Cannot install packages", manager.install(full, layerPath("packages"), manager.lockfile));
  for (const path of modulesUnder(app)) dropCompilerFiles(join(app, path));
  if (full && !because) keepForBuilds();
}

/** Keeps everything that builds of the app need for the next one, with its own bill of materials. */
function keepForBuilds() {
  copyModules(app, emptyLayer("build-modules"));
  writeSbom("build-modules", packagesOf(app));
}

/** The components of every package in the node_modules directories under a directory. */
function packagesOf(directory) {
  return packagesIn(modulesUnder(directory).map((path) => join(directory, path))).map(npmComponent);
}

function finishModules() {
  const modules = emptyLayer("modules");
  moveModules(app, modules);
  const found = packagesOf(modules);
  say(`Packages for the running app: ${found.length}`);
  if (found.length === 0) return dropLayer("modules");

  writeSbom("modules", found);
  const programs = join(modules, "node_modules", ".bin");
  if (existsSync(programs)) writeEnv("modules", { "env.launch/PATH.append": programs, "env.launch/PATH.delim": ":" });
}

/** Runs the package manager with its output as part of ours. */
function run(failure, args) {
  const reason = failureOf(spawnSync(manager.name, args, { stdio: "inherit", env: environment }));
  if (reason) giveUp(`${failure}: ${manager.name} failed, ${reason}`, "See what it says above.");
}

/** Runs the package manager and returns what it printed, which is shown only when it fails. */
function capture(...args) {
  const finished = spawnSync(manager.name, args, { encoding: "utf8", env: environment });
  const reason = failureOf(finished);
  if (reason) giveUp(`Cannot run ${manager.name} ${args[0]}: ${reason}`, "It should be on PATH and able to run.");
  return finished.stdout.trim();
}
