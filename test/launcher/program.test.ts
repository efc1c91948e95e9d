import { spawn } from "node:child_process";
import { copyFile, mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { peer } from "../support/peer.ts";
import { bash, launcherFolder, launcherFor, metadata, metadataOf, openImage, outcomeOf } from "./image.ts";

/** Runs a program without input. */
async function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return outcomeOf(
    spawn(file, args, { env: { PATH: process.env["PATH"], ...env }, stdio: ["ignore", "pipe", "pipe"] }),
  );
}

/** The types of an ELF file's program headers. */
function segmentsOf(elf: Buffer): number[] {
  const at = Number(elf.readBigUInt64LE(0x20));
  const size = elf.readUInt16LE(0x36);
  return Array.from({ length: elf.readUInt16LE(0x38) }, (_, i) => elf.readUInt32LE(at + i * size));
}

const segment = { dynamic: 2, interpreter: 3, stack: 0x6474e551 };
const machine = { amd64: 62, arm64: 183 };

describe.each(["amd64", "arm64"] as const)("the program for %s", (architecture) => {
  it("is small, executable and static", async () => {
    const elf = await readFile(launcherFor(architecture));
    expect(elf.length).toBeLessThan(64 * 1024);
    expect((await stat(launcherFor(architecture))).mode & 0o111).toBe(0o111);
    expect(elf.subarray(0, 4).toString("latin1")).toBe("\x7fELF");
    expect(elf.readUInt16LE(0x12)).toBe(machine[architecture]);
    expect(segmentsOf(elf)).not.toContain(segment.interpreter);
    expect(segmentsOf(elf)).not.toContain(segment.dynamic);
  });

  it("has no executable stack and no writable code", async () => {
    const elf = await readFile(launcherFor(architecture));
    const at = Number(elf.readBigUInt64LE(0x20));
    const flags = segmentsOf(elf).map((_, i) => elf.readUInt32LE(at + i * 56 + 4));
    expect(segmentsOf(elf)).toContain(segment.stack);
    expect(flags.filter((flag) => (flag & 3) === 3)).toEqual([]); // executable 1, writable 2
  });
});

describe("the committed programs", () => {
  it("are what the source gives, byte for byte", async (test) => {
    const { code, stdout, stderr } = await run(join(launcherFolder, "verify"), []);
    const elsewhere = code === 3 || stderr.includes("the compilers here are not those");
    if (code !== 0 && elsewhere && process.env["CI"] !== "true") {
      console.log(`skipped: ${stderr}`);
      test.skip("the compilers of launcher/TOOLCHAIN are not here");
    }
    expect(stderr).toBe("");
    expect([code, stdout]).toEqual([0, "launcher: dist/ is what src/ gives, byte for byte\n"]);
  });

  it("work for arm64 too", async (test) => {
    const qemu = peer("qemu-aarch64", test);
    await using image = await openImage({
      [metadata]: metadataOf({ "a/b": "0.8" }, { web: `command = ["env"]\ndirect = true\nbuildpack-id = "a/b"` }),
      "layers/a_b/x/env/GREETING": "hello",
      "layers/a_b/x/env/GREETING.append": "world",
      "layers/a_b/x/env/GREETING.delim": ", ",
      "layers/a_b/x/exec.d/1": bash(`echo "SEEN = '$GREETING'" >&3`),
      "app/.profile": "export PROFILE=yes\n",
    });
    const env = { CNB_LAYERS_DIR: image.layers, CNB_APP_DIR: image.app, CNB_PLATFORM_API: "0.14", CNB_NO_COLOR: "1" };
    const launch = (name: string, ...args: string[]) =>
      run(qemu, ["-0", `/cnb/process/${name}`, launcherFor("arm64"), ...args], env);

    const direct = await launch("web");
    expect(direct).toMatchObject({ code: 0, stderr: "" });
    expect(direct.stdout.split("\n")).toEqual(expect.arrayContaining(["GREETING=hello, world", "SEEN=hello, world"]));
    expect((await launch("launcher", "echo $PROFILE $SEEN")).stdout).toBe("yes hello, world\n");
    expect(await launch("launcher", "--", "nosuch")).toMatchObject({
      code: 82,
      stderr: expect.stringContaining('path lookup: exec: "nosuch": executable file not found in $PATH'),
    });
    expect((await launch("launcher", "--", "sh", "-c", "exit 7")).code).toBe(7);
  });
});

const isolated = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child"];

/** The path of unshare. Where the kernel allows no namespaces the test is skipped with the reason printed. */
async function unshareFor(test: TestContext): Promise<string> {
  const unshare = peer("unshare", test);
  const { code, stderr } = await run(unshare, [...isolated, "true"]);
  if (code !== 0) {
    console.log(`skipped: ${stderr}`);
    test.skip("no namespaces can be made here");
  }
  return unshare;
}

describe("in a container", () => {
  it("as process 1 it ends when it is told to while an exec.d program runs", async (test) => {
    const unshare = await unshareFor(test);
    await using image = await openImage({
      [metadata]: metadataOf({ bp: "0.12" }),
      "layers/bp/a/exec.d/x": bash("kill -TERM 1", "sleep 60 & wait"),
    });
    const env = { CNB_LAYERS_DIR: image.layers, CNB_APP_DIR: image.app, CNB_PLATFORM_API: "0.14" };
    const { code } = await run(unshare, [...isolated, launcherFor(), "--", "echo", "started"], env);
    expect(code).toBe(128 + 15);
  });

  it("LAUNCH-031 without bash direct processes work and shell processes fail clearly", async (test) => {
    const unshare = await unshareFor(test);
    await using image = await openImage({ [metadata]: metadataOf({ bp: "0.12" }) });
    await mkdir(join(image.root, "bin"));
    await copyFile(launcherFor(), join(image.root, "bin/launcher"));
    const env = {
      CNB_LAYERS_DIR: "/layers",
      CNB_APP_DIR: "/app",
      CNB_PLATFORM_API: "0.14",
      CNB_NO_COLOR: "1",
      PATH: "/bin",
    };
    const launch = (...args: string[]) =>
      run(unshare, [...isolated, "--root", image.root, "/bin/launcher", ...args], env);
    // The only program of this image is the launcher itself, which misses the variable it does not pass on.
    expect(await launch("--", "launcher")).toMatchObject({ code: 11 });
    expect(await launch("true")).toMatchObject({
      code: 82,
      stderr: expect.stringContaining("ERROR: failed to launch: bash exec: no such file or directory\n"),
    });
  });
});
