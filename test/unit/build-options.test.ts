import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseId, parsePairs } from "../../src/cli/input.ts";
import { appPlace } from "../../src/cnb/app-place.ts";
import { labelsOf } from "../../src/oci/config.ts";
import { collect } from "../../src/std/byte.ts";
import { removeAll } from "../../src/tar/remove.ts";
import { faultOf } from "../support/fault.ts";
import { Bench } from "../support/flow.ts";
import { layerEntries } from "../support/tar-list.ts";

const bench = new Bench();
beforeAll(async () => {
  await bench.runImage();
});

const layer = `mkdir "$CNB_LAYERS_DIR/l"; id > "$CNB_LAYERS_DIR/l/f"; printf '[types]\\nlaunch=true\\ncache=true\\n' > "$CNB_LAYERS_DIR/l.toml"`;

describe("labels and annotations", () => {
  const labeller = () =>
    bench.buildpack({
      id: "o/label",
      build: 'printf \'[[labels]]\\nkey = "a"\\nvalue = "buildpack"\\n\' > "$CNB_LAYERS_DIR/launch.toml"',
    });

  it("stand in the config and the manifest; those of the user win over a buildpack's", async () => {
    const labels = { a: "user", "org.opencontainers.image.source": "https://src.example/?a=b" };
    const annotations = { "org.opencontainers.image.title": "An app" };
    const { report, lines } = await bench.build([labeller()], { labels, annotations });
    expect(report).toBeDefined();
    expect(lines()).toContain("Adding label 'org.opencontainers.image.source'");
    await bench.look("app", ({ image, manifestText }) => {
      expect(labelsOf(image.config)).toMatchObject(labels);
      expect(JSON.parse(manifestText!).annotations).toEqual({
        ...annotations,
        "plinth.annotations": '["org.opencontainers.image.title"]',
      });
    });
  });

  it("change nothing else: without them the image is the one it was", async () => {
    const plain = await bench.build([labeller()], { image: "plain" });
    const again = await bench.build([labeller()], { image: "plain", labels: {}, annotations: {} });
    expect(again.report!.digest).toBe(plain.report!.digest);
    await bench.look("plain", ({ manifestText }) => expect(manifestText).not.toContain("annotations"));
  });

  it("never say what the image is made of", async () => {
    for (const name of ["", "io.buildpacks.lifecycle.metadata", "io.buildpacks.build.metadata"]) {
      const { fault } = await bench.build([labeller()], { labels: { [name]: "x" } });
      expect([fault?.code, fault?.exit]).toEqual(["label.name", "usage"]);
    }
  });

  it("are NAME=value on the command line, where a value may hold anything", () => {
    expect(parsePairs("label", ["a=b=c", "d="])).toEqual({ a: "b=c", d: "" });
    for (const text of ["a", "=b", ""]) expect(faultOf(() => parsePairs("label", [text])).code).toBe("usage.pair");
  });
});

describe("where the app is, and whose", () => {
  it("buildpacks and the image have the app where --workspace says", async () => {
    const say = bench.buildpack({ id: "o/where", build: `pwd; test -f file.txt; ${layer}` });
    const { output, report } = await bench.build([say], {
      workspace: "srv/app",
      sandbox: "namespace",
      image: "placed",
    });
    expect(output).toBe("/srv/app\n");
    await bench.look("placed", async (stored) => {
      expect(stored.image.config.config.WorkingDir).toBe("/srv/app");
      expect(stored.image.config.config.Env).toContain("CNB_APP_DIR=/srv/app");
      const app = report!.layers.find(({ id }) => id === "slice-1")!;
      const entries = await layerEntries(stored, app.diffId);
      expect(entries.map(({ name }) => name)).toContain("/srv/app/file.txt");
    });
  });

  it("no directory of the build or the system can be the app's", () => {
    expect([appPlace("workspace"), appPlace("/a/b/"), appPlace("cnbs")]).toEqual(["/workspace", "/a/b", "/cnbs"]);
    for (const text of ["", "/", ".", "a/..", "cnb", "/cnb/x", "layers", "platform", "proc/1", "dev"])
      expect(faultOf(() => appPlace(text)).code).toBe("workspace.place");
  });

  it("layers belong to the ids that are asked for", async () => {
    const made = bench.buildpack({ id: "o/ids", build: layer });
    const { report } = await bench.build([made], { uid: 1234, gid: 2345, image: "ids" });
    const own = report!.layers.filter(({ id }) => id === "o/ids:l" || id === "slice-1");
    expect(own).toHaveLength(2);
    await bench.look("ids", async (stored) => {
      for (const { diffId } of own)
        for (const { uid, gid } of (await layerEntries(stored, diffId)).slice(-1))
          expect([uid, gid]).toEqual([1234, 2345]);
    });
    expect([parseId("uid", "0"), parseId("gid", "2147483647")]).toEqual([0, 2147483647]);
    for (const text of ["-1", "2147483648", "x", ""]) expect(faultOf(() => parseId("uid", text)).code).toBe("usage.id");
  });

  it.each(["/", "/cnb", "/cnb/buildpacks", "/layers", "/platform", "/workspace"])(
    "a volume cannot hide %s",
    async (guest) => {
      const volumes = [{ host: bench.root, guest, access: "ro" as const }];
      const { fault } = await bench.build([], { volumes });
      expect([fault?.code, fault?.exit]).toEqual(["volume.place", "usage"]);
    },
  );

  it("a volume below them is warned of, as in pack", async () => {
    mkdirSync(join(bench.root, "extra"));
    const volumes = [{ host: join(bench.root, "extra"), guest: "/workspace/extra", access: "rw" as const }];
    const { lines } = await bench.build([bench.buildpack({ id: "o/volume" })], { volumes, sandbox: "namespace" });
    expect(lines("warn")).toContain("Mounting to a sensitive directory /workspace/extra");
  });
});

