import { describe, expect, it } from "vitest";
import { abilitiesOf, parseApi } from "../../src/cnb/api.ts";
import {
  applyEnvFiles,
  baseEnvironment,
  buildConfigEnv,
  buildVariables,
  detectVariables,
  type EnvFile,
  type Environment,
  platformEnv,
  withBuildLayer,
  withLayerPaths,
} from "../../src/cnb/environment.ts";

function files(contents: Readonly<Record<string, string>>): readonly EnvFile[] {
  return Object.entries(contents).map(([name, content]) => ({ name, content }));
}

function applied(env: Environment, ...directories: readonly Readonly<Record<string, string>>[]): Environment {
  return directories.reduce((result, directory) => applyEnvFiles(result, files(directory), "override"), env);
}

const layer = (name: string) => ({
  bin: `/layers/${name}/bin`,
  lib: `/layers/${name}/lib`,
  include: `/layers/${name}/include`,
  pkgconfig: `/layers/${name}/pkgconfig`,
});

describe("layer paths", () => {
  it("ENV-001 bin, lib, include and pkgconfig feed five variables at build", () => {
    expect(withLayerPaths({}, layer("a"), "build")).toEqual({
      PATH: "/layers/a/bin",
      LD_LIBRARY_PATH: "/layers/a/lib",
      LIBRARY_PATH: "/layers/a/lib",
      CPATH: "/layers/a/include",
      PKG_CONFIG_PATH: "/layers/a/pkgconfig",
    });
  });

  it("ENV-002 bin and lib feed two variables at launch", () => {
    expect(withLayerPaths({}, layer("a"), "launch")).toEqual({
      PATH: "/layers/a/bin",
      LD_LIBRARY_PATH: "/layers/a/lib",
    });
  });

  it("ENV-005 paths of later buildpacks come first, the image's own stays at the end (ENV-014)", () => {
    const first = withLayerPaths({ PATH: "/usr/bin" }, { bin: "/layers/one/x/bin" }, "build");
    expect(withLayerPaths(first, { bin: "/layers/two/x/bin" }, "build")).toEqual({
      PATH: "/layers/two/x/bin:/layers/one/x/bin:/usr/bin",
    });
  });

  it("ENV-006 within a buildpack the last layer ends up first (TRAP-003)", () => {
    const env = ["a", "b"].reduce<Environment>(
      (old, name) => withLayerPaths(old, { bin: `/${name}/bin` }, "build"),
      {},
    );
    expect(env["PATH"]).toBe("/b/bin:/a/bin");
  });

  it.each([{}, { PATH: "" }])("ENV-007 a colon separates, and none is left where there was nothing: %j", (env) => {
    const path = withLayerPaths(env, { bin: "/a/bin" }, "build");
    expect(path["PATH"]).toBe("/a/bin");
    expect(withLayerPaths(path, { bin: "/b/bin" }, "build")["PATH"]).toBe("/b/bin:/a/bin");
  });

  it("ENV-008 a directory that is not there adds nothing", () => {
    expect(withLayerPaths({ PATH: "/usr/bin" }, { lib: "/a/lib" }, "build")).toEqual({
      PATH: "/usr/bin",
      LD_LIBRARY_PATH: "/a/lib",
      LIBRARY_PATH: "/a/lib",
    });
  });
});

