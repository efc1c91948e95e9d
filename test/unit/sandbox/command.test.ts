import { describe, expect, it } from "vitest";
import { programOf } from "../../../src/sandbox/command.ts";

const config = {
  Entrypoint: ["/cnb/process/web"],
  Cmd: ["--port", "1"],
  Env: ["A=1=2", "B", "HOME=/app"],
  WorkingDir: "/workspace",
};

describe("the program of an image", () => {
  const argv = (wishes: Parameters<typeof programOf>[1], image: Parameters<typeof programOf>[0] = config) =>
    programOf(image, wishes, "/home/cnb")?.argv;

  it("is its entrypoint with its arguments", () => {
    expect(argv({})).toEqual(["/cnb/process/web", "--port", "1"]);
    expect(argv({ args: [] })).toEqual(["/cnb/process/web", "--port", "1"]);
  });

  it("gets the caller's arguments in place of its own", () => {
    expect(argv({ args: ["-v"] })).toEqual(["/cnb/process/web", "-v"]);
  });

  it("gives way to the caller's, together with its arguments", () => {
    expect(argv({ entrypoint: "sh" })).toEqual(["sh"]);
    expect(argv({ entrypoint: "sh", args: ["-c", "true"] })).toEqual(["sh", "-c", "true"]);
  });

  it("can be given by arguments alone", () => {
    expect(argv({}, { Cmd: ["run"] })).toEqual(["run"]);
    expect(argv({ args: ["other"] }, {})).toEqual(["other"]);
    expect(argv({}, {})).toBeUndefined();
  });

  it("has the image's variables under the caller's and over the usual ones", () => {
    expect(programOf(config, { env: { A: "x" } }, "/home/cnb")?.env).toEqual({
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/app",
      A: "x",
      B: "",
    });
    expect(programOf({ Cmd: ["x"] }, {}, "/root")?.env["HOME"]).toBe("/root");
  });

  it("starts where the caller, the image, or nobody says", () => {
    expect(programOf(config, { workdir: "/tmp" }, "/")?.cwd).toBe("/tmp");
    expect(programOf(config, {}, "/")?.cwd).toBe("/workspace");
    expect(programOf({ Cmd: ["x"], WorkingDir: "" }, {}, "/")?.cwd).toBe("/");
  });
});
