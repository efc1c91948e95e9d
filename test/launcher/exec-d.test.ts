import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { bash, type Files, metadata, metadataOf, openImage, outcomeOf, variablesOf } from "./image.ts";

const web = metadataOf({ bp: "0.12", later: "0.8" }, { web: `command = ["env"]\ndirect = true\nbuildpack-id = "bp"` });

async function launch(layers: Files, args?: readonly string[]) {
  const files = Object.fromEntries(Object.entries(layers).map(([path, file]) => [`layers/${path}`, file]));
  await using image = await openImage({ ...files, [metadata]: web });
  const outcome = await (args ? image.run("launcher", args) : image.run("web"));
  return { ...outcome, image, variables: variablesOf(outcome.stdout) };
}

/** A program that says its name and what it sees of TRACE, and adds its name to it. */
const trace = (name: string) => bash(`echo "${name} after [$TRACE]"`, `echo "TRACE = '\${TRACE}${name} '" >&3`);

/** A program that writes this to file descriptor 3. */
const writes = (output: string) => bash(`cat >&3 <<'END'\n${output}\nEND`);

describe("exec.d", () => {
  it("LAUNCH-013 programs run by buildpack, layer and name, in the app directory, and see what was set before", async () => {
    const { stdout, variables } = await launch({
      "bp/b/exec.d/1": trace("b1"),
      "bp/a/exec.d/2": trace("a2"),
      "bp/a/exec.d/10": trace("a10"),
      "later/a/exec.d/0": trace("later"),
    });
    expect(stdout.split("\n").slice(0, 4)).toEqual([
      "a10 after []",
      "a2 after [a10 ]",
      "b1 after [a10 a2 ]",
      "later after [a10 a2 b1 ]",
    ]);
    expect(variables["TRACE"]).toBe("a10 a2 b1 later ");
    const place = await launch({ "bp/a/exec.d/where": bash("pwd") });
    expect(place.stdout.split("\n")[0]).toBe(place.image.app);
  });

  it("LAUNCH-013 programs see env files of all buildpacks", async () => {
    const { stdout } = await launch({ "bp/a/exec.d/see": bash('echo "see $X"'), "later/a/env/X": "late" });
    expect(stdout).toContain("see late\n");
  });

  it("LAUNCH-014 TRAP-004 programs of the process type run after the others of their layer", async () => {
    const layers = {
      "bp/a/exec.d/zz": trace("a"),
      "bp/a/exec.d/web/0": trace("a/web"),
      "bp/a/exec.d/worker/0": trace("a/worker"),
      "bp/b/exec.d/0": trace("b"),
      "bp/b/exec.d/web/0": trace("b/web"),
    };
    expect((await launch(layers)).variables["TRACE"]).toBe("a a/web b b/web ");
    expect((await launch(layers, ["--", "env"])).variables["TRACE"]).toBe("a b ");
  });

  it("LAUNCH-015 file descriptor 3 is the output, the standard streams are logs, and there is no input", async () => {
    const { stdout, stderr, variables } = await launch({
      "bp/a/exec.d/x": bash("echo out; echo err >&2; wc -c; echo $#; echo 'X = \"3\"' >&3"),
    });
    expect(stdout.split("\n").slice(0, 3)).toEqual(["out", "0", "0"]);
    expect(stderr).toBe("err\n");
    expect(variables["X"]).toBe("3");
  });

  it("LAUNCH-016 every value replaces the variable; all strings and keys of TOML are accepted", async () => {
    const { variables } = await launch({
      "bp/a/env/X": "old",
      "bp/a/exec.d/x": writes(`X = "new"\nLITERAL = 'a\\b'\n"QUOTED" = "\\u00e9"\n# comment\nLINES = """\none"""`),
    });
    expect(variables).toMatchObject({ X: "new", LITERAL: "a\\b", QUOTED: "é", LINES: "one" });
  });

  it.each(["X = 1", "X = true", "X = ['a']", "[X]", "X.y = 'a'"])("LAUNCH-016 %s is refused", async (output) => {
    const { code, stderr, image } = await launch({ "bp/a/exec.d/x": writes(output) });
    expect(code).toBe(82);
    expect(stderr).toContain(
      `ERROR: failed to launch: exec.d: failed to decode output from exec.d file at path '${image.layers}/bp/a/exec.d/x': toml: `,
    );
  });

  it.each([
    ["exits with 5", bash("exit 5"), "exit status 5"],
    ["is killed", bash("kill -9 $$"), "signal: killed"],
    ["cannot be executed", "#!/bin/bash\n", /fork\/exec .*: permission denied\n {2}the file must be executable/],
    ["has no known format", { script: "echo" }, /exec format error\n {2}it is neither a program/],
    [
      "lacks its interpreter",
      { script: "#!/nowhere/sh\n" },
      /no such file or directory\n {2}the program or the interp/,
    ],
  ] as const)("LAUNCH-017 a program that %s fails the launch", async (_what, program, message) => {
    const { code, stderr, image } = await launch({ "bp/a/exec.d/x": program });
    expect(code).toBe(82);
    expect(stderr).toContain(
      `ERROR: failed to launch: exec.d: failed to execute exec.d file at path '${image.layers}/bp/a/exec.d/x': `,
    );
    expect(stderr).toMatch(message);
  });

  it.each(["not toml", 'X = "\\c"', 'X = "a', "X = \"a\"\nX = 'b'"])(
    "LAUNCH-018 %j fails the launch",
    async (output) => {
      const { code, stderr } = await launch({ "bp/a/exec.d/x": writes(output) });
      expect(code).toBe(82);
      expect(stderr).toMatch(/failed to decode output from exec\.d file at path '.*': toml: line \d: /);
    },
  );

  it("LAUNCH-019 no output is fine", async () => {
    expect((await launch({ "bp/a/exec.d/x": bash("exec 3>&-") })).code).toBe(0);
  });

  it("LAUNCH-033 links to files run, directories do not", async () => {
    const { variables } = await launch({
      "bp/a/helper": trace("helper"),
      "bp/a/exec.d/link": { to: "../helper" },
      "bp/a/exec.d/other/x": trace("no"),
    });
    expect(variables["TRACE"]).toBe("helper ");
  });

  it("waits for everything that holds the output open", async () => {
    const { variables } = await launch({
      "bp/a/exec.d/x": bash("(read -r _ < <(:); echo 'LATE = \"yes\"' >&3) &", "exit 0"),
    });
    expect(variables["LATE"]).toBe("yes");
  });

  it("takes an output as large as a variable may be, and refuses an endless one", async () => {
    const { code, variables } = await launch({ "bp/a/exec.d/x": bash(`printf 'X = "%0100000d"' 0 >&3`) });
    expect(code).toBe(0);
    expect(variables["X"]).toHaveLength(100_000);
    const endless = await launch({ "bp/a/exec.d/x": bash("cat /dev/zero >&3") });
    expect(endless.code).toBe(82);
    expect(endless.stderr).toContain("its output has more than 8388608 bytes");
  });

  it("a signal that ends the launcher ends the program first", async () => {
    await using image = await openImage({
      [metadata]: web,
      "layers/bp/a/exec.d/x": bash("sleep 60 &", "trap 'echo told; kill $!' TERM", "echo ready", "wait; wait"),
    });
    const child = await image.start("web");
    const outcome = outcomeOf(child);
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    expect(await outcome).toMatchObject({ signal: "SIGTERM", stdout: "ready\ntold\n" });
  });

  it("a signal ends a launcher that waits for something a program left behind", async () => {
    await using image = await openImage({
      [metadata]: web,
      "layers/bp/a/exec.d/x": bash("sleep 60 >&- 2>&- &", "echo $!"),
    });
    const child = await image.start("web");
    const outcome = outcomeOf(child);
    const [left] = (await once(child.stdout, "data")) as [Buffer];
    child.kill("SIGTERM");
    expect(await outcome).toMatchObject({ signal: "SIGTERM" });
    process.kill(Number(left));
  });
});
