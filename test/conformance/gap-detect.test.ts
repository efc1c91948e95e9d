import { beforeAll, describe, expect, it } from "vitest";
import { parseOsRelease } from "../../src/cnb/target.ts";
import { labelsOf } from "../../src/oci/config.ts";
import { readText } from "../../src/std/file.ts";
import { Bench } from "../support/flow.ts";

const bench = new Bench();
beforeAll(async () => {
  await bench.runImage();
  await bench.runImage("bare", (config) => ({ ...config, config: { ...config.config, Labels: {} } }));
});

const ids = (report: { readonly group: readonly { readonly id: string }[] } | undefined) =>
  report?.group.map(({ id }) => id);

describe("groups", () => {
  it("DET-006 the first group that passes wins, and no later one is tried", async () => {
    const [a, b] = [bench.buildpack({ id: "g/a" }), bench.buildpack({ id: "g/b", detect: "echo tried" })];
    const { report, lines } = await bench.build([], { builder: bench.builder([a, b], [["g/a"], ["g/b"]]) });
    expect(ids(report)).toEqual(["g/a"]);
    expect(lines("debug").join("\n")).not.toContain("tried");
  });

  it("API-005 API-006 a group may mix Buildpack APIs, each member has its own interface", async () => {
    const say = 'echo "has=$CNB_LAYERS_DIR exec=$CNB_EXEC_ENV"';
    const old = bench.buildpack({ id: "mix/old", api: "0.7", build: say });
    const next = bench.buildpack({ id: "mix/new", api: "0.12", build: say });
    const { output } = await bench.build([old, next]);
    const [first, second] = output.trim().split("\n");
    expect(first).toBe("has= exec=");
    expect(second).toMatch(/^has=\S+mix_new exec=production$/);
  });

  it("ORDER-011 ORDER-012 FILE-054 [system] of a builder stands around every group, but for what is in it already", async () => {
    const all = ["s/pre", "s/app", "s/post"].map((id) => bench.buildpack({ id }));
    const other = bench.buildpack({ id: "s/pre", version: "2.0.0" });
    const system = `[[system.pre.buildpacks]]\nid = "s/pre"\nversion = "1.0.0"\n[[system.post.buildpacks]]\nid = "s/post"\nversion = "1.0.0"\n`;
    const around = bench.builder(all, [["s/app"]], system);
    expect(ids((await bench.build([], { builder: around })).report)).toEqual(["s/pre", "s/app", "s/post"]);
    const own = bench.write(
      "own-pre.toml",
      `${[...all, other].map((uri) => `[[buildpacks]]\nuri = "${uri}"\n`).join("")}
[[order]]
group = [{ id = "s/app", version = "1.0.0" }, { id = "s/pre", version = "2.0.0" }]
${system}`,
    );
    const { report } = await bench.build([], { builder: own });
    expect(report?.group).toEqual([
      { id: "s/app", version: "1.0.0" },
      { id: "s/pre", version: "2.0.0" },
      { id: "s/post", version: "1.0.0" },
    ]);
  });

  it("ORDER-013 ORDER-014 TRAP-029 a system buildpack is required unless it says optional; without [system] the order stays", async () => {
    const no = bench.buildpack({ id: "s/no", detect: "exit 100" });
    const app = bench.buildpack({ id: "s/plain" });
    const system = (more: string) => `[[system.pre.buildpacks]]\nid = "s/no"\nversion = "1.0.0"\n${more}`;
    const required = await bench.build([], { builder: bench.builder([no, app], [["s/plain"]], system("")) });
    expect(required.fault?.code).toBe("detect.none");
    const optional = bench.builder([no, app], [["s/plain"]], system("optional = true\n"));
    expect(ids((await bench.build([], { builder: optional })).report)).toEqual(["s/plain"]);
    expect(ids((await bench.build([], { builder: bench.builder([no, app], [["s/plain"]]) })).report)).toEqual([
      "s/plain",
    ]);
  });

  it("DET-020 DET-021 DET-023 what is for another execution environment is skipped, and a group of nothing else is passed over", async () => {
    const test = bench.buildpack({ id: "e/test", info: 'exec-env = ["test"]' });
    const production = bench.buildpack({ id: "e/production", info: 'exec-env = ["production"]' });
    const any = bench.buildpack({ id: "e/any", info: 'exec-env = ["*"]' });
    const builder = bench.builder([test, production, any], [["e/production"], ["e/test", "e/any"], ["e/any"]]);
    expect(ids((await bench.build([], { builder })).report)).toEqual(["e/production"]);
    expect(ids((await bench.build([], { builder, execEnv: "test" })).report)).toEqual(["e/test", "e/any"]);
    expect(ids((await bench.build([], { builder, execEnv: "other" })).report)).toEqual(["e/any"]);
  });

  it("DET-022 an execution environment with a slash is refused before anything runs", async () => {
    const { fault, events } = await bench.build([bench.buildpack({ id: "e/slash" })], { execEnv: "a/b" });
    expect(fault).toMatchObject({ code: "exec-env.name", exit: "usage" });
    expect(events).toEqual([]);
  });
});

