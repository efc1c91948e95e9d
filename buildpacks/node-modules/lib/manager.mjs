// The three package managers: which one an app uses, and how each installs and prunes.
import { existsSync } from "node:fs";

const runBuild = ["run", "build"];

const managers = {
  npm: {
    lockfiles: ["npm-shrinkwrap.json", "package-lock.json"],
    install: (full, downloads, locked) => [
      ...(locked ? ["ci"] : ["install", "--no-package-lock"]),
      full ? "--include=dev" : "--omit=dev",
      ...npmFlags(downloads),
    ],
    build: runBuild,
    prune: (downloads) => ["prune", "--omit=dev", "--ignore-scripts", ...npmFlags(downloads)],
  },
  yarn: {
    lockfiles: ["yarn.lock"],
    install: (full, downloads) => ["install", `--production=${!full}`, ...yarnFlags(downloads)],
    build: runBuild,
    prune: (downloads) => ["install", "--production=true", "--ignore-scripts", ...yarnFlags(downloads)],
  },
  pnpm: {
    lockfiles: ["pnpm-lock.yaml"],
    install: (full, downloads) => ["install", full ? "--prod=false" : "--prod", ...pnpmFlags(downloads)],
    // Else it compares node_modules with the lockfile before it runs a script, and installs again.
    build: ["--config.verify-deps-before-run=false", "--config.pm-on-fail=ignore", ...runBuild],
    prune: (downloads) => ["install", "--prod", "--offline", "--ignore-scripts", ...pnpmFlags(downloads)],
  },
};

const npmFlags = (downloads) => [
  "--cache",
  downloads,
  "--logs-max=0",
  "--no-audit",
  "--no-fund",
  "--no-update-notifier",
];
const yarnFlags = (downloads) => [
  "--frozen-lockfile",
  "--non-interactive",
  "--prefer-offline",
  "--cache-folder",
  downloads,
];
// Copies instead of hard links, so that no layer shares a file with the store; no absolute paths in node_modules/.bin;
// what is pruned goes at once instead of a week later; no looking for another pnpm than the one that runs.
const pnpmFlags = (downloads) => [
  "--frozen-lockfile",
  "--store-dir",
  downloads,
  "--config.package-import-method=copy",
  "--config.extend-node-path=false",
  "--config.modules-cache-max-age=0",
  "--config.confirm-modules-purge=false",
  "--config.pm-on-fail=ignore",
];

/**
 * The package manager of the app in the working directory: `{ name, lockfile, install, build, prune }`. The one packageManager
 * names if its lockfile is there, else that of the first lockfile found, else npm without a lockfile.
 */
export function managerOf({ packageManager = "" }) {
  const found = Object.entries(managers).flatMap(([name, manager]) => {
    const lockfile = manager.lockfiles.find((file) => existsSync(file));
    return lockfile ? [{ name, lockfile, ...manager }] : [];
  });
  const named = found.find(({ name }) => packageManager.startsWith(`${name}@`));
  return named ?? found[0] ?? { name: "npm", lockfile: undefined, ...managers.npm };
}
