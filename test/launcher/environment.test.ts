import { describe, expect, it } from "vitest";
import { type Files, metadata, metadataOf, openImage, variablesOf } from "./image.ts";

const two = metadataOf(
  { "acme/first": "0.12", second: "0.8" },
  { web: `command = ["env"]\ndirect = true\nbuildpack-id = "acme/first"` },
);

/** The environment that the process `web` gets from an image with these layer files. */
async function environmentOf(
  layers: Files,
  env: Record<string, string | undefined> = {},
  name = "web",
  args: string[] = [],
) {
  const files = Object.fromEntries(Object.entries(layers).map(([path, file]) => [`layers/${path}`, file]));
  await using image = await openImage({ ...files, [metadata]: two });
  const { code, stdout, stderr } = await image.run(name, args, env);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return { variables: variablesOf(stdout), printed: stdout, layers: image.layers };
}

describe("search paths", () => {
  it("ENV-002 only bin and lib count at launch", async () => {
    const { variables, layers } = await environmentOf({
      "second/a/bin/x": "",
      "second/a/lib/x": "",
      "second/a/include/x": "",
      "second/a/pkgconfig/x": "",
    });
    expect(variables["PATH"]).toBe(`${layers}/second/a/bin:/usr/local/bin:/usr/bin:/bin`);
    expect(variables["LD_LIBRARY_PATH"]).toBe(`${layers}/second/a/lib`);
    expect(variables).not.toHaveProperty("LIBRARY_PATH");
    expect(variables).not.toHaveProperty("CPATH");
    expect(variables).not.toHaveProperty("PKG_CONFIG_PATH");
  });

  it("ENV-005 ENV-006 ENV-007 ENV-008 ENV-009 later buildpacks and later layer names come first", async () => {
    const { variables, layers } = await environmentOf({
      "acme_first/a/lib/x": "",
      "acme_first/b/lib/x": "",
      "acme_first/c/other/x": "",
      "second/a/lib/x": "",
    });
    const roots = ["second/a", "acme_first/b", "acme_first/a"];
    expect(variables["LD_LIBRARY_PATH"]).toBe(roots.map((layer) => `${layers}/${layer}/lib`).join(":"));
  });

  it("ENV-047 all search paths of a buildpack come before its env files", async () => {
    const { variables, layers } = await environmentOf({
      "second/a/bin/x": "",
      "second/a/env/PATH.prepend": "/pp:",
      "second/b/bin/x": "",
    });
    expect(variables["PATH"]).toBe(`/pp:${layers}/second/b/bin:${layers}/second/a/bin:/usr/local/bin:/usr/bin:/bin`);
  });

  it("a link to a directory is no layer", async () => {
    const { variables } = await environmentOf({ "shared/bin/x": "", "second/link": { to: "../shared" } });
    expect(variables["PATH"]).toBe("/usr/local/bin:/usr/bin:/bin");
  });
});