describe("what detect runs with", () => {
  it("DET-009 DET-017 the output of each buildpack stands together, what it says on both streams", async () => {
    const say = (name: string) => `echo ${name}1; echo ${name}2 >&2; echo ${name}3; exit 1`;
    const all = ["p", "q", "r"].map((name) => bench.buildpack({ id: `o/${name}`, detect: say(name) }));
    const { lines } = await bench.build(all);
    const text = lines("debug").join("\n");
    for (const name of ["p", "q", "r"]) {
      const block = text.split(`======== Output: o/${name}@1.0.0 ========\n`)[1]!.split("\n========")[0]!;
      expect(block.trim().split("\n").sort()).toEqual([`${name}1`, `${name}2`, `${name}3`]);
    }
  });

  it("DET-010 DET-029 all scripts of a build see one system, detect's and build's alike", async () => {
    const say = "cat /etc/os-release | cksum; pwd";
    const all = ["x", "y"].map((name) => bench.buildpack({ id: `sys/${name}`, detect: say, build: say }));
    const { lines, output } = await bench.build(all);
    const seen = [...lines("debug"), ...output.split("\n")].join("\n").match(/^\d+ \d+\n\S+$/gm)!;
    expect(seen).toHaveLength(4);
    expect(new Set(seen).size).toBe(1);
  });

  it("DET-015 the positional arguments are there for every Buildpack API", async () => {
    for (const api of ["0.7", "0.12"]) {
      const detect =
        '[ $# = 2 ] && [ -d "$1/env" ] && [ -f "$2" ] && echo "[[provides]]\nname = \\"p\\"\n[[requires]]\nname = \\"p\\"" >> "$2"';
      const { report } = await bench.build([bench.buildpack({ id: `arg/a${api}`, api, detect })]);
      expect(report?.plan.map((entry) => entry.requires[0]?.name)).toEqual(["p"]);
    }
  });

  it("DET-018 DET-019 ENV-021 ENV-029 ENV-048 users', operators' and our own variables reach detect, by the rules of the environment", async () => {
    const say = 'echo "user=$MINE operator=$THEIRS exec=$CNB_EXEC_ENV."';
    const plain = bench.buildpack({ id: "v/plain", detect: say, build: say });
    const clear = bench.buildpack({ id: "v/clear", info: "clear-env = true", detect: say });
    const old = bench.buildpack({ id: "v/old", api: "0.11", detect: say });
    const builder = bench.builder(
      [plain, clear, old],
      [["v/plain", "v/clear", "v/old"]],
      '[[build.env]]\nname = "THEIRS"\nvalue = "o"\n',
    );
    const { lines, output } = await bench.build([], { builder, env: { MINE: "u" }, execEnv: "test" });
    const said = lines("debug")
      .join("\n")
      .match(/user=.*\./g);
    expect(said).toEqual(["user=u operator=o exec=test.", "user= operator=o exec=test.", "user=u operator=o exec=."]);
    expect(output).toBe("user=u operator=o exec=test.\n");
    expect((await bench.build([plain])).output).toBe("user= operator= exec=production.\n");
  });

  it("ANALYZE-015 TARGET-014 TARGET-025 RESTORE-010 a run image without distribution labels is the system's own distribution", async () => {
    const distro = parseOsRelease((await readText("/etc/os-release")) ?? "")!;
    const say = 'echo "$CNB_TARGET_DISTRO_NAME $CNB_TARGET_DISTRO_VERSION"';
    const { output } = await bench.build([bench.buildpack({ id: "t/distro", build: say })], { runImage: "bare" });
    expect(output).toBe(`${distro.name} ${distro.version}\n`);
    const labelled = await bench.build([bench.buildpack({ id: "t/distro", detect: say, build: say })]);
    expect(labelled.output).toBe("debian 12\n");
    expect(labelled.lines("debug").join("\n")).toContain("debian 12");
    expect(await bench.look("bare", ({ image }) => labelsOf(image.config))).toEqual({});
  });

  it("TRAP-025 what a passing detect prints is at hand for those who debug", async () => {
    const { lines } = await bench.build([bench.buildpack({ id: "t/talk", detect: "echo a word" })]);
    expect(lines("debug").join("\n")).toContain("a word");
    expect(lines("info").join("\n")).not.toContain("a word");
  });

  it("DESC-018 a buildpack finds its own descriptor, metadata and all, as it was written", async () => {
    const more = '[metadata]\n# a comment\nfree = { "form.x" = [1, 2] }\n';
    const directory = bench.buildpack({ id: "t/own", more, build: 'cat "$CNB_BUILDPACK_DIR/buildpack.toml"' });
    const { output } = await bench.build([directory]);
    expect(output).toBe((await readText(`${directory}/buildpack.toml`))!);
    expect(output).toContain('free = { "form.x" = [1, 2] }');
  });
});
