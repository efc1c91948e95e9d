import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseBuildMetadata } from "../../src/cnb/build-metadata.ts";
import { labelNames } from "../../src/cnb/label.ts";
import { labelsOf } from "../../src/oci/config.ts";
import type { Event } from "../../src/std/event.ts";
import { exitCodeOf } from "../../src/std/fault.ts";
import { Bench } from "../support/flow.ts";
import { layerEntries } from "../support/tar-list.ts";

const bench = new Bench();
beforeAll(async () => {
  await bench.runImage();
});

const layer = (name: string, types: string, more = "") =>
  `mkdir -p "$CNB_LAYERS_DIR/${name}/bin"; ${more}; printf '[types]\\n${types}\\n' > "$CNB_LAYERS_DIR/${name}.toml"`;

describe("the phases", () => {
  it("API-018 analyze, detect, restore, build and export follow each other", async () => {
    const { events } = await bench.build([bench.buildpack({ id: "p/order" })]);
    const phases = events.flatMap((event) => (event.type === "phase" && event.state === "start" ? [event.phase] : []));
    expect(phases).toEqual(["analyze", "detect", "restore", "build", "export", "cache"]);
  });

  it("API-013 API-015 API-017 API-021 a build ends with the code of the phase that failed", async () => {
    const codes: (number | undefined)[] = [];
    const ends = async (build: string, options: Parameters<Bench["build"]>[1] = {}, detect = "exit 0") => {
      const { fault } = await bench.build([bench.buildpack({ id: "p/ends", build, detect })], {
        image: "ends",
        ...options,
      });
      codes.push(fault && exitCodeOf(fault));
    };
    await ends("exit 0");
    await ends("exit 0", { runImage: "nowhere" });
    await ends("exit 0", {}, "exit 100");
    await ends("exit 0", {}, "exit 1");
    await ends("exit 4");
    await ends('echo "=" > "$CNB_LAYERS_DIR/launch.toml"');
    await ends("exit 0", { defaultProcess: "nobody" });
    expect(codes).toEqual([undefined, 32, 20, 21, 51, 52, 62]);
  });

  it("API-011 what is asked for by hand comes before what the builder says", async () => {
    const [a, b] = [bench.buildpack({ id: "p/a" }), bench.buildpack({ id: "p/b" })];
    const builder = bench.builder([a], [["p/a"]], '[[run.images]]\nimage = "nowhere"\n');
    const { report } = await bench.build([b], { builder, image: "by-hand" });
    expect(report?.group.map(({ id }) => id)).toEqual(["p/b"]);
    expect((await bench.build([], { builder, runImage: "run" })).report).toBeDefined();
  });

  it("API-020 image extensions are applied or the build ends, they are never left out", async () => {
    const extension = bench.write("ext/extension.toml", 'api = "0.12"\n[extension]\nid = "e/x"\nversion = "1"\n');
    bench.write("ext/detect/plan.toml", '[[provides]]\nname = "tool"\n');
    bench.write("ext/generate/run.Dockerfile", "ARG base_image\nFROM ${base_image}\nRUN true\n");
    const more = `[[extensions]]\nuri = "${dirname(extension)}"\n[[order-extensions]]\ngroup = [{ id = "e/x", version = "1" }]\n`;
    const detect = 'echo \'[[requires]]\nname = "tool"\' > "$CNB_BUILD_PLAN_PATH"';
    const builder = bench.builder([bench.buildpack({ id: "p/ext", detect })], [["p/ext"]], more);
    const { fault, report } = await bench.build([], {
      builder,
      image: "extended",
      engine: "docker",
      outside: { dockerHost: "unix:///nowhere/docker.sock" },
    });
    expect(report).toBeUndefined();
    expect(fault).toMatchObject({ code: "engine.unusable", exit: "extend" });
  });
});

