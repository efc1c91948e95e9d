import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { inventory, Workspace } from "./lifecycle.ts";

// An npm that installs what tree.json says: text for a file, { "link": target } for a link; prune removes package dev.
const npm = `#!/usr/bin/env node
const { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const [command] = process.argv.slice(2);
if (command === "--version") return console.log("11.0.0");
appendFileSync(join(__dirname, "calls"), process.argv.slice(2, 4).join(" ") + "\\n");
if (command === "prune") rmSync("node_modules/dev", { recursive: true, force: true });
if (command === "run") {
  if (!existsSync("node_modules/dev")) process.exit(3);
  writeFileSync("built.txt", "built");
  mkdirSync("node_modules/.cache", { recursive: true });
  writeFileSync("node_modules/.cache/" + process.pid, "");
}
if (command !== "ci" && command !== "install") return;
for (const [path, content] of Object.entries(JSON.parse(readFileSync("tree.json", "utf8")))) {
  mkdirSync(dirname(path), { recursive: true });
  if (typeof content.link === "string") symlinkSync(content.link, path);
  else writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
}
`;

const modules = {
  "node_modules/ms/package.json": { name: "ms", version: "2.1.3", license: "MIT" },
  "node_modules/dev/package.json": { name: "dev", version: "1.0.0" },
  "node_modules/.package-lock.json": "noted",
};

let programs: string;
let workspace: Workspace;
beforeAll(() => {
  programs = mkdtempSync(join(tmpdir(), "programs-"));
  writeFileSync(join(programs, "npm"), npm);
  chmodSync(join(programs, "npm"), 0o755);
});
afterAll(() => rmSync(programs, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(join(programs, "calls"), { force: true });
  workspace = new Workspace("", { PATH: `${programs}:${process.env["PATH"]}` });
});
afterEach(() => workspace.remove());

/** Replaces the app by these files; objects become JSON. */
function write(files: Record<string, string | object>): void {
  rmSync(workspace.app, { recursive: true, force: true });
  mkdirSync(workspace.app);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace.app, path)), { recursive: true });
    writeFileSync(join(workspace.app, path), typeof content === "string" ? content : JSON.stringify(content));
  }
}

function build(files: Record<string, string | object>) {
  workspace.restore();
  write(files);
  rmSync(join(programs, "calls"), { force: true });
  const { status, output } = workspace.build(["node-modules"]);
  const log = join(programs, "calls");
  return { status, output, calls: existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [] };
}

const layer = (path: string): string => join(workspace.layersOf("node-modules"), path);
const app = (manifest: object, tree: object = modules) => ({
  "package.json": { dependencies: { ms: "2" }, ...manifest },
  "package-lock.json": "{}",
  "tree.json": tree,
});

