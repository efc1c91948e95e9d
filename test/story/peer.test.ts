import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createBaseImage, run } from "../../src/index.ts";
import { hostPath } from "../../src/std/path.ts";
import { unpackImage } from "../../src/store/stack.ts";
import { Bench } from "../support/flow.ts";
import { peer } from "../support/peer.ts";

const bench = new Bench();
const hello = `printf '[[processes]]\\ntype="web"\\ncommand=["/bin/sh","-c","echo hello from \\"$0\\"; cat file.txt; echo $LAYERED; exit 3"]\\nargs=["web"]\\ndefault=true\\n' > "$CNB_LAYERS_DIR/launch.toml"
mkdir -p "$CNB_LAYERS_DIR/l/env"; printf value > "$CNB_LAYERS_DIR/l/env/LAYERED"; printf '[types]\\nlaunch=true\\n' > "$CNB_LAYERS_DIR/l.toml"`;
const printed = "hello from web\ncontent\nvalue\n";

/** Copies a program of this machine with the libraries it is linked to below `root`. */
function copyProgram(root: string, program: string): void {
  const libraries = spawnSync("ldd", [program], { encoding: "utf8" }).stdout.match(/\/\S+/g) ?? [];
  for (const path of [program, ...libraries]) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    cpSync(path, join(root, path), { dereference: true });
  }
}

beforeAll(async () => {
  const root = join(bench.root, "rootfs");
  for (const folder of ["etc", "tmp", "proc", "dev"]) mkdirSync(join(root, folder), { recursive: true });
  for (const program of ["/bin/sh", "/bin/cat", "/bin/bash"]) copyProgram(root, program);
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/:/bin/sh\n");
  writeFileSync(join(root, "etc/os-release"), "ID=debian\nVERSION_ID=12\n");
  execFileSync("tar", ["-cf", join(bench.root, "rootfs.tar"), "-C", root, "."]);
  await createBaseImage({ name: "run", home: bench.home, from: join(bench.root, "rootfs.tar") });
  const { fault } = await bench.build([bench.buildpack({ id: "t/hello", build: hello })], {
    image: "hello",
    sandbox: "namespace",
  });
  expect(fault).toBeUndefined();
  const copied = await bench.build([bench.buildpack({ id: "t/hello", build: hello })], {
    image: `oci:${bench.root}/layout:hello`,
    sandbox: "namespace",
  });
  expect(copied.fault).toBeUndefined();
});

describe("peers judge an image we built", () => {
  it("skopeo reads it, and sees the labels and the layers", (context) => {
    const skopeo = peer("skopeo", context);
    const text = execFileSync(skopeo, ["--insecure-policy", "inspect", `oci:${bench.root}/layout:hello`], {
      encoding: "utf8",
    });
    const seen = JSON.parse(text) as { Labels: Record<string, string>; Layers: string[]; Env: string[] };
    expect(Object.keys(seen.Labels)).toContain("io.buildpacks.lifecycle.metadata");
    expect(seen.Env).toContain("CNB_LAYERS_DIR=/layers");
    const config = execFileSync(skopeo, [
      "--insecure-policy",
      "inspect",
      "--config",
      "--raw",
      `oci:${bench.root}/layout:hello`,
    ]);
    expect(JSON.parse(config.toString()).rootfs.diff_ids).toHaveLength(seen.Layers.length);
  });

  it("EXPORT-010 umoci unpacks it, and the launcher is where the entrypoint says", (context) => {
    const umoci = peer("umoci", context);
    const bundle = join(bench.root, "bundle");
    execFileSync(umoci, ["unpack", "--rootless", "--image", `${bench.root}/layout:hello`, bundle], { stdio: "pipe" });
    expect(readFileSync(join(bundle, "rootfs/workspace/file.txt"), "utf8")).toBe("content\n");
    expect(existsSync(join(bundle, "rootfs/cnb/lifecycle/launcher"))).toBe(true);
    expect(readdirSync(join(bundle, "rootfs/cnb/process"))).toEqual(["web"]);
  });

  it("it runs under pack run", async () => {
    let output = "";
    const { exitCode } = await run({
      image: "hello",
      home: bench.home,
      stdin: "ignore",
      onOutput: (chunk) => {
        output += Buffer.from(chunk).toString();
      },
    });
    expect(output).toBe(printed);
    expect(exitCode).toBe(3);
  });

  it.skipIf(process.getuid?.() !== 0)("it runs in a chroot (skipped unless root runs the tests)", async () => {
    const root = join(bench.root, "chroot");
    await bench.look("hello", async (stored) => {
      await unpackImage(stored, hostPath(root));
    });
    const env = {
      PATH: "/cnb/process:/cnb/lifecycle:/usr/bin:/bin",
      CNB_PLATFORM_API: "0.15",
      CNB_LAYERS_DIR: "/layers",
      CNB_APP_DIR: "/workspace",
    };
    const { stdout, status } = spawnSync("/usr/sbin/chroot", [root, "/cnb/process/web"], {
      env: { ...env },
      encoding: "utf8",
    });
    expect(stdout).toBe(printed);
    expect(status).toBe(3);
  });
});
