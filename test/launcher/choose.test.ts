import { describe, expect, it } from "vitest";
import { bash, metadata, metadataOf, openImage } from "./image.ts";

const show = bash(`printf '<%s>' "$@"`);
const processes = {
  web: `command = ["show"]\nargs = ["default 1", "default 2"]\ndirect = true\nbuildpack-id = "new/bp"`,
  fixed: `command = ["show", "fixed"]\nargs = ["default"]\ndirect = true\nbuildpack-id = "new/bp"`,
  old: `command = "show"\nargs = ["default"]\ndirect = true\nbuildpack-id = "old"`,
  oldlist: `command = ["show", "tail"]\ndirect = false\nbuildpack-id = "old"`,
  elsewhere: `command = ["pwd"]\ndirect = true\nbuildpack-id = "new/bp"\nworking-dir = "/usr"`,
  here: `command = ["pwd"]\ndirect = true\nbuildpack-id = "new/bp"`,
  homeless: `command = ["show"]\ndirect = true\nbuildpack-id = "missing"`,
  nothing: `direct = true\nbuildpack-id = "new/bp"`,
};
const files = {
  [metadata]: metadataOf({ "new/bp": "0.9", old: "0.8" }, processes),
  "layers/new_bp/tools/bin/show": show,
};

describe("which process runs", () => {
  it("LAUNCH-001 the entrypoint may be a symlink to the launcher", async () => {
    await using image = await openImage(files);
    expect((await image.run("here")).stdout).toBe(`${image.app}\n`);
  });

  it("LAUNCH-002 the base name of argv0 selects the process type", async () => {
    await using image = await openImage(files);
    expect((await image.run("web")).stdout).toBe("<default 1><default 2>");
    expect((await image.run("fixed")).stdout).toBe("<fixed><default>");
  });

  it("LAUNCH-003 CNB_PROCESS_TYPE selects nothing and earns a warning", async () => {
    await using image = await openImage(files);
    const { stdout, stderr } = await image.run("web", [], { CNB_PROCESS_TYPE: "fixed" });
    expect(stdout).toBe("<default 1><default 2>");
    expect(stderr).toBe(
      "Warning: CNB_PROCESS_TYPE is not supported in Platform API 0.14\n" +
        "Warning: Run with ENTRYPOINT 'fixed' to invoke the 'fixed' process type\n",
    );
  });

  it("LAUNCH-006 a first argument of -- starts the next word as it is", async () => {
    await using image = await openImage(files);
    expect((await image.run("launcher", ["--", "show", "$HOME", "a  b"])).stdout).toBe("<$HOME><a  b>");
  });

  it("LAUNCH-006 a lone -- is a command", async () => {
    await using image = await openImage(files);
    const { code, stderr } = await image.run("launcher", ["--"]);
    expect(code).toBe(2); // bash takes it for the end of its options and misses the command
    expect(stderr).toContain("bash");
  });

  it("LAUNCH-007 other words run in a shell that expands them", async () => {
    await using image = await openImage(files);
    expect((await image.run("launcher", ["echo $HOME"], { HOME: "/home/app" })).stdout).toBe("/home/app\n");
    expect((await image.run("launcher", ["show", "$HOME"], { HOME: "/home/app" })).stdout).toBe("</home/app>");
  });

  it("LAUNCH-008 without process and arguments the launch fails", async () => {
    await using image = await openImage(files);
    const { code, stderr } = await image.run("launcher");
    expect(code).toBe(82);
    expect(stderr).toMatch(
      /^ERROR: failed to launch: determine start command: when there is no default process a command is required\n/,
    );
  });

  it("LAUNCH-009 the working directory is the process's own, else the app; of a user's command always the app", async () => {
    await using image = await openImage(files);
    expect((await image.run("elsewhere")).stdout).toBe("/usr\n");
    expect((await image.run("here")).stdout).toBe(`${image.app}\n`);
    expect((await image.run("launcher", ["--", "pwd"])).stdout).toBe(`${image.app}\n`);
    expect((await image.run("launcher", ["pwd"])).stdout).toBe(`${image.app}\n`);
  });

  it.each([
    ["web", "0.14", [], "<default 1><default 2>"],
    ["web", "0.14", ["user"], "<user>"],
    ["web", "0.10", ["user"], "<user>"],
    ["web", "0.9", ["user"], "<default 1><default 2><user>"],
    ["old", "0.14", ["user"], "<default><user>"],
    ["old", "0.9", ["user"], "<default><user>"],
  ] as const)("LAUNCH-010 PROC-009 %s on Platform API %s with %j gives %s", async (type, api, args, printed) => {
    await using image = await openImage(files);
    expect((await image.run(type, args, { CNB_PLATFORM_API: api })).stdout).toBe(printed);
  });

  it.each([
    ["fixed", [], "<fixed><default>"],
    ["fixed", ["user", "--"], "<fixed><user><-->"],
    ["oldlist", [], "<tail>"],
    ["oldlist", ["user"], "<tail><user>"],
  ] as const)(
    "LAUNCH-010 LAUNCH-011 %s with %j always passes the further items of the command: %s",
    async (type, args, printed) => {
      await using image = await openImage(files);
      expect((await image.run(type, args)).stdout).toBe(printed);
    },
  );

  it("LAUNCH-010 a process of no known buildpack cannot take arguments", async () => {
    await using image = await openImage(files);
    expect((await image.run("homeless")).stdout).toBe("<>");
    const { code, stderr } = await image.run("homeless", ["user"]);
    expect(code).toBe(82);
    expect(stderr).toContain(
      "determine start command: failed to find buildpack for process homeless with buildpack ID missing",
    );
  });

  it("a direct process without a command fails", async () => {
    await using image = await openImage(files);
    const { code, stderr } = await image.run("nothing");
    expect(code).toBe(82);
    expect(stderr).toBe('ERROR: failed to launch: no command provided for process type "nothing"\n');
  });
});

