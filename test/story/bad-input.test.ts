import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Bench } from "../support/flow.ts";
import { pack, startPack } from "../support/program.ts";

const bench = new Bench();
let good: string;
beforeAll(async () => {
  await bench.runImage();
  good = bench.buildpack({
    id: "t/good",
    build:
      'mkdir -p "$CNB_LAYERS_DIR/l"; echo x > "$CNB_LAYERS_DIR/l/f"; printf "[types]\\nlaunch=true\\ncache=true\\n" > "$CNB_LAYERS_DIR/l.toml"',
  });
});

describe("the command line answers bad input with one sentence and a hint", () => {
  it.each([
    [["buidl"], 2, "unknown command 'buidl'", "Did you mean build?"],
    [["build", "app", "--bogus"], 2, "unknown option '--bogus'", "--help"],
    [["build"], 2, "missing required argument 'image'", "--help"],
    [["build", "UPPER/"], 2, 'Cannot parse image name "UPPER/"', "lower case"],
    [["build", "app", "--path", "/nowhere"], 2, "Cannot build app at /nowhere: there is no such directory", "--path"],
    [
      ["build", "app", "--builder", "/nowhere/builder.toml"],
      2,
      "Cannot read builder at /nowhere/builder.toml: there is no such file",
      "builder.toml",
    ],
    [["build", "app", "--buildpack", "/nowhere/bp"], 2, "Cannot read buildpack at /nowhere/bp", ""],
    [["build", "app", "--env", "=x"], 2, 'Cannot set environment variable: "" is not a name', "NAME=value"],
    [["build", "app", "--volume", "x"], 2, 'Cannot use volume "x"', ""],
    [["build", "app", "--creation-time", "yesterday"], 2, 'Cannot use creation time "yesterday"', ""],
    [["build", "app", "--exec-env", "a/b"], 2, "a/b", ""],
    [
      ["inspect", "127.0.0.1:1/nowhere"],
      1,
      "Cannot inspect 127.0.0.1:1/nowhere: there is no such image",
      "pack images",
    ],
    [["inspect", `docker-archive:${import.meta.filename}`], 1, "Cannot read archive at", "is not a tar archive"],
    [["rebase", "nowhere"], 72, "Cannot rebase nowhere: there is no such image", "pack images"],
    [["rm", "nowhere"], 1, "Cannot remove nowhere: there is no such image", "pack images"],
    [["base", "create", "x"], 2, "Cannot make base x: nothing says what it consists of", "--file"],
    [["base", "create", "x", "--file", "/nowhere.toml"], 2, "Cannot read base definition at /nowhere.toml", ""],
  ])("%j ends with %i", async (args, code, sentence, hint) => {
    const ended = await pack(args, { home: bench.home, cwd: bench.app });
    expect(ended.stderr).toContain(sentence);
    expect(ended.stderr).toContain(hint);
    expect(ended.stderr.trim().split("\n").length).toBeLessThanOrEqual(2);
    expect(ended.stderr).toMatch(/^ERROR: Cannot /);
    expect(ended.code).toBe(code);
  });

  it("a relative PACK_HOME is refused", async () => {
    const ended = await pack(["images"], { home: "relative" });
    expect([ended.code, ended.stderr]).toEqual([
      2,
      'ERROR: Cannot use PACK_HOME: "relative" is not an absolute path\n',
    ]);
  });

  it("with --json the failure is a line of JSON", async () => {
    const { stdout, code } = await pack(["inspect", "oci:nowhere", "--json"], { home: bench.home });
    expect(JSON.parse(stdout.trim())).toMatchObject({ type: "failure", code: "image.missing", exit: 1 });
    expect(code).toBe(1);
  });
});

describe("broken buildpacks", () => {
  it("DESC-001 a directory without buildpack.toml, even if there is one further down", async () => {
    bench.buildpack({ id: "t/down" }, "none/down");
    const { fault } = await bench.build([join(bench.root, "none")]);
    expect(fault?.message).toBe(`Cannot read buildpack at ${join(bench.root, "none")}: there is no buildpack.toml`);
  });

  it("a buildpack.toml that is no TOML names file, line and column", async () => {
    bench.write("broken/buildpack.toml", 'api = "0.12"\n[buildpack\n');
    const { fault } = await bench.build([join(bench.root, "broken")]);
    expect(fault?.message).toMatch(/^Cannot parse TOML at .*broken\/buildpack\.toml:2:\d+: /);
  });

  it("a detect that is killed by a signal counts as an error", async () => {
    const { fault, lines } = await bench.build([bench.buildpack({ id: "t/crash", detect: "kill -SEGV $$" })]);
    expect(fault?.exit).toBe("detectError");
    expect(lines().join("\n")).toContain("SIGSEGV");
  });

  it("a script that cannot be started says so", async () => {
    const root = bench.buildpack({ id: "t/noshell" });
    bench.write("bp/t_noshell-1.0.0/bin/build", "#!/no/such/interpreter\n", 0o755);
    const { fault } = await bench.build([root]);
    expect(fault?.exit).toBe("buildpackFailed");
    expect(fault?.message).toMatch(/Cannot build with t\/noshell@1\.0\.0: .*(interpreter|no such file)/i);
  });

  it("an archive whose entries lead out of it is refused, and nothing is written outside", async () => {
    const archive = join(bench.root, "evil.tar");
    execFileSync("sh", [
      "-c",
      `cd "${bench.app}" && tar -cPf "${archive}" ../app/../../escaped.txt 2>/dev/null || (echo x > ../../escaped.txt; tar -cPf "${archive}" ../../escaped.txt; rm ../../escaped.txt)`,
    ]);
    const { fault } = await bench.build([archive]);
    expect(fault?.code).toMatch(/^(tar\.escape|buildpack\.missing)$/);
    expect(readdirSync(join(bench.root, "..")).includes("escaped.txt")).toBe(false);
    expect(readdirSync(join(bench.home, "modules"))).toEqual([]);
  });

  it("a file that is no archive", async () => {
    const { fault } = await bench.build([bench.write("noise.tgz", "this is no archive, whatever its name says")]);
    expect(fault?.message).toMatch(/^Cannot /);
    expect(readdirSync(join(bench.home, "modules"))).toEqual([]);
  });
});

