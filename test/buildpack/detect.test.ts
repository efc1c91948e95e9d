import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { groupOf, Workspace } from "./lifecycle.ts";

const nodejs = groupOf("nodejs/buildpack.toml", 0);
const site = groupOf("builder.toml", 1);
const procfile = groupOf("builder.toml", 2);

let workspace: Workspace;
beforeEach(() => {
  workspace = new Workspace("");
});
afterEach(() => workspace.remove());

/** Writes files into the app; objects become JSON. */
function write(files: Record<string, string | object>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace.app, path)), { recursive: true });
    writeFileSync(join(workspace.app, path), typeof content === "string" ? content : JSON.stringify(content));
  }
}

const start = { scripts: { start: "node ." }, dependencies: { ms: "2" } };

describe("which buildpacks take part", () => {
  it.each([
    ["node-npm", nodejs, ["node-engine", "npm", "node-modules", "node-start"]],
    ["node-yarn", nodejs, ["node-engine", "yarn", "node-modules", "node-start"]],
    ["node-pnpm", nodejs, ["node-engine", "pnpm", "node-modules", "node-start"]],
    ["procfile-app", nodejs, ["node-engine", "node-start", "procfile"]],
    ["static-site", nodejs, undefined],
    ["static-site", site, ["node-engine", "static"]],
    ["static-built", nodejs, undefined],
    ["static-built", site, ["node-engine", "npm", "node-modules", "static"]],
  ])("in the sample %s", (sample, group, expected) => {
    workspace.checkOut(sample);
    expect(workspace.settle(group)).toEqual(expected);
  });

  it("no group takes an empty directory", () => {
    for (const group of [nodejs, site, procfile]) expect(workspace.settle(group)).toBeUndefined();
  });

  it("a Procfile alone is enough for the last group", () => {
    write({ Procfile: "web: ./serve" });
    expect(workspace.settle(nodejs)).toBeUndefined();
    expect(workspace.settle(site)).toBeUndefined();
    expect(workspace.settle(procfile)).toEqual(["procfile"]);
  });

  it("packageManager decides between two lockfiles", () => {
    write({ "package.json": start, "package-lock.json": {}, "yarn.lock": "" });
    expect(workspace.settle(nodejs)).toContain("npm");
    write({ "package.json": { ...start, packageManager: "yarn@1.22.22" } });
    expect(workspace.settle(nodejs)).toEqual(["node-engine", "yarn", "node-modules", "node-start"]);
  });

  it("npm serves without any lockfile", () => {
    write({ "package.json": start });
    expect(workspace.settle(nodejs)).toContain("npm");
  });

  it("an app without dependencies needs no package manager", () => {
    write({ "package.json": { scripts: { start: "node ." } } });
    expect(workspace.settle(nodejs)).toEqual(["node-engine", "node-start"]);
  });

  it("Yarn requires node and node-modules requires and provides node_modules", () => {
    write({ "package.json": start, "yarn.lock": "" });
    expect(workspace.detect("node-engine").plan).toEqual({ provides: ["node"], requires: [] });
    expect(workspace.detect("yarn").plan).toEqual({ provides: ["yarn"], requires: ["node"] });
    expect(workspace.detect("node-modules").plan).toEqual({
      provides: ["node_modules"],
      requires: ["node", "yarn", "node_modules"],
    });
  });

  it("DET-002 a package.json that is not JSON is an error, not a plain no", () => {
    write({ "package.json": "{ name: " });
    for (const name of ["node-modules", "node-start", "static"]) {
      const { status, output } = workspace.detect(name);
      expect(status).toBe(1);
      expect(output).toMatch(/^ERROR: Cannot read package\.json: .+\n {2}It must be valid JSON\.\n$/);
    }
  });
});
