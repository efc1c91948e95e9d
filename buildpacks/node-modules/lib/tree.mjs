// Moves the node_modules directories of an app between the app and a layer, which holds them at the same relative paths.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { dropNotes } from "./leftover.mjs";
import { failureOf, giveUp } from "./output.mjs";

/** The outermost node_modules directories and links at or under a directory, as relative paths, sorted. */
export function modulesUnder(directory) {
  const walk = (at) =>
    readdirSync(join(directory, at), { withFileTypes: true }).flatMap((entry) => {
      if (entry.name === "node_modules") return [join(at, entry.name)];
      return entry.isDirectory() && entry.name !== ".git" ? walk(join(at, entry.name)) : [];
    });
  return walk("").sort();
}

/** Removes every node_modules directory or link of the app; says how many there were. */
export function clearModules(app) {
  const found = modulesUnder(app);
  for (const path of found) rmSync(join(app, path), { recursive: true, force: true });
  return found.length;
}

/** Copies the node_modules directories of one place to the other. */
export function copyModules(from, to) {
  for (const path of modulesUnder(from)) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    run("cp", "-a", join(from, path), join(to, path));
  }
}

/** Moves the app's node_modules directories into a layer, without what package managers and build tools noted there. */
export function moveModules(app, layer) {
  const moved = modulesUnder(app);
  for (const path of moved) {
    dropNotes(join(app, path));
    for (const link of linksUnder(join(app, path))) keepPointing(link, app, moved);
    mkdirSync(dirname(join(layer, path)), { recursive: true });
    run("mv", join(app, path), join(layer, path));
  }
}

/** Puts links into the app, one for each node_modules directory of the layer. */
export function linkModules(app, layer) {
  for (const path of modulesUnder(layer)) symlinkSync(join(layer, path), join(app, path));
}

/** Makes a link absolute when it leads out of what moves, as those to packages of a workspace do. */
function keepPointing(link, app, moved) {
  const target = resolve(dirname(link), readlinkSync(link));
  const place = relative(app, target);
  if (place.startsWith("..") || moved.some((path) => place === path || place.startsWith(`${path}/`))) return;
  rmSync(link);
  symlinkSync(target, link);
}

function linksUnder(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isSymbolicLink()) return [path];
    return entry.isDirectory() ? linksUnder(path) : [];
  });
}

function run(command, ...args) {
  const failure = failureOf(spawnSync(command, args, { encoding: "utf8" }));
  if (failure) giveUp(`Cannot ${command} ${args.join(" ")}: ${failure}`, "Is there enough space?");
}
