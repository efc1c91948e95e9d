import { describe, expect, it } from "vitest";
import { bash, type Files, metadata, metadataOf, openImage } from "./image.ts";

const processes = {
  script: `command = ["echo \\"$GREETING\\" && echo $0"]\ndirect = false\nbuildpack-id = "old"`,
  words: `command = ["show"]\nargs = ["$GREETING", "a   b", "it's", "say \\"x\\"", "\`echo sub\`", "$(echo out)", "x *.txt y", "*.txt", "1", "2", "3"]\ndirect = false\nbuildpack-id = "old"`,
  moved: `command = ["pwd"]\ndirect = false\nbuildpack-id = "old"\nworking-dir = "$HOME/.."`,
  direct: `command = ["env"]\ndirect = true\nbuildpack-id = "old"`,
  stray: `command = ["echo"]\nargs = ["x"]\ndirect = false\nbuildpack-id = "missing"`,
};
const base: Files = {
  [metadata]: metadataOf({ old: "0.8" }, processes),
  "layers/old/tools/bin/show": bash(`printf '<%s>' "$@"`),
  "app/a.txt": "",
  "app/b.txt": "",
};
const env = { GREETING: "hello   world", HOME: "/usr/share" };

describe("processes in a shell", () => {
  it("LAUNCH-007 LAUNCH-022 a command without arguments is a bash script", async () => {
    await using image = await openImage(base);
    expect((await image.run("script", [], env)).stdout).toBe("hello   world\nbash\n");
  });

  it("LAUNCH-022 with arguments every word is expanded once and stays one word, with runs of blanks collapsed", async () => {
    await using image = await openImage(base);
    expect((await image.run("words", [], env)).stdout).toBe(
      "<hello   world><a b><it's><say x><sub><out><x a.txt b.txt y><*.txt><1><2><3>",
    );
  });

  it("LAUNCH-034 a script with a user's argument becomes the name of one program", async () => {
    await using image = await openImage({
      ...base,
      [metadata]: metadataOf({ old: "0.8" }, { s: `command = "echo a && echo b"\nbuildpack-id = "old"` }),
    });
    expect((await image.run("s")).stdout).toBe("a\nb\n");
    const { code, stderr } = await image.run("s", ["U"]);
    expect(code).toBe(127);
    expect(stderr).toContain("echo a && echo b: command not found");
  });

  it("LAUNCH-020 profile scripts of layers, of the process type, then .profile, run in one bash before the process", async () => {
    await using image = await openImage({
      ...base,
      "layers/old/a/profile.d/2": "echo a2 $0; export SEEN=a2\n",
      "layers/old/a/profile.d/1": "echo a1\n",
      "layers/old/a/profile.d/script/0": "echo a/script $SEEN\n",
      "layers/old/a/profile.d/other/0": "echo no\n",
      "layers/old/b/profile.d/0": "echo b; unexported=1\n",
      "app/.profile": 'echo dot $unexported $PWD; export GREETING="from profile"\n',
    });
    const { stdout } = await image.run("script");
    expect(stdout.split("\n")).toEqual([
      "a1",
      `a2 ${image.root}/process/script`,
      "a/script a2",
      "b",
      `dot 1 ${image.app}`,
      "from profile",
      "bash",
      "",
    ]);
  });

  it("LAUNCH-020 the process starts in its working directory, also when a profile script has moved", async () => {
    await using image = await openImage({ ...base, "layers/old/a/profile.d/cd": "cd /\n" });
    expect((await image.run("moved", [], env)).stdout).toBe("/usr\n");
    expect((await image.run("launcher", ["pwd"])).stdout).toBe(`${image.app}\n`);
  });

  it("LAUNCH-021 direct processes never source profiles", async () => {
    await using image = await openImage({
      ...base,
      "layers/old/a/profile.d/x": "echo no\n",
      "app/.profile": "echo no\n",
    });
    expect((await image.run("direct")).stdout).not.toContain("no\n");
    expect((await image.run("launcher", ["--", "true"])).stdout).toBe("");
  });

  it("LAUNCH-032 .profile also counts for commands of the user, whatever the buildpacks' APIs", async () => {
    await using image = await openImage({ [metadata]: metadataOf({ bp: "0.12" }), "app/.profile": "echo profile\n" });
    expect((await image.run("launcher", ["echo", "x"])).stdout).toBe("profile\nx\n");
  });

  it("a .profile that is a directory is none", async () => {
    await using image = await openImage({ ...base, "app/.profile/x": "" });
    expect((await image.run("launcher", ["echo", "x"])).stdout).toBe("x\n");
  });

  it("the path of a profile script means nothing but itself", async () => {
    await using image = await openImage({ ...base, 'layers/old/a/profile.d/$(echo no)`no`"\\': "echo sourced\n" });
    expect((await image.run("launcher", ["echo", "x"])).stdout).toBe("sourced\nx\n");
  });

  it("LAUNCH-023 the shells are replaced too", async () => {
    await using image = await openImage(base);
    const child = await image.start("launcher", ["exec bash -c 'echo $$'"]);
    const printed = new Promise<string>((resolve) => child.stdout.once("data", (bytes) => resolve(String(bytes))));
    expect(await printed).toBe(`${child.pid}\n`);
  });

  it("a process of an unknown buildpack fails", async () => {
    await using image = await openImage(base);
    const { code, stderr } = await image.run("stray");
    expect(code).toBe(82);
    expect(stderr).toBe("ERROR: failed to launch: process type 'stray' provided by unknown buildpack 'missing'\n");
  });
});