describe("bindings by directory", () => {
  const secret = "bmV2ZXIgaW4gdGhlIGltYWdl";
  const directory = join(bench.root, "binding");
  beforeAll(() => {
    bench.write("binding/..2026/type", "postgres");
    bench.write("binding/..2026/password", secret);
    bench.write("binding/..note", "x");
    bench.write("binding/.npmrc", "x");
    symlinkSync("..2026", join(directory, "..data"));
    for (const name of ["type", "password"]) symlinkSync(`..data/${name}`, join(directory, name));
    bench.write("old/metadata/kind", "redis");
    bench.write("old/secret/key", "k");
    bench.write("none/key", "k");
  });
  const say = 'cd "$CNB_PLATFORM_DIR/bindings" && find . -type f | sort && cat db/password && echo';
  const bindings = () => ({ db: directory, cache: join(bench.root, "old") });

  it("BIND-002 BIND-003 BIND-008 BIND-009 are seen in detection and build, links followed and Kubernetes' own names left out", async () => {
    const { output, fault, lines } = await bench.build([bench.buildpack({ id: "o/bind", detect: say, build: say })], {
      bindings: bindings(),
    });
    expect(fault).toBeUndefined();
    expect(output).toBe(
      `./cache/metadata/kind\n./cache/secret/key\n./db/.npmrc\n./db/password\n./db/type\n${secret}\n`,
    );
    expect(lines("debug").join("\n")).toContain(output);
  });

  it("BIND-005 a binding's name has small letters, digits, dots and dashes", async () => {
    const { fault } = await bench.build([bench.buildpack({ id: "o/bind" })], { bindings: { Db: directory } });
    expect([fault?.code, fault?.exit]).toEqual(["binding.name", "usage"]);
  });

  it("BIND-006 their content is in no layer, no document and nothing that is kept", async () => {
    const build = `cat "$CNB_PLATFORM_DIR/bindings/db/password" | wc -c; ${layer}`;
    const { report } = await bench.build([bench.buildpack({ id: "o/secret", build })], {
      bindings: bindings(),
      image: "secret",
    });
    expect(report).toBeDefined();
    await bench.look("secret", async ({ image, blobs }) => {
      expect(JSON.stringify(image)).not.toContain(secret);
      for (const { descriptor } of image.layers)
        expect((await collect(blobs.open(descriptor))).includes(secret), descriptor.digest).toBe(false);
    });
    const holders = execFileSync("sh", ["-c", `grep -rl ${secret} . || true`], { cwd: bench.home, encoding: "utf8" });
    expect(holders).toBe("");
  });

  it("BIND-007 what they are is read once, before detection", async () => {
    const moving = join(bench.root, "moving");
    bench.write("moving/type", "t");
    bench.write("moving/password", secret);
    let said = "";
    const { fault } = await bench.build([bench.buildpack({ id: "o/once", build: say })], {
      bindings: { db: moving },
      onEvent: (event) => {
        if (event.type === "phase" && event.phase === "restore") removeAll(moving, () => undefined);
        if (event.type === "output") said += event.text;
      },
    });
    expect(fault).toBeUndefined();
    expect(existsSync(moving)).toBe(false);
    expect(said).toContain(secret);
  });

  it("BIND-002 a directory without a type is no binding", async () => {
    const built = (path: string) =>
      bench.build([bench.buildpack({ id: "o/bind" })], { bindings: { db: join(bench.root, path) } });
    expect((await built("none")).fault?.code).toBe("binding.type");
    expect((await built("nowhere")).fault?.code).toBe("binding.read");
  });
});

describe("detection", () => {
  it("finds the plans of all of a group before the first script runs, as a container must be given them", async () => {
    const last = "detect-o_p7-1.0.0/plan.toml";
    const detect = `test -e "$(dirname "$(dirname "$CNB_BUILD_PLAN_PATH")")/${last}" || exit 100`;
    const group = Array.from({ length: 8 }, (_, at) =>
      bench.buildpack({ id: `o/p${at}`, detect: at === 0 ? detect : "exit 0" }),
    );
    expect((await bench.build(group)).fault).toBeUndefined();
  });
});