describe("processes limited to an execution environment", () => {
  const limited = {
    [metadata]:
      metadataOf({ bp: "0.12" }) +
      [
        `[[processes]]\ntype = "task"\ncommand = ["echo", "test"]\ndirect = true\nexec-env = ["test"]`,
        `[[processes]]\ntype = "task"\ncommand = ["echo", "dev"]\ndirect = true\nexec-env = ["dev", "more"]`,
        `[[processes]]\ntype = "task"\ncommand = ["echo", "later"]\ndirect = true\nexec-env = ["more", "dev", "test"]`,
        `[[processes]]\ntype = "any"\ncommand = ["echo", "any"]\ndirect = true\nexec-env = ["x", "*"]`,
        `[[processes]]\ntype = "live"\ncommand = ["echo", "live"]\ndirect = true\nexec-env = ["production"]`,
      ].join("\n"),
  };
  const on15 = { CNB_PLATFORM_API: "0.15" };

  it("LAUNCH-004 a type that is not eligible fails", async () => {
    await using image = await openImage(limited);
    const { code, stderr } = await image.run("task", [], on15);
    expect(code).toBe(82);
    expect(stderr).toMatch(/^ERROR: failed to launch: determine start command: process type task was not found\n/);
    expect(stderr).toContain("'production'");
  });

  it("LAUNCH-005 the first eligible process of a type runs", async () => {
    await using image = await openImage(limited);
    expect((await image.run("task", [], { ...on15, CNB_EXEC_ENV: "test" })).stdout).toBe("test\n");
    expect((await image.run("task", [], { ...on15, CNB_EXEC_ENV: "dev" })).stdout).toBe("dev\n");
    expect((await image.run("any", [], { ...on15, CNB_EXEC_ENV: "whatever" })).stdout).toBe("any\n");
  });

  it("LAUNCH-030 the execution environment is production when it is not given", async () => {
    await using image = await openImage(limited);
    expect((await image.run("live", [], on15)).stdout).toBe("live\n");
    expect((await image.run("live", [], { ...on15, CNB_EXEC_ENV: "" })).stdout).toBe("live\n");
  });

  it("LAUNCH-004 before Platform API 0.15 the limit does not count", async () => {
    await using image = await openImage(limited);
    expect((await image.run("task", [], { CNB_PLATFORM_API: "0.14" })).stdout).toBe("test\n");
  });
});