describe("env files", () => {
  it("ENV-031 ENV-033 env, env.launch and env.launch/<type> count, env.build does not", async () => {
    const layer = {
      "second/a/env/E": "1",
      "second/a/env.launch/L": "2",
      "second/a/env.launch/web/P": "3",
      "second/a/env.launch/worker/W": "4",
      "second/a/env.build/B": "5",
    };
    const { variables } = await environmentOf(layer);
    expect(variables).toMatchObject({ E: "1", L: "2", P: "3" });
    expect(variables).not.toHaveProperty("W");
    expect(variables).not.toHaveProperty("B");
    const ofUser = await environmentOf(layer, {}, "launcher", ["--", "env"]);
    expect(ofUser.variables).not.toHaveProperty("P");
  });

  it("ENV-034 a name ends at its first dot, and an unknown suffix is ignored", async () => {
    const { variables } = await environmentOf({ "second/a/env/A.B.append": "x", "second/a/env/C.other": "y" });
    expect(variables).not.toHaveProperty("A");
    expect(variables).not.toHaveProperty("A.B");
    expect(variables).not.toHaveProperty("C");
  });

  it("ENV-035 contents count byte for byte", async () => {
    const { printed } = await environmentOf({ "second/a/env/RAW": "$HOME `x` \\n é\n\n" });
    expect(printed).toContain("RAW=$HOME `x` \\n é\n\n\n");
  });

  it("ENV-036 every suffix does what the table says", async () => {
    const given = { N: "old", O: "old", A: "old", P: "old", D: "old", S: "old" };
    const { variables } = await environmentOf(
      {
        "second/a/env/N": "new",
        "second/a/env/O.override": "new",
        "second/a/env/A.append": "new",
        "second/a/env/A.delim": "-",
        "second/a/env/P.prepend": "new",
        "second/a/env/P.delim": "-",
        "second/a/env/D.default": "new",
        "second/a/env/S.": "new",
        "second/a/env/T.default": "new",
      },
      given,
    );
    expect(variables).toMatchObject({
      N: "new",
      O: "new",
      A: "old-new",
      P: "new-old",
      D: "old",
      S: "new:old",
      T: "new",
    });
  });

  const places = [
    "acme_first/a/env",
    "acme_first/a/env.launch",
    "acme_first/a/env.launch/web",
    "acme_first/b/env",
    "second/a/env",
  ];
  const each = (suffix: string) => Object.fromEntries(places.map((place, i) => [`${place}/V${suffix}`, `${i}`]));

  it("ENV-037 LAUNCH-012 append joins buildpacks, layers and directories in their order", async () => {
    expect((await environmentOf(each(".append"))).variables["V"]).toBe("01234");
  });

  it("ENV-038 prepend is the exact mirror", async () => {
    expect((await environmentOf(each(".prepend"))).variables["V"]).toBe("43210");
  });

  it("ENV-039 the last override wins", async () => {
    expect((await environmentOf(each(".override"))).variables["V"]).toBe("4");
    const { "second/a/env/V": _last, ...rest } = each("");
    expect((await environmentOf(rest)).variables["V"]).toBe("3");
  });

  it("ENV-040 TRAP-027 the first default wins, and a variable set to nothing counts as not set", async () => {
    expect((await environmentOf(each(".default"))).variables["V"]).toBe("0");
    expect((await environmentOf(each(".default"), { V: "" })).variables["V"]).toBe("0");
    expect((await environmentOf(each(".default"), { V: "set" })).variables["V"]).toBe("set");
  });

  it("ENV-041 TRAP-026 without a delim file nothing stands between, even in PATH", async () => {
    const { variables } = await environmentOf({
      "acme_first/a/env/X.append": "a",
      "second/a/env/X.append": "b",
      "second/b/env/X.append": "c",
      "second/b/env/X.delim": ":",
      "second/a/env/LD_LIBRARY_PATH.append": "/lib1",
      "second/b/env/LD_LIBRARY_PATH.append": "/lib2",
    });
    expect(variables["X"]).toBe("ab:c");
    expect(variables["LD_LIBRARY_PATH"]).toBe("/lib1/lib2");
  });

  it("ENV-042 one layer is done before the next is looked at", async () => {
    const { variables } = await environmentOf({
      "second/a/env.launch/X.override": "base",
      "second/b/env/X.append": "+",
    });
    expect(variables["X"]).toBe("base+");
  });

  it("ENV-043 no delimiter is written next to an empty value", async () => {
    const { variables } = await environmentOf({
      "second/a/env/X.append": "a",
      "second/a/env/X.delim": ":",
      "second/a/env/Y.prepend": "b",
      "second/a/env/Y.delim": ":",
    });
    expect(variables).toMatchObject({ X: "a", Y: "b" });
  });

  it("ENV-044 a delimiter belongs to its own directory", async () => {
    const { variables } = await environmentOf(
      { "second/a/env/X.delim": ":", "second/a/env.launch/X.append": "b" },
      { X: "a" },
    );
    expect(variables["X"]).toBe("ab");
  });

  it("ENV-045 sub-directories are skipped, also behind links; links to files are read", async () => {
    const { variables } = await environmentOf({
      "second/a/env/folder/X": "x",
      "second/a/env/LINKED": { to: "folder/X" },
      "second/a/env/LINKED_FOLDER": { to: "folder" },
    });
    expect(variables["LINKED"]).toBe("x");
    expect(variables).not.toHaveProperty("X");
    expect(variables).not.toHaveProperty("LINKED_FOLDER");
  });

  it("ENV-046 files count in the order of their names", async () => {
    const { variables } = await environmentOf({
      "second/a/env/X": "o",
      "second/a/env/X.append": "p",
      "second/a/env/X.default": "no",
      "second/a/env/X.prepend": "q",
    });
    expect(variables["X"]).toBe("qop");
  });

  it("an env file that cannot be read fails the launch", async () => {
    await using image = await openImage({ [metadata]: two, "layers/second/a/env/GONE": { to: "nowhere" } });
    const { code, stderr } = await image.run("web");
    expect(code).toBe(82);
    expect(stderr).toBe(
      "ERROR: failed to launch: modify env: add layer env: " +
        `apply env files from dir '${image.layers}/second/a/env': stat ${image.layers}/second/a/env/GONE: no such file or directory\n`,
    );
  });

  it("an env file with a zero byte, or one that is too large for the kernel, fails clearly", async () => {
    await using zero = await openImage({ [metadata]: two, "layers/second/a/env/ZERO": "a\0b" });
    expect(await zero.run("web")).toMatchObject({
      code: 82,
      stderr: expect.stringContaining('environment variable "ZERO" contains a zero byte'),
    });
    await using large = await openImage({ [metadata]: two, "layers/second/a/env/LARGE": "x".repeat(3 << 20) });
    expect(await large.run("web")).toMatchObject({
      code: 82,
      stderr: expect.stringContaining("env/LARGE: larger than 2097152 bytes"),
    });
  });
});

