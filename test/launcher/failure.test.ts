import { describe, expect, it } from "vitest";
import { bash, metadata, metadataOf, openImage } from "./image.ts";

const files = {
  [metadata]: metadataOf(
    { bp: "0.9" },
    {
      exits: `command = ["bash", "-c", "exit 7"]\ndirect = true`,
      dies: `command = ["bash", "-c", "kill -9 $$"]\ndirect = true`,
      who: `command = ["bash", "-c", "echo $$"]\ndirect = true`,
      lost: `command = ["true"]\ndirect = true\nworking-dir = "/nowhere"`,
      tool: `command = ["tool"]\ndirect = true`,
    },
  ),
  "layers/bp/a/bin/tool": bash("echo $0"),
  "layers/bp/a/bin/plain": "not executable",
  "app/local": bash("echo local"),
  "app/plain": "not executable",
  "app/odd": { script: "no first line" },
};

describe("how a launch ends", () => {
  it("LAUNCH-028 the exit code and the signal are the process's own", async () => {
    await using image = await openImage(files);
    expect(await image.run("exits")).toMatchObject({ code: 7, signal: null });
    expect(await image.run("dies")).toMatchObject({ code: null, signal: "SIGKILL" });
  });

  it("LAUNCH-023 the launcher is replaced by the process", async () => {
    await using image = await openImage(files);
    const child = await image.start("who");
    const printed = new Promise<string>((resolve) => child.stdout.once("data", (bytes) => resolve(String(bytes))));
    expect(await printed).toBe(`${child.pid}\n`);
  });

  it("LAUNCH-024 the program is looked up in the final PATH", async () => {
    await using image = await openImage(files);
    expect((await image.run("tool")).stdout).toBe(`${image.layers}/bp/a/bin/tool\n`);
  });

  it.each([
    [
      undefined,
      "failed to get platform API version; please set 'CNB_PLATFORM_API' to specify the desired platform API version",
    ],
    [
      " ",
      "failed to get platform API version; please set 'CNB_PLATFORM_API' to specify the desired platform API version",
    ],
    ["latest", "failed to parse platform API 'latest'"],
    ["0.6", "failed to set platform API: platform API version '0.6' is incompatible with the lifecycle"],
    ["0.16", "failed to set platform API: platform API version '0.16' is incompatible with the lifecycle"],
    ["1.0", "failed to set platform API: platform API version '1.0' is incompatible with the lifecycle"],
  ])("LAUNCH-029 API-009 API-012 Platform API %j ends with 11", async (api, message) => {
    await using image = await openImage(files);
    const { code, stderr, stdout } = await image.run("exits", [], { CNB_PLATFORM_API: api });
    expect(stderr.split("\n")[0]).toBe(`ERROR: ${message}`);
    expect([code, stdout]).toEqual([11, ""]);
  });

  it.each(["0.7", "0.8", "0.9", "0.10", "0.11", "0.12", "0.13", "0.14", "0.15"])(
    "API-009 runs on Platform API %s",
    async (api) => {
      await using image = await openImage(files);
      expect((await image.run("exits", [], { CNB_PLATFORM_API: api })).code).toBe(7);
    },
  );

  it.each([undefined, "0.99"])("API-010 Platform API %j ends with 11 before anything else is read", async (api) => {
    await using unread = await openImage({ [metadata]: "no TOML" });
    const env = { CNB_PLATFORM_API: api };
    expect((await unread.run("launcher", ["--", "true"], env)).code).toBe(11);
    expect((await unread.run("nobody", [], { ...env, CNB_APP_DIR: "/nowhere", CNB_PROCESS_TYPE: "web" })).code).toBe(
      11,
    );
    expect((await unread.run("launcher", ["--", "true"])).code).toBe(1);
  });

  it.each([
    ["0.6", "failed to set API for buildpack 'a/b': buildpack API version '0.6' is incompatible with the lifecycle"],
    ["0.13", "failed to set API for buildpack 'a/b': buildpack API version '0.13' is incompatible with the lifecycle"],
    ["", "failed to parse buildpack API '' for buildpack 'a/b'"],
  ])("LAUNCH-029 Buildpack API %j ends with 12", async (api, message) => {
    await using image = await openImage({ [metadata]: metadataOf({ "a/b": api }) });
    const { code, stderr } = await image.run("launcher", ["--", "true"]);
    expect(stderr.split("\n")[0]).toBe(`ERROR: ${message}`);
    expect(code).toBe(12);
  });

  it.each(["0.7", "0.8", "0.9", "0.10", "0.11", "0.12"])("runs buildpacks of API %s", async (api) => {
    await using image = await openImage({ [metadata]: metadataOf({ "a/b": api }) });
    expect((await image.run("launcher", ["--", "true"])).code).toBe(0);
  });

  it("missing metadata ends with 1", async () => {
    await using image = await openImage({});
    const { code, stderr } = await image.run("web");
    expect(code).toBe(1);
    expect(stderr.split("\n")[0]).toBe(
      `ERROR: failed to read metadata: open ${image.layers}/config/metadata.toml: no such file or directory`,
    );
  });

  it("without CNB_LAYERS_DIR and CNB_APP_DIR the directories are /layers and /workspace", async () => {
    await using image = await openImage(files);
    const lost = await image.run("exits", [], { CNB_LAYERS_DIR: "" });
    expect(lost.stderr).toContain("open /layers/config/metadata.toml: ");
    const homeless = await image.run("exits", [], { CNB_APP_DIR: `${image.root}/nowhere` });
    expect(homeless.stderr).toBe(
      `ERROR: failed to launch: change to app directory: chdir ${image.root}/nowhere: no such file or directory\n`,
    );
    expect(homeless.code).toBe(82);
  });

  it.each([
    ["nosuch", `exec: "nosuch": executable file not found in $PATH`],
    ["plain", `exec: "plain": executable file not found in $PATH`],
    ["", `exec: "": executable file not found in $PATH`],
    ["./nosuch", `exec: "./nosuch": stat ./nosuch: no such file or directory`],
    ["./plain", `exec: "./plain": permission denied`],
    ["/usr", `exec: "/usr": is a directory`],
    ['q"uo\n', `exec: "q\\"uo\\n": executable file not found in $PATH`],
  ])("the command %j is not found", async (command, message) => {
    await using image = await openImage(files);
    const { code, stderr } = await image.run("launcher", ["--", command]);
    expect(stderr.split("\n")[0]).toBe(`ERROR: failed to launch: path lookup: ${message}`);
    expect(code).toBe(82);
  });

  it("a program found through a relative entry of PATH is refused", async () => {
    await using image = await openImage(files);
    for (const path of [".", "", ":/bin"]) {
      const { code, stderr, stdout } = await image.run("launcher", ["--", "local"], { PATH: path });
      expect([code, stdout]).toEqual([82, ""]);
      expect(stderr).toContain(
        path === ""
          ? "executable file not found in $PATH"
          : "cannot run executable found relative to current directory",
      );
    }
  });

  it("what the kernel refuses is explained", async () => {
    await using image = await openImage(files);
    const odd = await image.run("launcher", ["--", "./odd"]);
    expect(odd.code).toBe(82);
    expect(odd.stderr).toMatch(/^ERROR: failed to launch: direct exec: exec format error\n {2}\.\/odd is neither/);
    const lost = await image.run("lost");
    expect(lost.code).toBe(82);
    expect(lost.stderr).toContain(
      "ERROR: failed to launch: change directory: chdir /nowhere: no such file or directory\n",
    );
  });

  it("ERROR and Warning are coloured unless CNB_NO_COLOR is true", async () => {
    await using image = await openImage(files);
    for (const value of [undefined, "", "0", "false", "yes"]) {
      const { stderr } = await image.run("launcher", [], { CNB_NO_COLOR: value, CNB_PROCESS_TYPE: "x" });
      expect(stderr).toContain("\x1b[31;1mERROR: \x1b[0mfailed to launch");
      expect(stderr).toContain("\x1b[33;1mWarning: \x1b[0mCNB_PROCESS_TYPE");
    }
    for (const value of ["1", "t", "T", "true", "True", "TRUE"]) {
      expect((await image.run("launcher", [], { CNB_NO_COLOR: value })).stderr).toMatch(/^ERROR: failed to launch/);
    }
  });
});
