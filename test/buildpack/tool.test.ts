import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Workspace } from "./lifecycle.ts";
import { FakeRegistry } from "./registry.ts";

const sum = createHash("sha512").update("a package").digest();
const integrity = `sha512-${sum.toString("base64")}`;

let registry: FakeRegistry;
let workspace: Workspace;
beforeAll(() => {
  registry = new FakeRegistry();
});
afterAll(() => registry.remove());
beforeEach(() => {
  registry.reset();
  workspace = new Workspace("", registry.variables);
});
afterEach(() => workspace.remove());

function write(files: Record<string, string | object>): void {
  for (const [path, content] of Object.entries(files)) {
    writeFileSync(join(workspace.app, path), typeof content === "string" ? content : JSON.stringify(content));
  }
}

const metadataOf = (name: string) =>
  parse(readFileSync(join(workspace.layersOf(name), `${name}.toml`), "utf8"))["metadata"];

describe("the buildpacks of package managers", () => {
  it("BUILD-011 SBOM-018 put the program into a layer that is described, and nothing npm noted about where it came from", () => {
    registry.publish({ "yarn@1": ["1.22.21", "1.22.22"] }, integrity);
    write({ "package.json": {}, "yarn.lock": "" });
    const { status, output } = workspace.build(["yarn"]);
    expect([status, output]).toEqual([0, expect.stringContaining('Installing yarn 1.22.22, for "1" (default)')]);
    expect(readdirSync(workspace.app).sort()).toEqual(["package.json", "yarn.lock"]);
    const layer = join(workspace.layersOf("yarn"), "yarn");
    expect(readlinkSync(join(layer, "bin/yarn"))).toBe("../node_modules/yarn/cli.js");
    expect(existsSync(join(layer, "node_modules/.package-lock.json"))).toBe(false);
    expect(metadataOf("yarn")).toEqual({ version: "1.22.22", range: "1" });
    expect(workspace.typesOf("yarn", "yarn")).toEqual(["build", "cache"]);
    expect(JSON.parse(readFileSync(`${layer}.sbom.cdx.json`, "utf8")).components).toEqual([
      {
        type: "library",
        name: "yarn",
        version: "1.22.22",
        hashes: [{ alg: "SHA-512", content: sum.toString("hex") }],
        purl: "pkg:npm/yarn@1.22.22",
      },
    ]);
  });

  it("ask nothing while the same range is asked for", () => {
    registry.publish({ "yarn@1": ["1.22.22"] }, integrity);
    write({ "package.json": {}, "yarn.lock": "" });
    workspace.build(["yarn"]);
    workspace.restore();
    registry.goDown();
    expect(workspace.build(["yarn"])).toMatchObject({
      status: 0,
      output: expect.stringContaining("Reusing cached yarn 1.22.22"),
    });
    workspace.restore();
    write({ "package.json": { engines: { yarn: "1.22.19" } } });
    expect(workspace.build(["yarn"])).toMatchObject({
      status: 1,
      output: expect.stringContaining("ERROR: Cannot look up yarn 1.22.19: request failed, reason: no such host\n"),
    });
  });

  it("run the build environment's npm on its Node.js, not on the app's", () => {
    registry.publish({ "yarn@1": ["1.22.22"] }, integrity);
    write({ "package.json": {}, "yarn.lock": "" });
    const engine = join(workspace.layersOf("node-engine"), "node/bin");
    mkdirSync(engine, { recursive: true });
    workspace.variables["PATH"] = `${engine}:${workspace.variables["PATH"]}`;
    workspace.build(["yarn"]);
    expect(registry.calls().map(({ path }) => path.split(":").includes(engine))).toEqual([false, false]);
  });

  it.each([
    [{ packageManager: "yarn@1.22.19" }, "1.22.19", "packageManager of package.json"],
    [{ packageManager: "pnpm@9.0.0", engines: { yarn: ">=1" } }, ">=1", "engines of package.json"],
  ])("take the version from %j", (manifest, range, source) => {
    registry.publish({ [`yarn@${range}`]: ["1.22.19", "2.4.3"] }, integrity);
    write({ "package.json": manifest, "yarn.lock": "" });
    // Of several majors the one the buildpack is made for.
    expect(workspace.build(["yarn"]).output).toContain(`Installing yarn 1.22.19, for "${range}" (${source})`);
  });

  it("check the sum that packageManager gives", () => {
    registry.publish({ "pnpm@10.1.0": ["10.1.0"] }, integrity);
    const pinned = (hex: string) => ({
      "package.json": { packageManager: `pnpm@10.1.0+sha512.${hex}` },
      "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
    });
    write(pinned(sum.toString("hex").replace(/^./, (digit) => (digit === "0" ? "1" : "0"))));
    expect(workspace.build(["pnpm"])).toMatchObject({
      status: 1,
      output: expect.stringContaining("ERROR: Cannot use pnpm 10.1.0: package.json expects another sha512 sum\n"),
    });
    write(pinned(sum.toString("hex")));
    expect(workspace.build(["pnpm"])).toMatchObject({ status: 0 });
  });

  it("choose a pnpm that reads the lockfile, and an npm that belongs to this Node.js", () => {
    const major = process.versions.node.split(".")[0];
    const npm = { 18: "10", 20: "10", 22: "10" }[major!] ?? "11";
    registry.publish({ "pnpm@8": ["8.15.9"], "pnpm@10": ["10.34.9"], [`npm@${npm}`]: [`${npm}.1.0`] }, integrity);
    write({ "package.json": {}, "pnpm-lock.yaml": "lockfileVersion: '6.0'\n" });
    expect(workspace.build(["pnpm"]).output).toContain("Installing pnpm 8.15.9");
    write({ "pnpm-lock.yaml": "lockfileVersion: '9.0'\n" });
    expect(workspace.build(["pnpm"]).output).toContain("Installing pnpm 10.34.9");
    expect(workspace.build(["npm"]).output).toContain(`Installing npm ${npm}.1.0`);
  });

  it.each([
    [{ "package.json": { scripts: { start: "node ." } } }, false],
    [{ "package.json": { scripts: { start: "node pnpm.js --npm-mode" } } }, false],
    [{ "package.json": { scripts: { start: "NODE_ENV=x pnpm run serve" } } }, true],
    [{ "package.json": { scripts: { prestart: "pnpm migrate", start: "node ." } } }, true],
    [{ "package.json": {}, Procfile: "web: pnpm start\n" }, true],
    [{ "package.json": {}, Procfile: "web: npm start\n" }, false],
  ])("%j: in the image only when it is called there", (files, launch) => {
    registry.publish({ "pnpm@10": ["10.34.9"] }, integrity);
    write({ ...files, "pnpm-lock.yaml": "lockfileVersion: '9.0'\n" });
    workspace.build(["pnpm"]);
    expect(workspace.typesOf("pnpm", "pnpm").includes("launch")).toBe(launch);
  });

  it("Yarn classic refuses the lockfile of a later Yarn", () => {
    write({ "package.json": {}, "yarn.lock": "__metadata:\n  version: 8\n" });
    expect(workspace.build(["yarn"])).toEqual({
      status: 1,
      output:
        "Plinth Yarn 0.1.0\nERROR: Cannot install at yarn.lock: it was written by Yarn 2 or later\n" +
        "  Use Yarn 1, npm or pnpm for this app.\n",
    });
  });
});