describe("what a script's environment is made from", () => {
  it("ENV-013 of the surroundings only the allowed variables pass", () => {
    const allowed = {
      CNB_STACK_ID: "stack",
      HOSTNAME: "box",
      HOME: "/home/cnb",
      HTTP_PROXY: "p1",
      HTTPS_PROXY: "p2",
      NO_PROXY: "p3",
      http_proxy: "p4",
      https_proxy: "p5",
      no_proxy: "p6",
      PATH: "/bin",
      LD_LIBRARY_PATH: "/l",
      LIBRARY_PATH: "/m",
      CPATH: "/c",
      PKG_CONFIG_PATH: "/k",
    };
    const others = { FOO: "1", LANG: "C", USER: "cnb", CNB_REGISTRY_AUTH: "secret", BP_X: "1", __proto__: "x" };
    expect(baseEnvironment({ ...others, ...allowed })).toEqual(allowed);
  });

  it("ENV-010 HOME is the surroundings' own and BP_ variables are never made up", () => {
    expect(baseEnvironment({ HOME: "/root" }, { HOME: "/home/cnb" })).toEqual({ HOME: "/home/cnb" });
    const api = abilitiesOf(parseApi("0.12", "test"));
    const names = Object.keys(buildVariables(api, { ...inputs, layersDir: "/layers/a" }));
    expect(names.every((name) => name.startsWith("CNB_"))).toBe(true);
  });

  it("ENV-011 CNB_STACK_ID is passed through when it is known (TRAP-020)", () => {
    expect(baseEnvironment({ CNB_STACK_ID: "io.buildpacks.stacks.noble" })).toEqual({
      CNB_STACK_ID: "io.buildpacks.stacks.noble",
    });
  });

  it("ENV-022 a user's path variable goes in front, any other replaces", () => {
    const env = { PATH: "/layers/a/bin:/bin", FOO: "layer" };
    expect(platformEnv(env, { PATH: "/u", FOO: "user", CPATH: "/inc" }, { clearEnv: false })).toEqual({
      PATH: "/u:/layers/a/bin:/bin",
      FOO: "user",
      CPATH: "/inc",
    });
  });

  it("ENV-023 clear-env keeps the user's variables out", () => {
    expect(platformEnv({ FOO: "layer" }, { FOO: "user", BAR: "user" }, { clearEnv: true })).toEqual({ FOO: "layer" });
  });

  it("ENV-024 a user's file name is a variable name as it stands (TRAP-018)", () => {
    expect(platformEnv({ FOO: "old" }, { "FOO.append": "x" }, { clearEnv: false })).toEqual({
      FOO: "old",
      "FOO.append": "x",
    });
  });

  it("ENV-027 an operator's bare name is a default, suffixes work", () => {
    const env = { FOO: "buildpack", LIST: "a" };
    expect(buildConfigEnv(env, files({ FOO: "operator", NEW: "n", "LIST.append": "b", "LIST.delim": "," }))).toEqual({
      FOO: "buildpack",
      NEW: "n",
      LIST: "a,b",
    });
    expect(buildConfigEnv(env, files({ "FOO.override": "operator" }))["FOO"]).toBe("operator");
  });

  it("ENV-028 the operator comes after the user", () => {
    const user = platformEnv({}, { FOO: "user" }, { clearEnv: false });
    expect(buildConfigEnv(user, files({ "FOO.override": "operator" }))).toEqual({ FOO: "operator" });
  });

  it("ENV-029 the operator is heard whatever clear-env says", () => {
    const cleared = platformEnv({}, { FOO: "user" }, { clearEnv: true });
    expect(buildConfigEnv(cleared, files({ FOO: "operator" }))).toEqual({ FOO: "operator" });
  });
});