describe("what the process inherits", () => {
  it("LAUNCH-012 a buildpack without a directory contributes nothing", async () => {
    const { variables } = await environmentOf({ "stranger/a/env/X": "x" });
    expect(variables).not.toHaveProperty("X");
  });

  it("LAUNCH-025 the launcher's own variables are not passed on", async () => {
    const { variables } = await environmentOf(
      {},
      { CNB_DEPRECATION_MODE: "warn", CNB_EXEC_ENV: "test", CNB_STACK_ID: "s" },
    );
    for (const name of ["CNB_APP_DIR", "CNB_LAYERS_DIR", "CNB_PLATFORM_API", "CNB_DEPRECATION_MODE"]) {
      expect(variables).not.toHaveProperty(name);
    }
    expect(variables).toMatchObject({ CNB_EXEC_ENV: "test", CNB_NO_COLOR: "true", CNB_STACK_ID: "s" });
  });

  it("LAUNCH-025 nor is CNB_PROCESS_TYPE", async () => {
    await using image = await openImage({ [metadata]: two });
    const { stdout } = await image.run("web", [], { CNB_PROCESS_TYPE: "web" });
    expect(variablesOf(stdout)).not.toHaveProperty("CNB_PROCESS_TYPE");
  });

  it("LAUNCH-026 the launcher's directories leave PATH, wherever they stand", async () => {
    const path = "/cnb/process:/usr/bin:/cnb/lifecycle:/cnb/process/more:/bin:/cnb/process";
    const { variables } = await environmentOf({}, { PATH: path });
    expect(variables["PATH"]).toBe("/usr/bin:/cnb/process/more:/bin");
  });

  it("LAUNCH-027 BIND-004 all other variables pass through unchanged, that of the old bindings too", async () => {
    const given = { X: "a=b  c", EMPTY: "", BPL_Y: "1", CNB_BINDINGS: "/platform/bindings" };
    const { variables } = await environmentOf({}, given);
    expect(variables).toMatchObject(given);
  });
});