describe("what goes wrong in the middle", () => {
  it.each(["detect", "build"] as const)(
    "an interrupt in %s ends with 130, changes nothing and leaves nothing",
    async (phase) => {
      await bench.build([good], { image: "stop" });
      const before = await bench.look("stop", (stored) => stored.identity);
      const slow = bench.buildpack({ id: `t/slow-${phase}`, [phase]: "echo it has started >&2; sleep 300" });
      const child = startPack(
        ["build", "stop", "--path", bench.app, "--run-image", "run", "--buildpack", slow, "--verbose"],
        { home: bench.home },
      );
      const marker = phase === "detect" ? "===> DETECTING" : "it has started";
      let seen = "";
      await new Promise<void>((resolve) => {
        child.stdout!.on("data", (chunk) => {
          seen += chunk;
          if (seen.includes(marker)) resolve();
        });
        child.once("close", () => resolve());
      });
      child.kill("SIGINT");
      const [code] = (await once(child, "close")) as [number];
      expect(code).toBe(130);
      expect(readdirSync(join(bench.home, "work"))).toEqual([]);
      expect(await bench.look("stop", (stored) => stored.identity)).toEqual(before);
    },
  );

  it("kill -9 leaves a store that works, and the next build sweeps what was left", async () => {
    await bench.build([good], { image: "killed" });
    const slow = bench.buildpack({ id: "t/killed", build: "echo it has started; sleep 300" });
    const child = startPack(["build", "killed", "--path", bench.app, "--run-image", "run", "--buildpack", slow], {
      home: bench.home,
    });
    await new Promise<void>((resolve) => {
      child.stdout!.on("data", (chunk) => {
        if (String(chunk).includes("it has started")) resolve();
      });
    });
    child.kill("SIGKILL");
    await once(child, "close");
    expect(readdirSync(join(bench.home, "work")).length).toBe(1);
    const { report, fault } = await bench.build([good], { image: "killed" });
    expect(fault).toBeUndefined();
    expect(report?.layers.map((layer) => layer.id)).toContain("t/good:l");
    expect(readdirSync(join(bench.home, "work"))).toEqual([]);
  });

  it("EXPORT a blob that was damaged is refused, the sentence names it", async () => {
    await bench.build([good], { image: "hurt" });
    const layer = await bench.look(
      "hurt",
      (stored) => stored.image.layers.find((item) => item.descriptor.size > 2048)!,
    );
    const path = join(bench.home, "store", "blobs", "sha256", layer.diffId.slice("sha256:".length));
    execFileSync("sh", ["-c", `printf X | dd of="${path}" bs=1 seek=1500 conv=notrunc 2>/dev/null`]);
    const { fault } = await bench.build([good], {
      image: `oci:${join(bench.root, "hurt-copy")}`,
      previousImage: "hurt",
    });
    // The build may heal what it makes anew; what it only copies must be refused.
    if (fault) expect(fault.message).toContain(layer.diffId.slice("sha256:".length, 30));
    rmSync(path);
    expect((await bench.build([good], { image: "hurt" })).report).toBeDefined();
  });

  it.skipIf(process.getuid?.() !== 0)(
    "a full disk ends the build with one sentence (skipped unless root runs the tests)",
    async () => {
      const small = join(bench.root, "small");
      mkdirSync(small);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=5m", "tmpfs", small]);
      try {
        execFileSync("cp", ["-r", join(bench.home, "store"), join(small, "store")]);
        const greedy = bench.buildpack({
          id: "t/greedy",
          build:
            'mkdir "$CNB_LAYERS_DIR/l"; head -c 3000000 /dev/urandom > "$CNB_LAYERS_DIR/l/f"; printf "[types]\\nlaunch=true\\n" > "$CNB_LAYERS_DIR/l.toml"',
        });
        const { fault } = await bench.build([greedy], { home: small });
        expect(fault?.message).toMatch(/^Cannot /);
        expect(`${fault?.message} ${String(fault?.cause)}`).toMatch(/ENOSPC|no space/i);
        expect(readdirSync(join(small, "work"))).toEqual([]);
      } finally {
        spawn("sync");
        execFileSync("umount", ["-l", small]);
      }
    },
  );
});