describe("what build runs with", () => {
  it("ENV-003 ENV-031 ENV-032 only layers for the build reach later builds, and never their own author or detect", async () => {
    const all = ["l", "b", "c"].map((name) =>
      layer(
        name,
        { l: "launch=true", b: "build=true", c: "cache=true" }[name]!,
        `cd "$CNB_LAYERS_DIR/${name}"; mkdir env env.build; printf 1 > env/SEEN_BY_ALL_${name}; printf 1 > env.build/SEEN_${name}`,
      ),
    );
    const say = "echo $(env | grep ^SEEN_ | sort); echo $PATH";
    const first = bench.buildpack({ id: "v/first", build: `${all.join("; ")}; ${say}` });
    const second = bench.buildpack({ id: "v/second", detect: say, build: say });
    const { output, lines } = await bench.build([first, second]);
    const [own, , seen, path] = output.split("\n");
    expect(own).toBe("");
    expect(seen).toBe("SEEN_BY_ALL_b=1 SEEN_b=1");
    expect(path).toMatch(/^\S+\/v_first\/b\/bin:/);
    expect(path).not.toMatch(/v_first\/[lc]\//);
    expect(lines("debug").join("\n")).not.toContain("SEEN_");
  });

  it("ENV-045 of a layer's env directories only files count, and of those only the ones with a known suffix", async () => {
    const more = `cd "$CNB_LAYERS_DIR/e"; mkdir -p env.build/SEEN_FOLDER; touch env.build/SEEN_FOLDER/SEEN_INSIDE
      printf 1 > env.build/SEEN_ODD.unknown; printf 1 > env.build/SEEN_FILE`;
    const first = bench.buildpack({ id: "v/odd", build: layer("e", "build=true", more) });
    const second = bench.buildpack({ id: "v/see", build: "env | grep ^SEEN_" });
    expect((await bench.build([first, second])).output).toBe("SEEN_FILE=1\n");
  });

  it("ENV-012 ENV-013 BUILD-004 BUILD-010 BUILD-012 SEC-003 a script has the specification's variables and no others of ours", async () => {
    const { output } = await bench.build([bench.buildpack({ id: "v/names", build: "env | cut -d= -f1 | sort" })], {
      env: { MINE: "1" },
    });
    const names = output.trim().split("\n");
    expect(names.filter((name) => name.startsWith("CNB_"))).toEqual([
      "CNB_BP_PLAN_PATH",
      "CNB_BUILDPACK_DIR",
      "CNB_EXEC_ENV",
      "CNB_LAYERS_DIR",
      "CNB_PLATFORM_DIR",
      "CNB_TARGET_ARCH",
      "CNB_TARGET_DISTRO_NAME",
      "CNB_TARGET_DISTRO_VERSION",
      "CNB_TARGET_OS",
    ]);
    // PWD, SHLVL and _ are the shell's own.
    const shell = ["PWD", "OLDPWD", "SHLVL", "_"];
    const rest = names.filter((name) => !name.startsWith("CNB_") && !shell.includes(name));
    expect(rest).toEqual(["HOME", "MINE", "PATH"]);
  });

  it("BUILD-010 the target and the execution environment have the values of this build", async () => {
    const build = 'echo "$CNB_EXEC_ENV $CNB_TARGET_OS $CNB_TARGET_DISTRO_NAME $CNB_TARGET_DISTRO_VERSION"';
    const { output } = await bench.build([bench.buildpack({ id: "v/values", build })], { execEnv: "test" });
    expect(output).toBe("test linux debian 12\n");
  });

  it("ENV-014 HOME is the base's own and can be written, PATH ends with the base's", async () => {
    const { output } = await bench.build(
      [bench.buildpack({ id: "v/home", build: 'touch "$HOME/x" && echo "$HOME $PATH"' })],
      {
        env: { PATH: "/mine" },
      },
    );
    expect(output).toMatch(/^\S+ \/mine:\S*\/usr\/bin:\/sbin:\/bin\n$/);
  });

  it("ENV-024 ENV-025 ENV-026 ENV-027 ENV-028 ENV-030 TRAP-006 TRAP-018 users' files are plain names, operators' have suffixes and the last word", async () => {
    const say =
      'ls "$CNB_PLATFORM_DIR/env" /cnb/build-config/env | tr "\\n" " "; echo "one=$ONE two=$TWO three=$(tr "\\0" "\\n" < /proc/$$/environ | grep ^THREE)"';
    const variable = (name: string, suffix: string) =>
      `[[build.env]]\nname = "${name}"\nvalue = "operator"\n${suffix && `suffix = "${suffix}"`}\n`;
    const builder = bench.builder(
      [bench.buildpack({ id: "v/who", build: say })],
      [["v/who"]],
      variable("ONE", "") + variable("TWO", "override"),
    );
    const env = { ONE: "user", TWO: "user", "THREE.append": "x" };
    const { output } = await bench.build([], { builder, env, sandbox: "namespace" });
    expect(output).toBe(
      "/cnb/build-config/env: ONE TWO.override  /platform/env: ONE THREE.append TWO one=user two=operator three=THREE.append=x\n",
    );
    expect(Object.keys(process.env).filter((name) => /^(ONE|TWO|THREE)/.test(name))).toEqual([]);
  });

  it("ENV-026 an operator's variable is a file of its name and suffix", async () => {
    const builder = bench.builder(
      [
        bench.buildpack({
          id: "v/files",
          build: 'cd /cnb/build-config/env; for f in *; do echo "$f=$(cat "$f")"; done',
        }),
      ],
      [["v/files"]],
      '[[build.env]]\nname = "ONE"\nvalue = "1"\n[[build.env]]\nname = "TWO"\nvalue = "2"\nsuffix = "append"\n',
    );
    const { output } = await bench.build([], { builder, sandbox: "namespace" });
    expect(output).toBe("ONE=1\nTWO.append=2\n");
  });

  it("ENV-010 BP_ and BPL_ variables are the user's and HOME is the base's, for each script", async () => {
    const say = 'env | grep -E "^(BP_|BPL_|HOME=)" | sort; echo end';
    const all = ["v/one", "v/two"].map((id) => bench.buildpack({ id, build: say }));
    const { output } = await bench.build(all, { env: { BP_A: "1", BPL_B: "2" }, sandbox: "namespace" });
    const [first, second] = output.split("end\n");
    expect(first!.split("\n").sort()).toEqual(["", "BPL_B=2", "BP_A=1", "HOME=/home/cnb"]);
    expect(second).toBe(first);
  });

  it("PLAN-019 edits to the plan it was given mean nothing to later buildpacks", async () => {
    const offer = 'printf "[[provides]]\\nname = \\"x\\"\\n[[requires]]\\nname = \\"x\\"\\n" > "$CNB_BUILD_PLAN_PATH"';
    const spoil = bench.buildpack({
      id: "pl/spoil",
      detect: offer,
      build: `echo "[[entries]]" > "$CNB_BP_PLAN_PATH" || true; printf '[[unmet]]\\nname = "x"\\n' > "$CNB_LAYERS_DIR/build.toml"`,
    });
    const next = bench.buildpack({ id: "pl/next", detect: offer, build: 'cat "$CNB_BP_PLAN_PATH"' });
    expect((await bench.build([spoil, next])).output).toBe('[[entries]]\n  name = "x"\n\n[[entries]]\n  name = "x"\n');
  });

  it("BUILD-015 output is passed on while the script runs", async () => {
    const folder = join(bench.root, "stream");
    mkdirSync(folder, { mode: 0o777 });
    execFileSync("mkfifo", ["-m", "666", join(folder, "gate")]);
    // The script waits until somebody has heard it: without streaming this test never ends.
    const build = "echo heard me; cat /gate/gate; echo and went on";
    const heard: string[] = [];
    const onEvent = (event: Event): void => {
      if (event.type !== "output") return;
      if (heard.push(event.text) === 1) void open(join(folder, "gate"), "w").then((gate) => gate.close());
    };
    const volumes = [{ host: folder, guest: "/gate", access: "rw" as const }];
    const { report } = await bench.build([bench.buildpack({ id: "b/stream", build })], {
      onEvent,
      volumes,
      sandbox: "namespace",
    });
    expect(report).toBeDefined();
    expect(heard.join("")).toBe("heard me\nand went on\n");
  });

  it("SEC-002 what detect leaves outside of its plan is gone when build runs", async () => {
    const file = "/tmp/left-by-detect";
    const bp = bench.buildpack({
      id: "b/left",
      detect: `touch ${file} && test -e ${file}`,
      build: `test ! -e ${file}`,
    });
    expect((await bench.build([bp], { sandbox: "namespace" })).report).toBeDefined();
  });
});

describe("what build leaves", () => {
  it("BUILD-008 FILE-030 FILE-035 the launcher's metadata.toml is in the image, processes sorted", async () => {
    const launch = `printf '[[processes]]\\ntype="z"\\ncommand=["z"]\\n[[processes]]\\ntype="a"\\ncommand=["a","b"]\\ndefault=true\\n[[labels]]\\nkey="k"\\nvalue="v"\\n[[slices]]\\npaths=["*.txt"]\\n' > "$CNB_LAYERS_DIR/launch.toml"`;
    const { report } = await bench.build([bench.buildpack({ id: "o/meta", build: launch })], { image: "meta" });
    const sha = report!.layers.find(({ id }) => id === "buildpacksio/lifecycle:config")!.diffId;
    const entries = await bench.look("meta", (stored) => layerEntries(stored, sha));
    const file = entries.find(({ name }) => name.endsWith("config/metadata.toml"));
    expect(file?.text).toBe(`buildpack-default-process-type = "a"

[[buildpacks]]
  id = "o/meta"
  version = "1.0.0"
  api = "0.12"

[[labels]]
  key = "k"
  value = "v"

[[processes]]
  type = "a"
  command = ["a", "b"]
  direct = true
  buildpack-id = "o/meta"

[[processes]]
  type = "z"
  command = ["z"]
  direct = true
  buildpack-id = "o/meta"

[[slices]]
  paths = ["*.txt"]
`);
  });

  const started = (name: string) =>
    bench.look(name, ({ image }) => parseBuildMetadata(labelsOf(image.config)[labelNames.build])!);

  it("PROC-011 PROC-012 PROC-013 a later buildpack replaces a process, moves the default or takes it away", async () => {
    const process = (type: string, command: string, more = "") =>
      `printf '[[processes]]\\ntype="${type}"\\ncommand=["${command}"]\\n${more}\\n' >> "$CNB_LAYERS_DIR/launch.toml"`;
    const build = `${process("web", "one", "default=true")}; ${process("task", "one")}`;
    const first = bench.buildpack({ id: "o/first", build });
    const followedBy = async (script: string) => {
      const second = bench.buildpack({ id: "o/second", build: script });
      const { lines } = await bench.build([first, second], { image: "several" });
      const { processes, defaultProcessType } = await started("several");
      const warned = lines("warn").some((line) => line.startsWith("redefining the following default process type"));
      return [processes.map(({ type, command }) => `${type} ${command}`), defaultProcessType, warned];
    };
    expect(await followedBy(process("web", "two"))).toEqual([["task one", "web two"], undefined, true]);
    expect(await followedBy(process("job", "two", "default=true"))).toEqual([
      ["job two", "task one", "web one"],
      "job",
      false,
    ]);
  });

  it("PROC-006 PROC-008 PROC-014 a launch.toml is read by its buildpack's own API", async () => {
    const launch = (api: string, lines: string) =>
      bench.buildpack({
        id: `o/api-${api}`,
        api,
        build: `printf '[[processes]]\\ntype="${api}"\\n${lines}\\n' > "$1/launch.toml"`,
      });
    const text = 'command="x y"\\nworking-dir="/srv"';
    const buildpacks = [launch("0.7", text), launch("0.8", text), launch("0.9", 'command=["x","y"]')];
    const { lines } = await bench.build(buildpacks, { image: "apis" });
    const { processes } = await started("apis");
    expect(processes.map((one) => [one.type, one.command, one.direct, one.workingDirectory])).toEqual([
      ["0.7", ["x y"], false, undefined],
      ["0.8", ["x y"], false, "/srv"],
      ["0.9", ["x", "y"], true, undefined],
    ]);
    expect(lines("warn").join("\n")).toContain("Ignoring the working-dir of process type 0.7 of o/api-0.7");
    const { fault } = await bench.build([launch("0.9", 'command=["x"]\\ndirect=true')], { image: "apis" });
    expect(fault?.code).toBe("process.direct");
  });

  it("BUILD-018 a build may change and delete what it was given back", async () => {
    const make = (name: string) =>
      layer(name, "launch=true\\ncache=true", `echo ${name} > "$CNB_LAYERS_DIR/${name}/f"`);
    await bench.build([bench.buildpack({ id: "o/own", build: `${make("a")}; ${make("b")}` })], { image: "own" });
    const change = `test -d "$CNB_LAYERS_DIR/a"; rm -r "$CNB_LAYERS_DIR/a" "$CNB_LAYERS_DIR/a.toml"; ${make("b")}; echo new > "$CNB_LAYERS_DIR/b/f"`;
    const { report } = await bench.build([bench.buildpack({ id: "o/own", build: change })], { image: "own" });
    const ids = report!.layers.filter(({ id }) => id.startsWith("o/own:"));
    expect(ids.map(({ id, action }) => [id, action])).toEqual([["o/own:b", "add"]]);
    const texts = await bench.look("own", (stored) => layerEntries(stored, ids[0]!.diffId));
    expect(texts.find(({ name }) => name.endsWith("/b/f"))?.text).toBe("new\n");
  });

  it("BUILD-016 what nobody may write survives export, cache and restore", async () => {
    const make = `mkdir -p "$CNB_LAYERS_DIR/ro/d"; echo x > "$CNB_LAYERS_DIR/ro/d/f"; chmod 444 "$CNB_LAYERS_DIR/ro/d/f"; chmod 555 "$CNB_LAYERS_DIR/ro/d"; printf '[types]\\nlaunch=true\\ncache=true\\n' > "$CNB_LAYERS_DIR/ro.toml"`;
    const first = await bench.build([bench.buildpack({ id: "o/ro", build: make })], { image: "ro" });
    const again = `stat -c %a "$CNB_LAYERS_DIR/ro/d" "$CNB_LAYERS_DIR/ro/d/f" | tr "\\n" " "; printf '[types]\\nlaunch=true\\ncache=true\\n' > "$CNB_LAYERS_DIR/ro.toml"`;
    const second = await bench.build([bench.buildpack({ id: "o/ro", build: again })], { image: "ro" });
    expect(second.output).toBe("555 444 ");
    const sha = (outcome: typeof first) => outcome.report!.layers.find(({ id }) => id === "o/ro:ro")?.diffId;
    expect(sha(second)).toBe(sha(first));
    expect(await bench.look("ro", ({ image }) => labelsOf(image.config)["io.buildpacks.exec-env"])).toBe("production");
  });
});