describe("plinth/node-modules", () => {
  it("BUILD-011 without a build script installs for production into a layer, to which the app has a link", () => {
    expect(build(app({})).calls).toEqual(["ci --omit=dev"]);
    expect(readlinkSync(join(workspace.app, "node_modules"))).toBe(layer("modules/node_modules"));
    expect(existsSync(layer("modules/node_modules/.package-lock.json"))).toBe(false);
    expect(workspace.typesOf("node-modules", "modules")).toEqual(["cache", "launch"]);
    expect(workspace.layerNames("node-modules")).toEqual(["modules", "packages"]);
    expect(readdirSync(workspace.app).sort()).toEqual([...Object.keys(app({})), "node_modules"].sort());
    expect(build(app({})).calls).toEqual([]);
    expect(readlinkSync(join(workspace.app, "node_modules"))).toBe(layer("modules/node_modules"));
  });

  it("with one installs everything, builds, prunes, and keeps both for the next time", () => {
    const files = app({ scripts: { build: "make" } });
    expect(build(files).calls).toEqual(["ci --include=dev", "run build", "prune --omit=dev"]);
    expect(existsSync(layer("modules/node_modules/dev"))).toBe(false);
    expect(existsSync(layer("build-modules/node_modules/dev"))).toBe(true);
    expect(workspace.typesOf("node-modules", "modules")).toEqual(["launch"]);
    expect(workspace.typesOf("node-modules", "build-modules")).toEqual(["cache"]);
    const first = inventory(layer("modules"), workspace.directory);
    const kept = inventory(layer("build-modules"), workspace.directory);

    const again = build(files);
    expect(again.calls).toEqual(["run build", "prune --omit=dev"]);
    expect(again.output).toContain("Reusing cached node_modules: package-lock.json, npm and Node.js are unchanged");
    expect(existsSync(join(workspace.app, "built.txt"))).toBe(true);
    expect(inventory(layer("modules"), workspace.directory)).toEqual(first);
    expect(inventory(layer("build-modules"), workspace.directory)).toEqual(kept);
  });

  it("installs again when a dependency, the lockfile or a patch changes, and only then", () => {
    const files = app({ workspaces: ["packages/*"] });
    build(files);
    const unchanged = [
      { ...files, "server.js": "new" },
      app({ workspaces: ["packages/*"], version: "2.0.0", scripts: { start: "node ." } }),
      { ...files, "test/fixtures/broken/package.json": "{" },
    ];
    for (const other of unchanged) expect(build(other).calls).toEqual([]);
    const changed = [
      { ...files, "package-lock.json": "{ }" },
      { ...files, "patches/ms.patch": "" },
      { ...files, ".npmrc": "legacy-peer-deps=true" },
      app({ workspaces: ["packages/*"], overrides: { ms: "2.1.3" } }),
      { ...files, "packages/a/package.json": { dependencies: { b: "1" } } },
    ];
    for (const other of changed) expect(build(other).calls).toEqual(["ci --omit=dev"]);
  });

  it.each([
    [{ scripts: { postinstall: "patch" } }, "the postinstall script of package.json may read or write anything"],
    [{ dependencies: { local: "file:./local" } }, "local of package.json is a file: dependency"],
  ])("installs every time with %j", (manifest, reason) => {
    for (const _ of [1, 2]) {
      const { calls, output } = build(app(manifest));
      expect(calls[0]).toMatch(/^ci /);
      expect(output).toContain(`Installing with npm 11.0.0, as on every build: ${reason}\n`);
    }
  });

  it("installs every time without a lockfile, and warns", () => {
    for (const _ of [1, 2]) {
      const { "package-lock.json": _lock, ...files } = app({});
      const { calls, output } = build(files);
      expect(calls).toEqual(["install --no-package-lock"]);
      expect(output).toContain("Warning: without a lockfile each build may get other versions");
    }
  });

  it("keeps what a workspace links to where it is: in the app", () => {
    const tree = {
      "node_modules/ms/package.json": { name: "ms", version: "2.1.3" },
      "node_modules/a": { link: "../packages/a" },
      "node_modules/@us/b": { link: "../../packages/b" },
      "node_modules/.bin/ms": { link: "../ms/cli.js" },
      "packages/a/node_modules/ms/package.json": { name: "ms", version: "2.0.0" },
      "packages/a/node_modules/shared": { link: "../../../node_modules/ms" },
    };
    const files = {
      ...app({ workspaces: ["packages/*"] }, tree),
      "packages/a/package.json": { name: "a" },
      "packages/b/package.json": { name: "@us/b" },
    };
    for (const _ of ["installed", "reused"]) {
      expect(build(files).status).toBe(0);
      expect(readlinkSync(layer("modules/node_modules/a"))).toBe(join(workspace.app, "packages/a"));
      expect(readlinkSync(layer("modules/node_modules/@us/b"))).toBe(join(workspace.app, "packages/b"));
      expect(readlinkSync(layer("modules/node_modules/.bin/ms"))).toBe("../ms/cli.js");
      expect(readlinkSync(layer("modules/packages/a/node_modules/shared"))).toBe("../../../node_modules/ms");
      expect(readlinkSync(join(workspace.app, "packages/a/node_modules"))).toBe(
        layer("modules/packages/a/node_modules"),
      );
      expect(existsSync(join(workspace.app, "node_modules/a/package.json"))).toBe(true);
    }
    const { components } = JSON.parse(readFileSync(layer("modules.sbom.cdx.json"), "utf8"));
    expect(components.map(({ purl }: { purl: string }) => purl)).toEqual(["pkg:npm/ms@2.0.0", "pkg:npm/ms@2.1.3"]);
  });

  it("SBOM-018 describes what the app runs with and what it is built with, each beside its layer", () => {
    const described = (name: string): string[] =>
      JSON.parse(readFileSync(layer(`${name}.sbom.cdx.json`), "utf8")).components.map(
        ({ purl }: { purl: string }) => purl,
      );
    for (const _ of ["installed", "reused"]) {
      expect(build(app({ scripts: { build: "make" } })).status).toBe(0);
      expect(described("modules")).toEqual(["pkg:npm/ms@2.1.3"]);
      expect(described("build-modules")).toEqual(["pkg:npm/dev@1.0.0", "pkg:npm/ms@2.1.3"]);
    }
  });

  it("keeps a compiled add-on and nothing of the compiler's", () => {
    const built = "node_modules/addon/build";
    const tree = {
      ...modules,
      [`${built}/config.gypi`]: "userconfig",
      [`${built}/Makefile`]: "",
      [`${built}/addon.target.mk`]: "",
      [`${built}/Release/addon.node`]: "program",
      [`${built}/Release/obj.target/addon.o`]: "",
      [`${built}/Release/.deps/addon.d`]: "",
      "node_modules/other/build/Makefile": "a file of the package",
    };
    build(app({}, tree));
    const files = [...inventory(layer("modules/node_modules"), "").keys()].map((head) => head.split(" ").at(-1)!);
    expect(files.filter((path) => path.includes("/build/")).sort()).toEqual([
      "addon/build/Release",
      "addon/build/Release/addon.node",
      "other/build/Makefile",
    ]);
  });

  it("has no layer when there is nothing for the running app", () => {
    build(app({}, {}));
    expect(existsSync(join(workspace.app, "node_modules"))).toBe(false);
    expect(workspace.layerNames("node-modules")).toEqual(["packages"]);
  });

  it("takes no node_modules from the source", () => {
    const { output } = build({ ...app({}), "node_modules/ms/package.json": { name: "ms", version: "0.0.1" } });
    expect(output).toContain("Leaving out node_modules of the source: packages come from the lockfile");
    expect(JSON.parse(readFileSync(layer("modules/node_modules/ms/package.json"), "utf8")).version).toBe("2.1.3");
  });

  it("says which step failed", () => {
    const { status, output } = build(app({ scripts: { build: "make" } }, { "node_modules/ms/index.js": "" }));
    expect(status).toBe(1);
    expect(output).toMatch(/ERROR: Cannot build the app: npm failed, exit code 3\n {2}See what it says above\.\n$/);
  });
});
