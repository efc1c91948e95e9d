import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Bench, type Outcome } from "../support/flow.ts";

const bench = new Bench();
const lister = () =>
  bench.buildpack({
    id: "test/list",
    build: 'find . | sort | sed "s/^/build /"',
  });
const names = ({ report, fault }: Outcome) => {
  if (fault) throw fault;
  return report!.group.map(({ id }) => id);
};
const project = (text: string) => bench.write("app/project.toml", `[_]\nschema-version = "0.2"\n${text}`);
/** The app's files that the build saw, the descriptor left out. */
const seen = ({ output, fault }: Outcome) => {
  if (fault) throw fault;
  return output
    .split("\n")
    .flatMap((line) => (line.startsWith("build ./") ? [line.slice(8)] : []))
    .filter((path) => path !== "project.toml");
};

beforeAll(async () => {
  await bench.runImage();
});

describe("files of the project", () => {
  beforeAll(() => {
    for (const path of [
      "keep/a.txt",
      "keep/b.log",
      "deep/er/x.txt",
      "deep/er/y.log",
      "root.log",
      "docs/in/one",
      "Two.TXT",
    ])
      bench.write(`app/${path}`, "text\n");
  });

  it("PROJ-010 what is excluded is gone before detection, and comes back when it is not any more", async () => {
    project('[io.buildpacks]\nexclude = ["docs"]');
    const detect = "test ! -e docs || exit 100";
    const buildpack = bench.buildpack({ id: "test/early", detect, build: "find ." });
    expect(names(await bench.build([buildpack]))).toEqual(["test/early"]);
    await bench.look("app", async ({ image }) => {
      expect(image.layers).not.toHaveLength(0);
    });
    project("");
    expect((await bench.build([buildpack])).fault?.exit).toBe("detectNone");
    expect(seen(await bench.build([lister()]))).toContain("docs/in/one");
    project('[io.buildpacks]\nexclude = ["docs"]');
    expect(seen(await bench.build([lister()]))).not.toContain("docs");
  });

  it("PROJ-011 a build sees what is included and nothing else", async () => {
    project('[io.buildpacks]\ninclude = ["docs/", "*.log"]');
    const files = ["deep/er/y.log", "docs/in/one", "keep/b.log", "root.log"];
    const directories = ["deep", "deep/er", "docs", "docs/in", "keep"];
    expect(seen(await bench.build([lister()]))).toEqual([...files, ...directories].sort());
  });
});

describe("buildpacks of the project", () => {
  const first = bench.buildpack({ id: "test/first" });
  const second = bench.buildpack({ id: "test/second" });
  bench.buildpack({ id: "test/inner" }, "app/inner");
  const both = () => bench.builder([first, second], [["test/first"]]);
  const build = (options = {}) => bench.build([], { builder: both(), ...options });

  it("PROJ-001 the app's own project.toml is read, another one when that is asked for", async () => {
    project('[[io.buildpacks.group]]\nid = "test/second"');
    expect(names(await build())).toEqual(["test/second"]);
    const descriptor = bench.write(
      "other.toml",
      '[_]\nschema-version = "0.2"\n[[io.buildpacks.group]]\nid = "test/first"',
    );
    expect(names(await build({ descriptor }))).toEqual(["test/first"]);
    const absent = await build({ descriptor: join(bench.root, "none.toml") });
    expect(absent.fault?.code).toBe("project.missing");
  });

  it("PROJ-007 a builder is used unless another one is asked for", async () => {
    bench.write("app/builder.toml", `[[buildpacks]]\nuri = "${second}"\n[[order]]\ngroup = [{ id = "test/second" }]`);
    project('[io.buildpacks]\nbuilder = "builder.toml"');
    expect(names(await bench.build([]))).toEqual(["test/second"]);
    expect(names(await build())).toEqual(["test/first"]);
  });

  it("PROJ-012 a group takes the place of the builder's order, unless buildpacks are asked for", async () => {
    project(
      '[[io.buildpacks.group]]\nid = "test/second"\n[[io.buildpacks.group]]\nid = "test/first"\nversion = "1.0.0"',
    );
    expect(names(await build())).toEqual(["test/second", "test/first"]);
    expect(names(await build({ buildpacks: [first] }))).toEqual(["test/first"]);
    bench.write("app/project.toml", '[[build.buildpacks]]\nid = "test/second"');
    expect(names(await build())).toEqual(["test/second"]);
    bench.buildpack({ id: "test/failing", detect: "exit 100" }, "app/failing");
    project('[[io.buildpacks.group]]\nuri = "failing"');
    expect((await build()).fault?.exit).toBe("detectNone");
  });

  it("PROJ-012 the builder's order may be part of a group", async () => {
    project('[[io.buildpacks.group]]\nuri = "from=builder"\n[[io.buildpacks.group]]\nid = "test/second"');
    expect(names(await build())).toEqual(["test/first", "test/second"]);
  });

  it("PROJ-015 an id is looked for in the builder, in any version unless one is said", async () => {
    project('[[io.buildpacks.group]]\nid = "test/second"');
    expect(names(await build())).toEqual(["test/second"]);
    project('[[io.buildpacks.group]]\nid = "test/second"\nversion = "9"');
    const { fault } = await build();
    expect(fault?.message).toContain("test/second@9");
    expect(fault?.message).toContain("1.0.0");
  });

  it("PROJ-016 a relative uri begins at the descriptor", async () => {
    project('[[io.buildpacks.group]]\nuri = "inner/"');
    expect(names(await build())).toEqual(["test/inner"]);
    const elsewhere = bench.write(
      "app/sub/p.toml",
      '[_]\nschema-version = "0.2"\n[[io.buildpacks.group]]\nuri = "../inner"',
    );
    expect(names(await build({ descriptor: elsewhere }))).toEqual(["test/inner"]);
  });

  it("PROJ-018 a script of the project passes detection and runs as version 0.0.0", async () => {
    project(`[[io.buildpacks.group]]
id = "test/script"
[io.buildpacks.group.script]
api = "0.10"
inline = """
echo "running in $(basename "$PWD") with $0"
mkdir "$CNB_LAYERS_DIR/made"
printf '[types]\\\\nlaunch = true\\\\n' > "$CNB_LAYERS_DIR/made.toml"
"""
`);
    const outcome = await build();
    expect(names(outcome)).toEqual(["test/script"]);
    expect(outcome.report!.group[0]!.version).toBe("0.0.0");
    expect(outcome.output).toContain("running in workspace");
    expect(outcome.report!.layers.map(({ id }) => id)).toContain("test/script:made");
    const again = await build();
    expect(again.report!.imageId).toBe(outcome.report!.imageId);
  });

  it("PROJ-019 buildpacks before and after come to every group, unless buildpacks are asked for", async () => {
    const script = (id: string) => `id = "${id}"\nscript = { api = "0.10", inline = "true" }`;
    project(`[[io.buildpacks.pre.group]]\n${script("pre/a")}\n[[io.buildpacks.pre.group]]\n${script("pre/b")}
[[io.buildpacks.post.group]]\nid = "test/second"`);
    expect(names(await build())).toEqual(["pre/a", "pre/b", "test/first", "test/second"]);
    const inner = join(bench.app, "inner");
    const asked = await build({ preBuildpacks: [inner], postBuildpacks: [second] });
    expect(names(asked)).toEqual(["test/inner", "test/first", "test/second"]);
    expect(names(await build({ buildpacks: [first] }))).toEqual(["test/first"]);
  });

  it("PROJ-022 what is limited to another execution environment stays out", async () => {
    bench.write(
      "app/project.toml",
      `[_]\nschema-version = "0.3"
[[io.buildpacks.group]]\nid = "test/first"
[[io.buildpacks.group]]\nid = "test/second"\nexec-env = ["test"]
`,
    );
    expect(names(await build())).toEqual(["test/first"]);
    expect(names(await build({ execEnv: "test" }))).toEqual(["test/first", "test/second"]);
  });
});