describe("modification rules", () => {
  it("ENV-034 the name ends at the first dot; an unknown action is ignored", () => {
    expect(applied({}, { "A.B.append": "x", "C.prepend": "y" })).toEqual({ C: "y" });
  });

  it("ENV-035 the content is taken byte for byte", () => {
    expect(applied({}, { A: "$HOME\n", B: "  x\r\n" })).toEqual({ A: "$HOME\n", B: "  x\r\n" });
  });

  it("ENV-036 every action of the table", () => {
    const env = { NONE: "o", APPEND: "o", PREPEND: "o", DEFAULT: "o", OVERRIDE: "o", DELIM: "o" };
    const directory = {
      NONE: "n",
      "APPEND.append": "n",
      "PREPEND.prepend": "n",
      "DEFAULT.default": "n",
      "UNSET.default": "n",
      "OVERRIDE.override": "n",
      "DELIM.delim": "n",
    };
    expect(applied(env, directory)).toEqual({
      NONE: "n",
      APPEND: "on",
      PREPEND: "no",
      DEFAULT: "o",
      UNSET: "n",
      OVERRIDE: "n",
      DELIM: "o",
    });
  });

  it("ENV-036 a name that ends in a dot prepends with a colon, or with its own delimiter", () => {
    expect(applied({ A: "old", B: "old" }, { "A.": "new", "B.": "new", "B.delim": ";", "C.": "new" })).toEqual({
      A: "new:old",
      B: "new;old",
      C: "new",
    });
  });

  it("ENV-037 append runs from earlier to later and from general to specific", () => {
    const layers = ["a", "b"].flatMap((name) => [{ "X.append": `${name}1` }, { "X.append": `${name}2` }]);
    expect(applied({ X: "0" }, ...layers)["X"]).toBe("0a1a2b1b2");
    const [env, envBuild] = [files({ "X.append": "general" }), files({ "X.append": "special" })];
    expect(withBuildLayer({}, { paths: {}, env, envBuild })["X"]).toBe("generalspecial");
  });

  it("ENV-038 prepend is its mirror", () => {
    const layers = ["a", "b"].flatMap((name) => [{ "X.prepend": `${name}1` }, { "X.prepend": `${name}2` }]);
    expect(applied({ X: "0" }, ...layers)["X"]).toBe("b2b1a2a10");
    const [env, envBuild] = [files({ "X.prepend": "general" }), files({ "X.prepend": "special" })];
    expect(withBuildLayer({}, { paths: {}, env, envBuild })["X"]).toBe("specialgeneral");
  });

  it("ENV-039 override: the last writer wins", () => {
    expect(applied({ X: "0" }, { "X.override": "1" }, { "X.override": "2" })["X"]).toBe("2");
  });

  it("ENV-040 default: the earliest writer wins, and only over an empty variable (TRAP-027)", () => {
    expect(
      applied({ SET: "0", EMPTY: "" }, { "SET.default": "1", "EMPTY.default": "1" }, { "EMPTY.default": "2" }),
    ).toEqual({ SET: "0", EMPTY: "1" });
  });

  it("ENV-041 a delimiter joins in its own directory only; without one nothing stands between, not even in PATH (TRAP-026)", () => {
    expect(applied({ X: "0", PATH: "/bin" }, { "X.append": "1", "PATH.append": "/a" })).toEqual({
      X: "01",
      PATH: "/bin/a",
    });
    expect(applied({ X: "0", PATH: "/bin" }, { "X.prepend": "1", "PATH.prepend": "/a" })).toEqual({
      X: "10",
      PATH: "/a/bin",
    });
    expect(applied({ X: "0" }, { "X.append": "1", "X.delim": ":" }, { "X.append": "2" })["X"]).toBe("0:12");
  });

  it("ENV-042 all of a layer is applied before the next", () => {
    const build = (env: Environment, name: string, own: Record<string, string>) =>
      withBuildLayer(env, { paths: { bin: `/${name}/bin` }, env: files(own), envBuild: [] });
    const first = build({}, "a", { "X.override": "a", "PATH.prepend": "/pp", "PATH.delim": ":" });
    const second = build(first, "b", { "X.append": "b" });
    expect(second).toEqual({ X: "ab", PATH: "/b/bin:/pp:/a/bin" });
  });

  it("ENV-043 no delimiter before the first value", () => {
    expect(applied({}, { "X.append": "1", "X.delim": ":", "Y.prepend": "1", "Y.delim": ":" })).toEqual({
      X: "1",
      Y: "1",
    });
  });

  it("ENV-044 a delimiter in env does not count in env.build", () => {
    const env = withBuildLayer(
      { X: "0" },
      { paths: {}, env: files({ "X.delim": ":" }), envBuild: files({ "X.append": "1" }) },
    );
    expect(env["X"]).toBe("01");
  });

  it("ENV-046 the files of a directory apply in byte order of their names", () => {
    const shuffled = files({ "X.prepend": "p", "X.append": "a", X: "o", "X.delim": "-", "X.override": "v" });
    expect(applyEnvFiles({}, shuffled, "override")["X"]).toBe("p-v");
    expect(applied({}, { "BOTH.append": "p", BOTH: "o" })["BOTH"]).toBe("op");
    expect(applied({}, { "é.append": "1", "é.prepend": "2", Z: "3" })).toEqual({ Z: "3", é: "21" });
  });

  it("ENV-047 at build a layer gives its paths, then env, then env.build", () => {
    const env = withBuildLayer(
      {},
      {
        paths: { bin: "/a/bin" },
        env: files({ "PATH.prepend": "/env", "PATH.delim": ":" }),
        envBuild: files({ "PATH.prepend": "/build", "PATH.delim": ":" }),
      },
    );
    expect(env["PATH"]).toBe("/build:/env:/a/bin");
  });

  it("leaves the environment it was given alone, and takes any name for a variable", () => {
    const env = Object.freeze({ A: "1" });
    const result = applied(env, {
      ["__proto__"]: "x",
      constructor: "y",
      "toString.append": "z",
      "": "w",
    });
    expect(env).toEqual({ A: "1" });
    expect(Object.entries(result).sort()).toEqual([
      ["A", "1"],
      ["__proto__", "x"],
      ["constructor", "y"],
      ["toString", "z"],
    ]);
  });
});

