import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { labelsOf } from "../../src/oci/config.ts";
import { exitCodeOf } from "../../src/std/fault.ts";
import { Bench } from "../support/flow.ts";

const bench = new Bench();
beforeAll(async () => {
  await bench.runImage();
});

const web = `cat > "$CNB_LAYERS_DIR/launch.toml" <<E
[[processes]]
type = "web"
command = ["cat", "file.txt"]
default = true
E`;

describe("detect phase", () => {
  it("API-014 DET-007 no group passing ends with 20", async () => {
    const { fault } = await bench.build([bench.buildpack({ id: "t/no", detect: "exit 100" })]);
    expect(exitCodeOf(fault!)).toBe(20);
  });

  it("API-014 DET-026 an error in detect ends with 21, and what it printed is shown", async () => {
    const { fault, lines } = await bench.build([bench.buildpack({ id: "t/err", detect: "echo it broke; exit 3" })]);
    expect(exitCodeOf(fault!)).toBe(21);
    expect(lines().join("\n")).toContain("it broke");
    expect(lines().join("\n")).toContain("err:  t/err@1.0.0 (3)");
  });

  it("DET-026 what is only for debugging otherwise is shown when no group passes", async () => {
    const no = bench.buildpack({ id: "t/no", detect: "echo not mine; exit 100" });
    const passing = await bench.build([bench.buildpack({ id: "t/yes", detect: "echo mine" })]);
    expect(passing.lines().join("\n")).not.toContain("mine");
    expect((await bench.build([no])).lines().join("\n")).toContain("not mine");
  });

  it("API-004 API-013 an unsupported Buildpack API ends with 12 before any script runs", async () => {
    const { fault, events } = await bench.build([bench.buildpack({ id: "t/future", api: "0.99", detect: "echo ran" })]);
    expect(exitCodeOf(fault!)).toBe(12);
    expect(events.some((event) => event.type === "log" && event.text.includes("ran"))).toBe(false);
  });

  it("DET-001 DET-025 each buildpack detects once though several groups have it", async () => {
    const counted = bench.buildpack({ id: "t/counted", detect: "echo run $(cat /proc/sys/kernel/random/uuid)" });
    const never = bench.buildpack({ id: "t/never", detect: "exit 100" });
    const builder = bench.builder([counted, never], [["t/counted", "t/never"], ["t/counted"]]);
    const { report, lines } = await bench.build([], { builder });
    expect(report?.group).toEqual([{ id: "t/counted", version: "1.0.0" }]);
    expect(lines("debug").filter((line) => line.includes("pass: t/counted"))).toHaveLength(2);
    expect(new Set(lines("debug").filter((line) => line.startsWith("run "))).size).toBe(1);
  });

  it("DET-011 DET-012 DET-013 DET-014 DET-016 a script finds itself, its directories and its plan file", async () => {
    const detect = `echo "dollar0=$0 pwd=$(pwd) dir=$CNB_BUILDPACK_DIR platform=$CNB_PLATFORM_DIR plan=$CNB_BUILD_PLAN_PATH one=$1 two=$2"
[ -f "$CNB_BUILD_PLAN_PATH" ] || exit 9
touch file.txt 2>/dev/null && exit 8
exit 0`;
    const { report, lines } = await bench.build([bench.buildpack({ id: "t/self", detect })], { sandbox: "namespace" });
    expect(report).toBeDefined();
    const line = lines("debug").find((text) => text.includes("dollar0="))!;
    expect(line).toContain(
      "dollar0=/cnb/buildpacks/t_self/1.0.0/bin/detect pwd=/workspace dir=/cnb/buildpacks/t_self/1.0.0",
    );
    expect(line).toMatch(/platform=\/platform plan=(\S+) one=\/platform two=\1/);
  });

  it("DET-016 each has a plan file of its own, empty when it is not written", async () => {
    const detect = 'echo "plan=$CNB_BUILD_PLAN_PATH size=$(wc -c < "$CNB_BUILD_PLAN_PATH")"';
    const { lines } = await bench.build(["t/one", "t/two"].map((id) => bench.buildpack({ id, detect })));
    const said = lines("debug")
      .join("\n")
      .match(/plan=\S+ size=.*/g)!;
    expect(new Set(said).size).toBe(2);
    for (const one of said) expect(one).toMatch(/^plan=\/\S+ size=0$/);
  });

  it("DET-028 SEC-001 ENV-013 scripts see nothing of the caller's environment", async () => {
    process.env["PLINTH_TEST_SECRET"] = "hunter2";
    process.env["CNB_REGISTRY_AUTH"] = "{}";
    try {
      const spy = bench.buildpack({
        id: "t/spy",
        detect: "env; tr '\\0' '\\n' < /proc/1/environ 2>/dev/null; exit 0",
        build: "env",
      });
      const env = { CNB_REGISTRY_AUTH: "{}", PLINTH_TEST_SECRET: "hunter2" };
      const { lines, output } = await bench.build([spy], { outside: { env } });
      const all = lines("debug").join("\n") + output;
      expect(all).toContain("CNB_BUILDPACK_DIR=");
      expect(all).not.toMatch(/hunter2|CNB_REGISTRY_AUTH|PLINTH_TEST_SECRET/);
    } finally {
      delete process.env["PLINTH_TEST_SECRET"];
      delete process.env["CNB_REGISTRY_AUTH"];
    }
  });

  it("TARGET-012 TARGET-013 API-006 ENV-049 target variables come from the run image, and only for APIs that know them", async () => {
    const say = 'echo "now:$CNB_TARGET_OS/$CNB_TARGET_ARCH $CNB_TARGET_DISTRO_NAME $CNB_TARGET_DISTRO_VERSION"';
    const now = bench.buildpack({ id: "t/now", detect: say, build: say });
    const old = bench.buildpack({ id: "t/old", api: "0.7", build: 'echo "old:$CNB_TARGET_OS$CNB_LAYERS_DIR."' });
    const { output, lines } = await bench.build([now, old]);
    expect(output).toMatch(/now:linux\/(amd64|arm64) debian 12\n/);
    expect(lines("debug").join("\n")).toContain(output.split("\n")[0]);
    expect(output).toContain("old:.\n");
  });
});

