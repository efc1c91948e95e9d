// The package registry, as the npm client of the build environment is configured to reach it.
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { giveUp } from "./output.mjs";
import { temporaryDirectory } from "./temporary.mjs";

/** What to do when the registry cannot be reached. */
export const registryHint = "Check the registry that npm is configured to use, or bind an npmrc.";

/**
 * Runs the build environment's own npm on its own Node.js and returns `{ status, stdout, stderr }`.
 * Layers are taken off PATH: npm runs on few majors of Node.js, and the app's need not be one of them.
 */
export function npm(...args) {
  const layers = `${dirname(process.env.CNB_LAYERS_DIR ?? process.argv[2])}/`;
  const path = process.env.PATH.split(":").filter((entry) => !entry.startsWith(layers));
  const quiet = ["--logs-max=0", "--loglevel=error", "--no-update-notifier", "--no-audit", "--no-fund"];
  const run = spawnSync("npm", [...args, "--cache", temporaryDirectory(), ...quiet], {
    env: { ...process.env, PATH: path.join(":") },
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.error) giveUp(`Cannot run npm: ${run.error.message}`, "The build environment must have npm on its PATH.");
  return run;
}

/**
 * Asks which published versions of a package a semver range allows, as npm resolves it. Returns `{ versions }`, a list of
 * `{ version, integrity }`, oldest first and perhaps empty, or `{ because }` when the registry could not be asked.
 */
export function published(name, range) {
  const { status, stdout, stderr } = npm("view", `${name}@${range}`, "version", "dist.integrity", "--json");
  const answer = stdout.trim();
  if (status !== 0) {
    const error = answer.startsWith("{") ? JSON.parse(answer).error : { summary: stderr };
    return error.code === "E404" ? { versions: [] } : { because: error.summary.trim().split("\n")[0] };
  }
  const found = answer === "" ? [] : [JSON.parse(answer)].flat();
  const versions = found.map((entry) => ({ version: entry.version, integrity: entry["dist.integrity"] }));
  return { versions: versions.sort((a, b) => compareVersions(a.version, b.version)) };
}

function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split("-")[0].split(".").map(Number));
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}

/** True for text that is a semver range and nothing else npm would understand, such as an alias, a path or an address. */
export function isRange(text) {
  return /^[\w.*^~<>=|+ -]+$/.test(text);
}
