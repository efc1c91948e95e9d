import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { BuildOptions } from "../../src/build.ts";
import { labelNames } from "../../src/cnb/label.ts";
import { diffIdOfTar, digestOf } from "../../src/oci/digest.ts";
import { collect } from "../../src/std/byte.ts";
import { launcherLayer } from "../../src/tar/layer.ts";
import { type BuilderRecipe, buildUser, foreignLauncher, writeBuilderImage } from "../support/builder-image.ts";
import { Bench, type Outcome } from "../support/flow.ts";

const bench = new Bench();
beforeAll(async () => {
  await bench.runImage();
});

/** Builds with a builder image made for it; its run image is the one it names. */
async function build(recipe: BuilderRecipe, options: Partial<BuildOptions> = {}): Promise<Outcome> {
  await writeBuilderImage(bench.home, "builder", recipe);
  const { runImage: _, ...rest } = { runImage: undefined, ...options };
  return bench.build([], { builder: "builder", clearCache: true, ...rest, runImage: options.runImage as never });
}

const names = ({ report, fault }: Outcome) => report?.group.map(({ id, version }) => `${id}@${version}`) ?? fault;
const one = (id: string) => [[{ id, optional: false }]];

describe("a build with a builder image", () => {
  it("BUILDER-001 runs in the image, with its buildpacks, its order, its user and its variables", async () => {
    const look = [
      'echo "id=$(id -u):$(id -g) path=$PATH home=$HOME stack=$CNB_STACK_ID"',
      'touch "$HOME/mine" && echo "home is mine"',
      "touch /usr/mine 2>/dev/null || echo the rest is not",
      '[ -e /usr/bin/python3 ] || echo "nothing of this machine"',
    ].join("\n");
    const outcome = await build({
      buildpacks: [bench.buildpack({ id: "test/look", build: look })],
      order: one("test/look"),
    });
    expect(names(outcome)).toEqual(["test/look@1.0.0"]);
    expect(outcome.output.trim().split("\n")).toEqual([
      "id=1000:1001 path=/usr/bin:/bin:/opt/builder home=/home/cnb stack=test.stack",
      "home is mine",
      "the rest is not",
      "nothing of this machine",
    ]);
  });

  it("DET-010 DET-029 detects in the image, as it builds", async () => {
    const say = 'echo "system: $(cat /etc/os-release)"';
    const { lines, output } = await build({
      buildpacks: ["test/one", "test/two"].map((id) => bench.buildpack({ id, detect: say, build: say })),
      order: [["test/one", "test/two"].map((id) => ({ id, optional: false }))],
      files: { "/etc/os-release": "ID=ours\n" },
    });
    const seen = [...lines("debug"), ...output.split("\n")].join("\n").match(/^system: .*$/gm);
    expect(seen).toEqual(Array.from({ length: 4 }, () => "system: ID=ours"));
  });

  it("BUILDER-002 follows order.toml, system.toml, build-config and run.toml, and finds buildpacks by their place", async () => {
    const say = (id: string) => ({ id, build: `echo "${id} A=$A B=$B C=$C D=$D"` });
    const outcome = await build(
      {
        buildpacks: [say("test/main"), say("test/first"), say("test/last")].map((spec) => bench.buildpack(spec)),
        order: [[{ id: "test/absent", version: "9", optional: true }], ...one("test/main")].slice(1),
        system: {
          pre: [{ id: "test/first", version: "1.0.0", optional: false }],
          post: [{ id: "test/last", version: "1.0.0", optional: false }],
        },
        buildConfig: { "A.append": "z", "A.delim": "-", "B.override": "o", "C.default": "c", D: "d" },
        runImages: [{ image: "run", mirrors: ["mirror.example/run"] }],
      },
      { env: { A: "a", B: "b", C: "own" } },
    );
    expect(names(outcome)).toEqual(["test/first@1.0.0", "test/main@1.0.0", "test/last@1.0.0"]);
    expect(outcome.output.split("\n")[1]).toBe("test/main A=a-z B=o C=own D=d");
    await bench.look("app", ({ image }) => {
      const metadata = JSON.parse(image.config.config.Labels![labelNames.lifecycle]!);
      expect(metadata.runImage).toMatchObject({ image: "run", mirrors: ["mirror.example/run"] });
    });
  });

  it("BUILDER-002 what its files say comes before what its labels say", async () => {
    const listed = '[[system.post.buildpacks]]\nid = "test/last"\nversion = "1.0.0"\n';
    const outcome = await build({
      buildpacks: ["test/main", "test/first", "test/last"].map((id) => bench.buildpack({ id })),
      order: one("test/main"),
      system: { pre: [{ id: "test/first", version: "1.0.0", optional: false }], post: [] },
      runImages: [{ image: "absent.example/run", mirrors: [] }],
      files: {
        "/cnb/system.toml": listed,
        "/cnb/run.toml": '[[images]]\nimage = "run"\nmirrors = ["file.example/run"]\n',
      },
    });
    expect(names(outcome)).toEqual(["test/main@1.0.0", "test/last@1.0.0"]);
    await bench.look("app", ({ image }) => {
      const metadata = JSON.parse(image.config.config.Labels![labelNames.lifecycle]!);
      expect(metadata.runImage).toMatchObject({ image: "run", mirrors: ["file.example/run"] });
    });
  });

  it("BUILDER-002 leaves its system's buildpacks out when it is asked to", async () => {
    const outcome = await build(
      {
        buildpacks: ["test/main", "test/first"].map((id) => bench.buildpack({ id })),
        order: one("test/main"),
        system: { pre: [{ id: "test/first", version: "1.0.0", optional: false }], post: [] },
      },
      { disableSystemBuildpacks: true },
    );
    expect(names(outcome)).toEqual(["test/main@1.0.0"]);
  });

  it("BUILDER-002 FILE-053 reads the stack.toml of builders from before run.toml", async () => {
    const [builderRun, none] = [
      { image: "run", mirrors: ["m"] },
      { image: "", mirrors: [] },
    ];
    const empty = { buildpacks: [bench.buildpack({ id: "test/main" })], order: one("test/main"), stackOnly: true };
    expect(names(await build({ ...empty, runImages: [builderRun] }))).toEqual(["test/main@1.0.0"]);
    await bench.look("app", ({ image }) => {
      const { runImage } = JSON.parse(image.config.config.Labels![labelNames.lifecycle]!);
      expect(runImage).toMatchObject({ image: "run", mirrors: ["m"] });
    });
    expect((await build({ ...empty, runImages: [none] })).fault?.code).toBe("run-image.none");
  });

  it("ENV-014 takes HOME from the variables of the build image, else from its list of users", async () => {
    const seen = (variables: readonly string[]) =>
      build({
        buildpacks: [bench.buildpack({ id: "test/main", build: 'echo "$HOME $PATH"' })],
        order: one("test/main"),
        base: { config: { ...buildUser.config, Env: ["PATH=/opt/x:/bin", ...variables] } },
      }).then(({ output }) => output);
    expect(await seen(["HOME=/tmp"])).toBe("/tmp /opt/x:/bin\n");
    expect(await seen([])).toBe("/home/cnb /opt/x:/bin\n");
  });

  it("BUILDER-003 keeps to what the build image says: scripts see its proxies and paths, and nothing else of its variables", async () => {
    const outcome = await build({
      buildpacks: [bench.buildpack({ id: "test/main", build: 'echo "$HTTP_PROXY|${SECRET-unset}|$CPATH"' })],
      order: one("test/main"),
      base: {
        config: { ...buildUser.config, Env: ["PATH=/usr/bin:/bin", "HTTP_PROXY=http://p", "SECRET=1", "CPATH=/inc"] },
      },
    });
    expect(outcome.output.trim()).toBe("http://p|unset|/inc");
  });

  it("BUILDER-004 has app, layers and platform where the builder wants them", async () => {
    const outcome = await build({
      buildpacks: [
        bench.buildpack({
          id: "test/main",
          build: 'echo "$(readlink -f .) $CNB_LAYERS_DIR $CNB_PLATFORM_DIR"; touch made "$CNB_LAYERS_DIR/made"',
        }),
      ],
      order: one("test/main"),
      base: {
        config: {
          ...buildUser.config,
          Env: ["PATH=/usr/bin:/bin", "CNB_APP_DIR=/src", "CNB_LAYERS_DIR=/lay", "CNB_PLATFORM_DIR=/plat"],
        },
      },
    });
    expect(outcome.output.trim()).toBe("/src /lay/test_main /plat");
    await bench.look("app", ({ image: { config } }) => {
      expect(config.config.WorkingDir).toBe("/src");
      expect(config.config.Env).toContain("CNB_LAYERS_DIR=/lay");
    });
    const chosen = await bench.build([], { builder: "builder", runImage: "run", workspace: "elsewhere" });
    expect(chosen.output).toContain("/elsewhere /lay/test_main");
  });

  it("BUILDER-007 API-008 speaks the newest Platform API that the builder's lifecycle follows, too", async () => {
    const recipe = { buildpacks: [bench.buildpack({ id: "test/main", api: "0.11" })], order: one("test/main") };
    const apis = (platform: string[], buildpack = ["0.11", "0.12"]): BuilderRecipe => ({
      ...recipe,
      lifecycle: {
        platform: { deprecated: [], supported: platform },
        buildpack: { deprecated: [], supported: buildpack },
      },
    });
    expect(names(await build(apis(["0.7", "0.12", "0.13"])))).toEqual(["test/main@1.0.0"]);
    await bench.look("app", ({ image }) => expect(image.config.config.Env).toContain("CNB_PLATFORM_API=0.13"));
    expect(names(await build(apis(["0.15", "0.99"])))).toEqual(["test/main@1.0.0"]);
    await bench.look("app", ({ image }) => expect(image.config.config.Env).toContain("CNB_PLATFORM_API=0.15"));
    const { fault } = await build(apis(["0.3", "0.11"]));
    expect(fault).toMatchObject({ code: "builder.platform-api", exit: "platformApi" });
    expect(fault?.message).toContain("0.3, 0.11");
    const old = (await build(apis(["0.12"], ["0.9", "0.10"]))).fault;
    expect(old).toMatchObject({ code: "builder.buildpack-api", exit: "buildpackApi" });
    expect(old?.message).toContain("test/main@1.0.0");
  });

  it("BUILDER-016 FILE-061 SBOM-010 gives the image the builder's launcher, and says which lifecycle it is of", async () => {
    const recipe = { buildpacks: [bench.buildpack({ id: "test/main" })], order: one("test/main") };
    const tell = '#!/bin/sh\n[ "$CNB_PLATFORM_API" = 0.15 ] || exit 11\necho 0.20.1+abc1234\n';
    const files = { "/cnb/lifecycle/exporter": Buffer.from(tell) };
    const sboms = {
      "/cnb/lifecycle/launcher.sbom.cdx.json": '{"of":"launcher"}',
      "/cnb/lifecycle/lifecycle.sbom.cdx.json": '{"of":"lifecycle"}',
    };
    expect(names(await build({ ...recipe, lifecycle: { version: "0.20.1" }, files: { ...files, ...sboms } }))).toEqual([
      "test/main@1.0.0",
    ]);
    const expected = diffIdOfTar(digestOf(await collect(launcherLayer(foreignLauncher()).open())));
    await bench.look("app", ({ image }) => {
      expect(image.layers.map(({ diffId }) => diffId)).toContain(expected);
      const { launcher: said } = JSON.parse(image.config.config.Labels![labelNames.build]!);
      const git = { repository: "github.com/buildpacks/lifecycle", commit: "abc1234" };
      expect(said).toEqual({ version: "0.20.1", source: { git } });
      expect(image.config.history.map(({ created_by: by }) => by)).toContain("Software Bill-of-Materials");
    });
    const sbomDirectory = join(bench.root, "sboms");
    await bench.build([], { builder: "builder", runImage: "run", sbomDirectory });
    const sbom = (path: string) => readFileSync(join(sbomDirectory, path, "sbom.cdx.json"), "utf8");
    expect(sbom("launch/buildpacksio_lifecycle/launcher")).toBe('{"of":"launcher"}');
    expect(sbom("build/buildpacksio_lifecycle")).toBe('{"of":"lifecycle"}');
  });

  it("ORDER-010 tries what the user asks for, else the builder's order.toml, else what its label says", async () => {
    const recipe: BuilderRecipe = {
      buildpacks: ["test/one", "test/two"].map((id) => bench.buildpack({ id })),
      order: one("test/one"),
      files: { "/cnb/order.toml": '[[order]]\n[[order.group]]\nid = "test/two"\nversion = "1.0.0"\n' },
    };
    expect(names(await build(recipe))).toEqual(["test/two@1.0.0"]);
    expect(names(await build(recipe, { buildpacks: ["test/one", "from=builder"] }))).toEqual([
      "test/one@1.0.0",
      "test/two@1.0.0",
    ]);
    const whiteout = { "/cnb/.wh.order.toml": "" };
    expect(names(await build({ ...recipe, files: whiteout }))).toEqual(["test/one@1.0.0"]);
  });

  it("RESTORE-007 FILE-005 records the build image by its digest", async () => {
    const reportDirectory = join(bench.root, "report");
    const image = await writeBuilderImage(bench.home, "builder", {
      buildpacks: [bench.buildpack({ id: "test/main" })],
      order: one("test/main"),
    });
    await bench.build([], { builder: "builder", runImage: "run", reportDirectory });
    const digest = await bench.look("builder", ({ identity }) => identity.digest);
    expect(image.layers.length).toBeGreaterThan(3);
    expect(readFileSync(join(reportDirectory, "analyzed.toml"), "utf8")).toContain(
      `[build-image]\n  reference = "index.docker.io/library/builder@${digest}"\n`,
    );
  });

  it("SEC-004 runs nothing of a builder where registries are spoken to, so that trust makes no difference", async () => {
    const tell = "#!/bin/sh\nenv >&2; cat /proc/1/environ 2>/dev/null; ls / /run /root 2>/dev/null; echo 1.0.0+told\n";
    const outcome = await build(
      {
        buildpacks: [
          bench.buildpack({
            id: "test/main",
            build: "env; for f in /root/.docker /run/docker.sock; do [ -e $f ] && echo found $f; done; :",
          }),
        ],
        order: one("test/main"),
        files: Object.fromEntries(
          ["exporter", "analyzer", "restorer", "creator"].map((name) => [`/cnb/lifecycle/${name}`, Buffer.from(tell)]),
        ),
      },
      { outside: { env: { CNB_REGISTRY_AUTH: '{"r":"Basic c2VjcmV0"}', DOCKER_CONFIG: "/root/.docker" } } },
    );
    expect(names(outcome)).toEqual(["test/main@1.0.0"]);
    expect(outcome.output).not.toMatch(/c2VjcmV0|REGISTRY_AUTH|DOCKER_CONFIG|found/);
    expect(JSON.stringify(outcome.events)).not.toContain("c2VjcmV0");
  });

  it("an image that is no builder is refused with what it lacks", async () => {
    const { fault } = await bench.build([], { builder: "run" });
    expect(fault).toMatchObject({ code: "builder.label", exit: "usage" });
    expect(fault?.message).toContain("io.buildpacks.builder.metadata");
    expect((await bench.build([], { builder: "absent" })).fault).toMatchObject({
      code: "image.missing",
      exit: "usage",
    });
  });
});