const inputs = {
  buildpackDir: "/cnb/buildpacks/a/1",
  platformDir: "/platform",
  planPath: "/plan.toml",
  target: { os: "linux", arch: "arm", variant: "v7", distro: { name: "debian", version: "12" } },
  execEnv: "test",
};
const at = (api: string) => abilitiesOf(parseApi(api, "test"));
const build = { ...inputs, layersDir: "/layers/a" };

describe("CNB variables by Buildpack API", () => {
  it("DET-013 every buildpack knows its own directory", () => {
    expect(detectVariables(at("0.7"), inputs)).toEqual({ CNB_BUILDPACK_DIR: "/cnb/buildpacks/a/1" });
  });

  it("DET-014 the paths of detect come with 0.8", () => {
    expect(detectVariables(at("0.8"), inputs)).toEqual({
      CNB_BUILDPACK_DIR: "/cnb/buildpacks/a/1",
      CNB_PLATFORM_DIR: "/platform",
      CNB_BUILD_PLAN_PATH: "/plan.toml",
    });
  });

  it("BUILD-004 the paths of build come with 0.8", () => {
    expect(buildVariables(at("0.7"), build)).toEqual({ CNB_BUILDPACK_DIR: "/cnb/buildpacks/a/1" });
    expect(buildVariables(at("0.9"), build)).toEqual({
      CNB_BUILDPACK_DIR: "/cnb/buildpacks/a/1",
      CNB_PLATFORM_DIR: "/platform",
      CNB_BP_PLAN_PATH: "/plan.toml",
      CNB_LAYERS_DIR: "/layers/a",
    });
  });

  it("BUILD-010 ENV-049 TARGET-012 the target comes with 0.10, and only what is known of it", () => {
    const names = (target: typeof inputs.target | { os: string; arch: string }) =>
      Object.entries(buildVariables(at("0.11"), { ...build, target })).filter(([name]) => name.includes("TARGET"));
    expect(names(inputs.target)).toEqual([
      ["CNB_TARGET_OS", "linux"],
      ["CNB_TARGET_ARCH", "arm"],
      ["CNB_TARGET_ARCH_VARIANT", "v7"],
      ["CNB_TARGET_DISTRO_NAME", "debian"],
      ["CNB_TARGET_DISTRO_VERSION", "12"],
    ]);
    expect(names({ os: "linux", arch: "amd64" })).toEqual([
      ["CNB_TARGET_OS", "linux"],
      ["CNB_TARGET_ARCH", "amd64"],
    ]);
  });

  it.each([
    ["0.11", undefined],
    ["0.12", "test"],
  ])("ENV-048 DET-019 the execution environment comes with 0.12: %s", (api, value) => {
    expect(detectVariables(at(api), inputs)["CNB_EXEC_ENV"]).toBe(value);
    expect(buildVariables(at(api), build)["CNB_EXEC_ENV"]).toBe(value);
  });
});

describe("files of env directories", () => {
  it("ENV-027 a file whose name begins with a dot sets nothing", () => {
    expect(
      applyEnvFiles(
        { A: "a" },
        [
          { name: ".override", content: "x" },
          { name: ".A", content: "y" },
        ],
        "override",
      ),
    ).toEqual({ A: "a" });
  });

  it("ENV-004 a bare name of a layer's env and env.build replaces what was there before", () => {
    const layer = (env: string, envBuild: string) => ({
      paths: {},
      env: [{ name: env, content: "new" }],
      envBuild: [{ name: envBuild, content: "newer" }],
    });
    expect(withBuildLayer({ A: "old", B: "old" }, layer("A", "B"))).toEqual({ A: "new", B: "newer" });
    expect(withBuildLayer({ A: "old" }, layer("A", "A"))).toEqual({ A: "newer" });
  });
});