describe("build phase", () => {
  it("BUILD-001 BUILD-002 builds run in order, and a failing one (exit 51) ends it", async () => {
    const a = bench.buildpack({ id: "t/a", build: "echo A" });
    const b = bench.buildpack({ id: "t/b", build: "echo B; exit 7" });
    const c = bench.buildpack({ id: "t/c", build: "echo C" });
    const { fault, output } = await bench.build([a, b, c]);
    expect(exitCodeOf(fault!)).toBe(51);
    expect(fault!.message).toBe("Cannot build with t/b@1.0.0: exit status 7");
    expect(output).toBe("A\nB\n");
  });

  it("BUILD-003 what one buildpack writes into the app the next one reads", async () => {
    const a = bench.buildpack({ id: "t/a", build: "echo made > made.txt" });
    const b = bench.buildpack({ id: "t/b", build: "cat made.txt" });
    expect((await bench.build([a, b])).output).toBe("made\n");
    expect(bench.exists("app/made.txt")).toBe(false);
  });

  it("BUILD-004 BUILD-005 BUILD-006 layers directory, plan and platform come as variables and as arguments", async () => {
    const build = 'echo "$CNB_LAYERS_DIR $CNB_BP_PLAN_PATH $CNB_PLATFORM_DIR"; echo "$1 $3 $2"';
    const old = bench.buildpack({ id: "t/old", api: "0.7", build });
    const { output } = await bench.build([bench.buildpack({ id: "t/args", build }), old], { sandbox: "namespace" });
    const [variables, positional, none, positionalOfOld] = output.trim().split("\n");
    expect(variables).toBe(positional);
    expect(variables).toMatch(/^\/layers\/t_args \S+plan\.toml \/platform$/);
    expect(none?.trim()).toBe("");
    expect(positionalOfOld).toMatch(/^\/layers\/t_old \S+plan\.toml \/platform$/);
  });

  it("BUILD-007 BUILD-014 a build without outputs is fine", async () => {
    const { report } = await bench.build([bench.buildpack({ id: "t/nothing" })]);
    expect(report?.processes).toEqual([]);
  });

  it("BUILD-007 ENV-035 each output is read after the buildpack that left it", async () => {
    const first = bench.buildpack({
      id: "t/first",
      info: 'sbom-formats = ["application/vnd.cyclonedx+json"]',
      build: `cd "$CNB_LAYERS_DIR"
mkdir -p l/env.build; printf '[types]\\nbuild=true\\nlaunch=true\\n' > l.toml; printf 'seen \\n' > l/env.build/FIRST
printf '[metadata]\\nkept = "store"\\n' > store.toml
printf '[[labels]]\\nkey="one"\\nvalue="launch"\\n[[processes]]\\ntype="web"\\ncommand=["true"]\\n[[slices]]\\npaths=["file.txt"]\\n' > launch.toml
echo '{"bomFormat":"CycloneDX"}' > l.sbom.cdx.json`,
    });
    const { report, output } = await bench.build(
      [first, bench.buildpack({ id: "t/second", build: 'echo "$FIRST."' })],
      {
        image: "outputs",
        sbomDirectory: join(bench.root, "sboms"),
      },
    );
    expect(output).toBe("seen \n.\n");
    expect(bench.read("sboms/launch/t_first/l/sbom.cdx.json")).toBe('{"bomFormat":"CycloneDX"}\n');
    expect(report?.processes).toEqual(["web"]);
    expect(report?.layers.map(({ id }) => id)).toEqual(expect.arrayContaining(["t/first:l", "slice-2"]));
    await bench.look("outputs", ({ image }) => {
      const labels = labelsOf(image.config);
      expect(labels["one"]).toBe("launch");
      const { buildpacks, sbom } = JSON.parse(labels["io.buildpacks.lifecycle.metadata"]!);
      expect(buildpacks[0].store).toEqual({ metadata: { kept: "store" } });
      expect(sbom.sha).toMatch(/^sha256:/);
    });
  });

  it("API-015 broken outputs end with 52 and name the file", async () => {
    const { fault } = await bench.build([
      bench.buildpack({ id: "t/garbage", build: 'echo "= broken" > "$CNB_LAYERS_DIR/launch.toml"' }),
    ]);
    expect(exitCodeOf(fault!)).toBe(52);
    expect(fault!.message).toContain("launch.toml");
  });

  it("ENV-004 ENV-005 ENV-006 ENV-009 later buildpacks find the build layers of earlier ones on PATH, the last layer first", async () => {
    const make = (name: string) =>
      `mkdir -p "$CNB_LAYERS_DIR/${name}/bin"; printf '[types]\\nbuild=true\\n' > "$CNB_LAYERS_DIR/${name}.toml"`;
    const first = bench.buildpack({
      id: "t/first",
      build: `${make("a")}; ${make("b")}; case "$PATH" in *t_first*) echo own;; esac`,
    });
    const second = bench.buildpack({ id: "t/second", build: 'echo "$PATH"' });
    const { output } = await bench.build([first, second], { sandbox: "namespace" });
    expect(output).not.toContain("own");
    expect(output).toMatch(/^\/layers\/t_first\/b\/bin:\/layers\/t_first\/a\/bin:/m);
  });

  it("ENV-008 only directories of a layer that are there become paths", async () => {
    const make =
      'L="$CNB_LAYERS_DIR/l"; mkdir -p "$L/bin"; touch "$L/lib"; printf "[types]\\nbuild=true\\n" > "$L.toml"';
    const first = bench.buildpack({ id: "t/some", build: make });
    const second = bench.buildpack({ id: "t/look", build: 'echo "${PATH%%:*} $LD_LIBRARY_PATH$LIBRARY_PATH$CPATH."' });
    const { output } = await bench.build([first, second], { sandbox: "namespace" });
    expect(output).toBe("/layers/t_some/l/bin .\n");
  });

  it("ENV-020 ENV-021 ENV-023 user variables are files and variables; clear-env hides the variables only", async () => {
    const open = bench.buildpack({ id: "t/open", build: 'echo "open:$USER_VAR"' });
    const clear = bench.buildpack({
      id: "t/clear",
      info: "clear-env = true",
      build: 'cd "$CNB_PLATFORM_DIR/env"; echo "clear:$USER_VAR:$(cat USER_VAR):$(wc -c < USER_VAR):$(ls)"',
    });
    const { output } = await bench.build([open, clear], { env: { USER_VAR: "hello" } });
    expect(output).toContain("open:hello\n");
    expect(output).toContain("clear::hello:5:USER_VAR\n");
  });

  it("PLAN-017 PLAN-020 PLAN-021 a provider gets every requirement, and what it leaves unmet goes to the next one", async () => {
    const provide = (name: string) =>
      `printf '[[provides]]\\nname="${name}"\\n[[requires]]\\nname="${name}"\\n[requires.metadata]\\nby="%s"\\n' "$CNB_BUILDPACK_DIR" > "$CNB_BUILD_PLAN_PATH"`;
    const leave = `echo "first:$(grep -cF "[[entries" "$CNB_BP_PLAN_PATH")"; printf '[[unmet]]\\nname="dep"\\n' > "$CNB_LAYERS_DIR/build.toml"`;
    const first = bench.buildpack({ id: "t/p1", detect: provide("dep"), build: leave });
    const second = bench.buildpack({
      id: "t/p2",
      detect: provide("dep"),
      build: 'echo "second:$(grep -cF "[[entries" "$CNB_BP_PLAN_PATH")"',
    });
    const third = bench.buildpack({
      id: "t/p3",
      detect: provide("dep"),
      build: 'echo "third:$(wc -c < "$CNB_BP_PLAN_PATH")"',
    });
    const { output } = await bench.build([first, second, third]);
    expect(output).toContain("first:3\n");
    expect(output).toContain("second:3\n");
    expect(output).toContain("third:0\n");
  });

  it("PLAN-022 an unmet name that was not required ends with 52", async () => {
    const { fault } = await bench.build([
      bench.buildpack({ id: "t/unmet", build: 'printf \'[[unmet]]\\nname="x"\\n\' > "$CNB_LAYERS_DIR/build.toml"' }),
    ]);
    expect(exitCodeOf(fault!)).toBe(52);
  });

  it("LAYER-022 a layer that serves nothing is put aside for the next buildpack", async () => {
    const a = bench.buildpack({
      id: "t/ign",
      build: 'mkdir "$CNB_LAYERS_DIR/x"; printf "[metadata]\\na=1\\n" > "$CNB_LAYERS_DIR/x.toml"',
    });
    const b = bench.buildpack({ id: "t/see", build: "ls /layers/t_ign" });
    expect((await bench.build([a, b], { sandbox: "namespace" })).output).toContain("x.ignore");
  });

  it("SBOM-004 an SBOM of an undeclared kind ends with 52", async () => {
    const { fault } = await bench.build([
      bench.buildpack({ id: "t/sbom", build: 'echo "{}" > "$CNB_LAYERS_DIR/launch.sbom.cdx.json"' }),
    ]);
    expect(exitCodeOf(fault!)).toBe(52);
  });

  it("leaves no folder behind, whether it fails or not", async () => {
    await bench.build([
      bench.buildpack({
        id: "t/fails",
        build: "mkdir -p $CNB_LAYERS_DIR/locked/in; chmod 0 $CNB_LAYERS_DIR/locked; exit 1",
      }),
    ]);
    await bench.build([bench.buildpack({ id: "t/works", build: web })]);
    expect(readdirSync(join(bench.home, "work"))).toEqual([]);
  });

  it("an interrupt ends the build, kills the buildpack and leaves nothing behind", async () => {
    const controller = new AbortController();
    const slow = bench.buildpack({ id: "t/slow", build: "echo started; sleep 60; echo never" });
    const reason = new Error("interrupted by the test");
    await expect(
      bench.build([slow], {
        signal: controller.signal,
        onEvent: (event) => {
          if (event.type === "output" && event.text.includes("started")) controller.abort(reason);
        },
      }),
    ).rejects.toBe(reason);
    expect(readdirSync(join(bench.home, "work"))).toEqual([]);
  });

  it("SEC-003 a buildpack's links lead nobody out of its layers", async () => {
    const secret = bench.write("secret.toml", '[[labels]]\nkey = "stolen"\nvalue = "yes"\n');
    const { fault } = await bench.build([
      bench.buildpack({ id: "t/thief", build: `ln -s ${secret} "$CNB_LAYERS_DIR/launch.toml"` }),
    ]);
    expect(fault?.code).toBe("layer.escape");
    const pipe = await bench.build([bench.buildpack({ id: "t/pipe", build: 'mkfifo "$CNB_LAYERS_DIR/launch.toml"' })]);
    expect(pipe.fault?.code).toBe("layer.file");
  });
});