describe("orders of builders", () => {
  const say = (id: string, more = {}) => bench.buildpack({ id, build: `echo ${id}`, ...more });
  const composite = (id: string, rows: readonly (readonly string[])[]) =>
    bench.buildpack({
      id,
      more: rows
        .map((row) => {
          const entries = row.map(
            (name) =>
              `{ id = "${name.replace("?", "")}", version = "1.0.0"${name.endsWith("?") ? ", optional = true" : ""} }`,
          );
          return `[[order]]\ngroup = [${entries.join(", ")}]\n`;
        })
        .join(""),
    });

  it("BUILDER-014 ORDER-009 in the shape of google's: no versions in the order, one for each language, the last made to fail", async () => {
    const buildpacks = [
      say("google.go.runtime", { detect: "exit 100" }),
      say("google.utils.label"),
      say("google.config.entrypoint"),
      say("google.nodejs.runtime"),
    ];
    const outcome = await build({
      buildpacks,
      order: [
        [
          { id: "google.go.runtime", optional: false },
          { id: "google.utils.label", optional: false },
        ],
        [
          { id: "google.config.entrypoint", optional: true },
          { id: "google.nodejs.runtime", optional: false },
          { id: "google.utils.label", optional: false },
        ],
      ],
    });
    expect(names(outcome)).toEqual([
      "google.config.entrypoint@1.0.0",
      "google.nodejs.runtime@1.0.0",
      "google.utils.label@1.0.0",
    ]);
  });

  it("BUILDER-001 in the shape of paketo's: stacks, and composites with many groups of many buildpacks, all in one layer", async () => {
    const parts = ["ca-certificates", "node-engine", "npm-install", "npm-start", "procfile", "environment-variables"];
    const stacks = '[[stacks]]\nid = "*"\n';
    const buildpacks = [
      composite("paketo/nodejs", [
        ["paketo/ca-certificates?", "paketo/absent-engine", "paketo/npm-start"],
        ["paketo/ca-certificates?", "paketo/node-engine", "paketo/npm-install", "paketo/npm-start", "paketo/procfile?"],
      ]),
      composite("paketo/all", [["paketo/nodejs", "paketo/environment-variables?"]]),
      ...parts.map((name) =>
        say(`paketo/${name}`, { api: "0.7", more: stacks, detect: name === "procfile" ? "exit 100" : "exit 0" }),
      ),
      say("paketo/absent-engine", { api: "0.9", more: stacks, detect: "exit 100" }),
    ];
    const outcome = await build({ buildpacks, order: one("paketo/all"), flatten: true });
    expect(names(outcome)).toEqual(parts.filter((name) => name !== "procfile").map((name) => `paketo/${name}@1.0.0`));
  });

  it("BUILDER-001 in the shape of heroku's: targets and no stacks, mirrors of the run image, optional entries", async () => {
    const targets = (arch: string) => `[[targets]]\nos = "linux"\narch = "${arch}"\n`;
    const own = process.arch === "x64" ? "amd64" : "arm64";
    const outcome = await build({
      buildpacks: [
        say("heroku/nodejs-engine", { api: "0.10", more: targets(own) }),
        say("heroku/procfile", { api: "0.10", more: targets(own), detect: "exit 100" }),
        composite("heroku/nodejs", [["heroku/nodejs-engine"]]),
      ],
      order: [
        [
          { id: "heroku/nodejs", optional: false },
          { id: "heroku/procfile", optional: true },
        ],
      ],
      base: { config: { ...buildUser.config, Labels: { "io.buildpacks.base.distro.name": "debian" } } },
      runImages: [{ image: "absent.example/heroku", mirrors: ["run"] }],
    });
    expect(names(outcome)).toEqual(["heroku/nodejs-engine@1.0.0"]);
  });

  it("BUILDER-013 none at all: the builder says so, and buildpacks come from elsewhere", async () => {
    const own = bench.buildpack({ id: "test/own" });
    const outcome = await build({ buildpacks: [], order: [] }, { buildpacks: [own] });
    expect(names(outcome)).toEqual(["test/own@1.0.0"]);
    expect(outcome.lines("warn")).toContain("the builder has no order, so it detects nothing by itself");
    expect((await build({ buildpacks: [], order: [] })).fault).toBeDefined();
  });
});
