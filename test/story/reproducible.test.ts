import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Bench } from "../support/flow.ts";
import { type PackOptions, pack } from "../support/program.ts";

const bench = new Bench();
const web = `mkdir -p "$CNB_LAYERS_DIR/l/bin"; echo x > "$CNB_LAYERS_DIR/l/bin/tool"; chmod 755 "$CNB_LAYERS_DIR/l/bin/tool"; date > "$HOME/now"
printf '[types]\\nlaunch=true\\nbuild=true\\ncache=true\\n[metadata]\\nlocale="%s"\\n' "$LANG$LC_ALL" > "$CNB_LAYERS_DIR/l.toml"
printf '[[processes]]\\ntype="web"\\ncommand=["cat","file.txt"]\\ndefault=true\\n' > "$CNB_LAYERS_DIR/launch.toml"; umask > made; echo "$PATH" >> made`;

let buildpack: string;
let first: string;
beforeAll(async () => {
  await bench.runImage();
  buildpack = bench.buildpack({ id: "t/repro", build: web });
  bench.write("app/bin/start", "#!/bin/sh\n", 0o755);
  first = (await bench.build([buildpack], { sandbox: "namespace" })).report!.imageId;
});

async function imageId(app: string, options: PackOptions, umask = "022"): Promise<string> {
  const args = [
    "build",
    "app",
    "--path",
    app,
    "--buildpack",
    buildpack,
    "--run-image",
    "run",
    "--sandbox",
    "namespace",
    "--quiet",
  ];
  const { code, stdout, stderr } = await pack(args, {
    ...options,
    as: ["sh", "-c", `umask ${umask}; exec "$@"`, "sh", ...(options.as ?? [])],
  });
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return stdout.trim();
}

describe("REPRO-001 the same source gives the same image ID", () => {
  it("built twice", async () => {
    expect((await bench.build([buildpack], { sandbox: "namespace" })).report!.imageId).toBe(first);
    expect(
      (await bench.build([buildpack], { sandbox: "namespace", clearCache: true, image: "again" })).report!.imageId,
    ).toBe(first);
  });

  it("from another directory, checked out at another time with another umask", async () => {
    const other = join(bench.root, "elsewhere", "deep", "copy");
    cpSync(bench.app, other, { recursive: true });
    chmodSync(join(other, "file.txt"), 0o664);
    chmodSync(join(other, "bin"), 0o775);
    chmodSync(join(other, "bin", "start"), 0o775);
    utimesSync(join(other, "file.txt"), 1, 1);
    const { report } = await bench.build([buildpack], { app: other, image: "elsewhere", sandbox: "namespace" });
    expect(report!.imageId).toBe(first);
  });

  it.each(["077", "000"])("by a program with umask %s, another locale, time zone and home", async (umask) => {
    const env = { LANG: "de_DE.UTF-8", LC_ALL: "C.UTF-8", TZ: "Asia/Tokyo", HOME: bench.root, FOO: "bar" };
    expect(await imageId(bench.app, { home: bench.home, env, cwd: bench.root }, umask)).toBe(first);
  });

  it.skipIf(process.getuid?.() !== 0)("by an ordinary user (skipped unless root runs the tests)", async () => {
    const home = mkdtempSync(join(tmpdir(), "plinth-user-"));
    try {
      cpSync(join(bench.home, "store"), join(home, "store"), { recursive: true });
      execFileSync("chown", ["-R", "65534:65534", home]);
      chmodSync(bench.root, 0o755);
      const as = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
      expect(await imageId(bench.app, { home, as, cwd: "/", env: { HOME: "/nonexistent" } })).toBe(first);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });

  it("while two builds of it run at once", async () => {
    mkdirSync(join(bench.root, "two"), { recursive: true });
    const both = await Promise.all([1, 2].map(() => bench.build([buildpack], { image: "two", sandbox: "namespace" })));
    expect(both.map((outcome) => outcome.report?.imageId)).toEqual([first, first]);
  });
});
