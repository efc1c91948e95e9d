import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { labelNames } from "../../src/cnb/label.ts";
import { labelsOf } from "../../src/oci/config.ts";
import { cacheName } from "../../src/phase/cache.ts";
import { keyOf } from "../../src/reach/place.ts";
import { hostPath } from "../../src/std/path.ts";
import { Bench } from "../support/flow.ts";
import { layerEntries } from "../support/tar-list.ts";

const bench = new Bench();
beforeAll(async () => {
  await bench.runImage();
});

const launch = `mkdir "$CNB_LAYERS_DIR/l"; echo x > "$CNB_LAYERS_DIR/l/f"; printf '[types]\\nlaunch=true\\n' > "$CNB_LAYERS_DIR/l.toml"`;

// What docs/parity.md lists and no other test shows.
describe("where we differ from the reference on purpose", () => {
  it("the app's files have one of two modes, and its top-level .git stays behind", async () => {
    const app = join(bench.root, "modes");
    bench.write("modes/private", "x", 0o600);
    bench.write("modes/run", "x", 0o710);
    bench.write("modes/.git/config", "x");
    bench.write("modes/inner/.git/config", "x");
    chmodSync(join(app, "inner"), 0o700);
    symlinkSync("/elsewhere", join(app, "link"));
    const { report } = await bench.build([bench.buildpack({ id: "d/modes", build: "true" })], { image: "modes", app });
    const { diffId } = report!.layers.find(({ id }) => id === "slice-1")!;
    const entries = await bench.look("modes", (stored) => layerEntries(stored, diffId));
    const top = entries.find(({ name }) => name.endsWith("/private"))!.name.replace("private", "");
    const own = entries.filter(({ name }) => name.startsWith(top));
    expect(own.map(({ name, mode, type }) => [name.slice(top.length), type === "symlink" || mode])).toEqual([
      ["inner", 0o755],
      ["inner/.git", 0o755],
      ["inner/.git/config", 0o644],
      ["link", true],
      ["private", 0o644],
      ["run", 0o755],
    ]);
  });

  it("the execution environment is a label of its own, and no key of the lifecycle's label", async () => {
    await bench.build([bench.buildpack({ id: "d/env" })], { image: "env", execEnv: "test" });
    const labels = await bench.look("env", ({ image }) => labelsOf(image.config));
    expect(labels[labelNames.execEnv]).toBe("test");
    expect(labels[labelNames.lifecycle]).not.toContain("exec-env");
  });

  it("a plain build warns of nothing, not even of SBOM files the lifecycle does not have", async () => {
    const { lines } = await bench.build([bench.buildpack({ id: "d/quiet", build: launch })], { sandbox: "namespace" });
    expect(lines("warn")).toEqual([]);
  });

  it("the image ID is the same where layers are kept plain and where they are compressed, the manifest's digest is not", async () => {
    const bp = bench.buildpack({ id: "d/plain", build: launch });
    const local = await bench.build([bp], { image: "plain" });
    const layout = await bench.build([bp], { image: `oci:${join(bench.root, "layout")}:one` });
    expect(layout.report!.imageId).toBe(local.report!.imageId);
    expect(layout.report!.digest).not.toBe(local.report!.digest);
    const types = await bench.look("plain", ({ image }) => image.layers.map(({ descriptor }) => descriptor.mediaType));
    expect(new Set(types)).toEqual(new Set(["application/vnd.oci.image.layer.v1.tar"]));
  });

  it("a cache holds every layer once, unchanged ones too", async () => {
    const build = launch.replace("launch=true", "cache=true").replace("mkdir", "mkdir -p");
    for (let round = 1; round <= 2; round++)
      await bench.build([bench.buildpack({ id: "d/cached", build })], { image: "cached" });
    await using store = bench.store();
    const cache = await store.read(cacheName(keyOf("cached", hostPath(bench.app))));
    expect(cache!.image.layers).toHaveLength(1);
  });

  it("detect cannot write into the app", async () => {
    mkdirSync(join(bench.root, "locked"));
    bench.write("locked/file", "x");
    const detect = "touch new 2>/dev/null && exit 3; rm -f file 2>/dev/null && exit 4; exit 0";
    const { report } = await bench.build([bench.buildpack({ id: "d/locked", detect })], {
      image: "locked",
      app: join(bench.root, "locked"),
      sandbox: "namespace",
    });
    expect(report).toBeDefined();
  });

  it("plan.toml lists its entries in the order in which they are first named", async () => {
    const names = ["zeta", "alpha", "mid"];
    const lines = names.map((name) => `[[provides]]\\nname = \\"${name}\\"\\n[[requires]]\\nname = \\"${name}\\"\\n`);
    const detect = `printf "${lines.join("")}" > "$CNB_BUILD_PLAN_PATH"`;
    const reportDirectory = join(bench.root, "planned");
    await bench.build([bench.buildpack({ id: "d/plan", detect })], { image: "planned", reportDirectory });
    const text = bench.read("planned/plan.toml");
    const requires = [...text.matchAll(/\[\[entries\.requires\]\]\s+name = "(\w+)"/g)].map((match) => match[1]);
    expect(requires).toEqual(names);
  });
});
