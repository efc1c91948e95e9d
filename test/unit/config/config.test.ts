import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import * as change from "../../../src/config/change.ts";
import { parseConfig, registryMirrorsOf } from "../../../src/config/config.ts";
import { changeConfig, readConfig } from "../../../src/config/file.ts";
import { report } from "../../../src/report.ts";
import { type HostPath, hostPath } from "../../../src/std/path.ts";
import { removeTree } from "../../../src/std/remove.ts";
import { faultOf } from "../../support/fault.ts";

const root = mkdtempSync(join(tmpdir(), "plinth-test-"));
afterAll(() => removeTree(root));
let home: HostPath;
beforeEach(() => {
  home = hostPath(mkdtempSync(join(root, "home-")));
});
const file = () => join(home, "config.toml");
const text = () => readFileSync(file(), "utf8");

/** As upstream pack writes it, and what somebody has added to it. */
const written = `default-builder-image = "builder.example/b:1"
pull-policy = "if-not-present"
experimental = true
layout-repo-dir = "/somewhere"

[[run-images]]
  image = "run.example/r"
  mirrors = ["one.example/r", "two.example/r"]

[[trusted-builders]]
  name = "builder.example/b:1"

[[registries]]
  name = "ours"
  type = "git"
  url = "https://git.example/index"

# only at work
[registry-mirrors]
  "index.docker.io" = "mirror.example"
`;

describe("the configuration", () => {
  it("is read as pack writes it; without a file it says nothing", async () => {
    expect(await readConfig(home)).toEqual({
      experimental: false,
      runImages: [],
      trustedBuilders: [],
      registries: [],
      registryMirrors: {},
    });
    writeFileSync(file(), written);
    expect(await readConfig(home)).toEqual({
      defaultBuilder: "builder.example/b:1",
      pullPolicy: "if-not-present",
      experimental: true,
      runImages: [{ image: "run.example/r", mirrors: ["one.example/r", "two.example/r"] }],
      trustedBuilders: ["builder.example/b:1"],
      registries: [{ name: "ours", type: "git", url: "https://git.example/index" }],
      registryMirrors: { "index.docker.io": "mirror.example" },
    });
    expect(registryMirrorsOf(await readConfig(home))).toEqual({ "docker.io": ["mirror.example"] });
    expect(faultOf(() => parseConfig('pull-policy = "sometimes"', "f")).message).toContain("sometimes");
  });

  it("keeps what it does not change, comments and unknown keys too", async () => {
    writeFileSync(file(), written);
    await changeConfig(home, () => change.setPlain("pull-policy", "never"));
    await changeConfig(home, change.addRunImageMirrors("run.example/r:latest", ["three.example/r", "one.example/r"]));
    await changeConfig(home, change.removeRunImageMirrors("run.example/r", ["one.example/r"]));
    const want = written
      .replace('pull-policy = "if-not-present"', 'pull-policy = "never"')
      .replace('["one.example/r", "two.example/r"]', '["two.example/r", "three.example/r"]');
    expect(text()).toBe(want);
  });

  it("loses no change of several writers at once", async () => {
    await Promise.all(
      Array.from({ length: 12 }, (_, at) => changeConfig(home, change.trustBuilder(`builder.example/b${at}`))),
    );
    const { trustedBuilders } = await readConfig(home);
    expect([...trustedBuilders].sort()).toEqual(Array.from({ length: 12 }, (_, at) => `builder.example/b${at}`).sort());
    expect(readdirSync(home)).toEqual(["config.toml"]);
  });

  it("changes nothing when a change is refused, and nobody else may read a new file", async () => {
    await changeConfig(home, () => change.setPlain("default-builder", "a/b"));
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    chmodSync(file(), 0o640);
    await expect(changeConfig(home, change.distrustBuilder("x/y"))).rejects.toMatchObject({ code: "config.change" });
    await expect(changeConfig(home, () => [{ do: "set", key: "pull-policy", value: "x" }])).rejects.toMatchObject({
      code: "usage.pull-policy",
    });
    expect(text()).toBe('default-builder-image = "a/b"\n');
    await changeConfig(home, () => change.setPlain("default-builder", undefined));
    expect([text(), statSync(file()).mode & 0o777]).toEqual(["", 0o640]);
  });

  it("follows a link to where the file is kept", async () => {
    mkdirSync(join(home, "dotfiles"));
    writeFileSync(join(home, "dotfiles/pack.toml"), "");
    symlinkSync("dotfiles/pack.toml", file());
    await changeConfig(home, () => change.setPlain("experimental", "true"));
    expect(readFileSync(join(home, "dotfiles/pack.toml"), "utf8")).toBe("experimental = true\n");
    await changeConfig(home, () => change.setPlain("experimental", "false"));
    expect((await readConfig(home)).experimental).toBe(false);
  });

  it("has registries of which one may be the default; the public one is always there", async () => {
    const ours = { name: "ours", type: "git", url: "https://git.example/i" };
    await changeConfig(home, change.addRegistry(ours, true));
    expect(await readConfig(home)).toMatchObject({ registries: [ours], defaultRegistry: "ours" });
    await changeConfig(home, change.setDefaultRegistry("official"));
    await expect(changeConfig(home, change.addRegistry(ours, false))).rejects.toMatchObject({ code: "config.change" });
    await expect(changeConfig(home, change.setDefaultRegistry("none"))).rejects.toMatchObject({
      code: "config.change",
    });
    await changeConfig(home, change.setDefaultRegistry("ours"));
    await changeConfig(home, change.removeRegistry("ours"));
    expect(text()).toBe("");
    expect(faultOf(() => change.removeRegistry("official")).code).toBe("config.change");
    expect(faultOf(() => change.addRegistry({ ...ours, type: "svn" }, false)).code).toBe("config.change");
  });

  it("has a mirror for a registry, or for every one", async () => {
    await changeConfig(home, change.setRegistryMirror("*", "https://mirror.example/all"));
    await changeConfig(home, change.setRegistryMirror("quay.example:5000", "localhost:5000"));
    expect((await readConfig(home)).registryMirrors).toEqual({
      "*": "https://mirror.example/all",
      "quay.example:5000": "localhost:5000",
    });
    await changeConfig(home, change.setRegistryMirror("*", undefined));
    await expect(changeConfig(home, change.setRegistryMirror("*", undefined))).rejects.toMatchObject({
      code: "config.change",
    });
    expect(faultOf(() => change.setRegistryMirror("a b", "c")).code).toBe("config.change");
  });
});

describe("a report", () => {
  it("tells versions, and strikes out every text of the configuration unless it is asked for", async () => {
    writeFileSync(file(), written);
    const shown = (await report({ home, explicit: false })).config!;
    expect(shown).not.toMatch(/example|somewhere|ours|docker\.io|at work/);
    expect(shown).toContain('pull-policy = "if-not-present"');
    expect((await report({ home, explicit: true })).config).toBe(written);
    expect(await report({ home: hostPath(join(home, "none")), explicit: false })).toMatchObject({
      platformApi: "0.15",
      config: undefined,
    });
  });
});