describe("variables of the project", () => {
  it("PROJ-022 those limited to another execution environment stay out", async () => {
    const variable = (name: string, more = "") =>
      `[[io.buildpacks.build.env]]\nname = "${name}"\nvalue = "x"\n${more}\n`;
    const limited = variable("P_ALL") + variable("P_TEST", 'exec-env = ["test"]');
    bench.write("app/project.toml", `[_]\nschema-version = "0.3"\n${limited}`);
    const buildpack = bench.buildpack({ id: "test/limited", build: "env | grep ^P_ | sort" });
    expect((await bench.build([buildpack])).output).toBe("P_ALL=x\n");
    expect((await bench.build([buildpack], { execEnv: "test" })).output).toBe("P_ALL=x\nP_TEST=x\n");
  });

  it("PROJ-020 are there in detection and build; those of the command win", async () => {
    project(
      '[[io.buildpacks.build.env]]\nname = "P_ONE"\nvalue = "project"\n[[io.buildpacks.build.env]]\nname = "P_TWO"\nvalue = "project"',
    );
    const buildpack = bench.buildpack({
      id: "test/env",
      detect: 'test "$P_ONE$P_TWO" = flagproject',
      build: "env | grep ^P_ | sort",
    });
    const { output } = await bench.build([buildpack], { env: { P_ONE: "flag" } });
    expect(output).toContain("P_ONE=flag\nP_TWO=project\n");
  });
});

describe("where the source comes from", () => {
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", bench.app, "-c", "user.name=A", "-c", "user.email=a@example.com", ...words], {
      encoding: "utf8",
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" },
    }).trim();
  const label = async (options = {}) => {
    const { fault } = await bench.build([lister()], options);
    if (fault) throw fault;
    return bench.look("app", ({ image }) => JSON.parse(image.config.config.Labels!["io.buildpacks.project.metadata"]!));
  };

  it("PROJ-024 FILE-069 is labelled when asked for: the git commit, its names and the remote's URL without a secret", async () => {
    project("");
    git("init", "-q", "-b", "trunk");
    git("add", "project.toml");
    git("commit", "-q", "-m", "one");
    git("tag", "v1");
    git("commit", "-q", "--allow-empty", "-m", "two");
    git("remote", "add", "origin", "https://user:hidden@src.example/app.git?token=hidden");
    const commit = git("rev-parse", "HEAD");
    expect(await label()).toEqual({});
    expect(await label({ sourceMetadata: true })).toEqual({
      source: {
        type: "git",
        version: { commit, describe: `v1-1-g${commit}` },
        metadata: { refs: ["trunk"], url: "https://src.example/app.git" },
      },
    });
    git("tag", "plain");
    git("tag", "-a", "told", "-m", "told");
    expect((await label({ sourceMetadata: true })).source.metadata.refs).toEqual(["trunk", "told", "plain"]);
  });

  it("PROJ-024 or what the project says of itself", async () => {
    project('version = "1.2.3"\nsource-url = "https://src.example"');
    expect(await label({ sourceMetadata: true })).toEqual({
      source: { type: "project", version: { declared: "1.2.3" }, metadata: { url: "https://src.example" } },
    });
  });
});
