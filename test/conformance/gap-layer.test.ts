import { beforeAll, describe, expect, it } from "vitest";
import { isForOther } from "../../src/cnb/exec-env.ts";
import { labelNames, parseLifecycleMetadata } from "../../src/cnb/label.ts";
import { planRestore } from "../../src/cnb/restore.ts";
import { labelsOf } from "../../src/oci/config.ts";
import { cacheName } from "../../src/phase/cache.ts";
import { keyOf } from "../../src/reach/place.ts";
import { hostPath } from "../../src/std/path.ts";
import type { StoredImage } from "../../src/store/contract.ts";
import { Bench } from "../support/flow.ts";
import { layerEntries } from "../support/tar-list.ts";

const bench = new Bench();
beforeAll(async () => {
  await bench.runImage();
});

const layer = (name: string, types: string, more = "true") =>
  `mkdir -p "$CNB_LAYERS_DIR/${name}"; echo x > "$CNB_LAYERS_DIR/${name}/f"; ${more}; printf '[types]\\n${types}\\n[metadata]\\nof = "${name}"\\n' > "$CNB_LAYERS_DIR/${name}.toml"`;
const found = 'ls "$CNB_LAYERS_DIR" | tr "\\n" " "; echo; ';
const lifecycle = ({ image }: StoredImage) => parseLifecycleMetadata(labelsOf(image.config)[labelNames.lifecycle])!;

async function lookAtCache<T>(image: string, look: (stored: StoredImage) => T): Promise<T> {
  await using store = bench.store();
  const stored = await store.read(cacheName(keyOf(image, hostPath(bench.app))));
  if (!stored) throw new Error(`${image} has no cache`);
  return look(stored);
}

describe("layers", () => {
  it("LAYER-024 SBOM-013 a layer may have any name the file system allows, and keeps its SBOM", async () => {
    const names = ["two words", "a.b.c", "ümlaut", "-dash", "config"];
    const sbom = 'echo "{}" > "$CNB_LAYERS_DIR/a.b.c.sbom.cdx.json"';
    const bp = bench.buildpack({
      id: "n/any",
      info: 'sbom-formats = ["application/vnd.cyclonedx+json"]',
      build: `${names.map((name) => layer(name, "launch=true")).join("; ")}; ${sbom}`,
    });
    const { report } = await bench.build([bp], { image: "names" });
    const own = report!.layers.filter(({ id }) => id.startsWith("n/any:"));
    expect(own.map(({ id }) => id.slice("n/any:".length))).toEqual(["-dash", "a.b.c", "config", "two words", "ümlaut"]);
    await bench.look("names", async (stored) => {
      const words = own.find(({ id }) => id.endsWith("two words"))!.diffId;
      expect((await layerEntries(stored, words)).at(-1)).toMatchObject({ text: "x\n" });
      const files = await layerEntries(stored, lifecycle(stored).sbom!.sha);
      expect(files.map(({ name }) => name).filter((name) => name.includes("a.b.c/"))).toEqual([
        expect.stringMatching(/\/sbom\/launch\/n_any\/a\.b\.c\/sbom\.cdx\.json$/),
      ]);
    });
  });

  it("FILE-065 LAYER-025 LAYER-026 a layer keeps its path, and the label knows its metadata by its diffID", async () => {
    const build = `${layer("v", "launch=true\\ncache=true")}; ${layer("w", "launch=true\\nbuild=true")}`;
    const { report } = await bench.build([bench.buildpack({ id: "n/where", build })], {
      image: "where",
      sandbox: "namespace",
    });
    const [other, diffId] = ["v", "w"].map((name) => report!.layers.find(({ id }) => id === `n/where:${name}`)!.diffId);
    await bench.look("where", async (stored) => {
      const names = (await layerEntries(stored, diffId!)).map(({ name }) => name);
      expect(names).toEqual(["/layers", "/layers/n_where", "/layers/n_where/w", "/layers/n_where/w/f"]);
      expect(lifecycle(stored).buildpacks).toEqual([
        {
          key: "n/where",
          version: "1.0.0",
          layers: {
            v: { sha: other, data: { of: "v" }, build: false, launch: true, cache: true },
            w: { sha: diffId, data: { of: "w" }, build: true, launch: true, cache: false },
          },
        },
      ]);
      expect(stored.image.config.diffIds).toContain(diffId);
    });
  });

  it("LAYER-038 a file that cannot be read ends the build by its name", async () => {
    const build = 'echo "[types" > "$CNB_LAYERS_DIR/broken.toml"';
    const { fault } = await bench.build([bench.buildpack({ id: "n/broken", build })], { image: "broken" });
    expect(fault).toMatchObject({ code: "toml.parse", message: expect.stringContaining("/n_broken/broken.toml:1:") });
  });

  it("LAYER-036 TRAP-012 a directory without toml is left alone and goes nowhere", async () => {
    const stray = bench.buildpack({
      id: "n/stray",
      build: 'mkdir "$CNB_LAYERS_DIR/stray"; echo x > "$CNB_LAYERS_DIR/stray/f"',
    });
    const after = bench.buildpack({ id: "n/after", build: 'ls "$CNB_LAYERS_DIR/../n_stray"' });
    const { report, output } = await bench.build([stray, after], { image: "stray" });
    expect(output).toBe("stray\n");
    expect(report!.layers.some(({ id }) => id.startsWith("n/stray"))).toBe(false);
  });

  it("LAYER-032 exec-env in a layer's metadata comes back with it", async () => {
    const info = `printf '[types]\\nlaunch=true\\n[metadata]\\nexec-env = ["test"]\\n' > "$CNB_LAYERS_DIR/m.toml"`;
    const build = `cat "$CNB_LAYERS_DIR/m.toml" 2>/dev/null || true; ${layer("m", "launch=true")}; ${info}`;
    const bp = bench.buildpack({ id: "n/envs", build });
    await bench.build([bp], { image: "envs" });
    expect((await bench.build([bp], { image: "envs" })).output).toBe('[metadata]\n  exec-env = ["test"]\n');
  });

  it("LAYER-033 nothing comes back after a build for another execution environment", async () => {
    const build = `${found}${layer("c", "cache=true")}; ${layer("l", "launch=true")}; ${layer("lc", "launch=true\\ncache=true")}; echo '[metadata]' > "$CNB_LAYERS_DIR/store.toml"`;
    const bp = bench.buildpack({ id: "n/other", build });
    const of = async (execEnv: string | undefined) => {
      const { output, lines } = await bench.build([bp], { image: "other-env", ...(execEnv && { execEnv }) });
      return [output.trim(), lines().filter((line) => line.startsWith("Restoring no layers"))] as const;
    };
    expect(await of(undefined)).toEqual(["", []]);
    expect((await of("production"))[0]).toBe("c c.toml l.toml lc lc.toml store.toml");
    const [left, said] = await of("test");
    expect(left).toBe("store.toml");
    expect(said).toEqual([
      'Restoring no layers: the previous image was built for "production", this one is for "test"',
    ]);
    expect((await of("test"))[0]).toBe("c c.toml l.toml lc lc.toml store.toml");
    expect(await bench.look("other-env", ({ image }) => labelsOf(image.config)[labelNames.execEnv])).toBe("test");
  });

  it("LAYER-033 an image that does not say what it is for is for this environment", () => {
    expect([undefined, "", "test", "production"].map((label) => isForOther(label, "test"))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it("TRAP-017 a layer for the build alone does not come back, launch or not", () => {
    const record = { sha: "sha256:a", data: { k: 1 }, build: true, launch: true, cache: false };
    const app = [{ key: "a", version: "1", layers: { both: record } }];
    const plan = planRestore({ group: ["a"], app, cache: [], cacheSbom: undefined, skipLayers: false });
    expect(plan.buildpacks[0]!.layers).toEqual([
      { name: "both", reason: expect.stringContaining("build=true, cache=false") },
    ]);
  });
});

describe("the cache", () => {
  const sboms = 'sbom-formats = ["application/vnd.cyclonedx+json"]';

  it("CACHE-001 CACHE-002 EXPORT-027 LAYER-029 LAYER-030 SBOM-014 it holds every cached layer and its SBOM, with flags, metadata and diffID", async () => {
    const build = `${layer("c", "cache=true")}; ${layer("lc", "launch=true\\ncache=true")}; ${layer("l", "launch=true")}; echo '{"of":"c"}' > "$CNB_LAYERS_DIR/c.sbom.cdx.json"`;
    const { report } = await bench.build([bench.buildpack({ id: "k/all", info: sboms, build })], { image: "cached" });
    await lookAtCache("cached", async (stored) => {
      const label = JSON.parse(labelsOf(stored.image.config)[labelNames.cache]!);
      const [c, lc, sbom] = stored.image.config.diffIds;
      expect(label.buildpacks).toMatchObject([
        {
          key: "k/all",
          version: "1.0.0",
          layers: {
            c: { sha: c, data: { of: "c" }, build: false, launch: false, cache: true },
            lc: { sha: lc, data: { of: "lc" }, build: false, launch: true, cache: true },
          },
        },
      ]);
      expect(Object.keys(label.buildpacks[0].layers)).toEqual(["c", "lc"]);
      expect(label.sbom.sha).toBe(sbom);
      expect(lc).toBe(report!.layers.find(({ id }) => id === "k/all:lc")!.diffId);
      expect((await layerEntries(stored, sbom!)).at(-1)!.text).toBe('{"of":"c"}\n');
    });
  });

  it("ANALYZE-005 ANALYZE-013 CACHE-003 a build without cache and previous image works, and says so only when debugging", async () => {
    const { report, lines } = await bench.build([bench.buildpack({ id: "k/none", build: found })], {
      image: "first-time",
    });
    expect(report).toBeDefined();
    expect(lines("debug")).toContain("Layer cache not found");
    expect(lines("debug").join("\n")).toContain('Image with name "first-time" not found');
    expect(lines("info").join("\n")).not.toContain("not found");
  });

  it("CACHE-004 every way to write the image's name means one cache", async () => {
    const bp = bench.buildpack({ id: "k/name", build: `${found}${layer("c", "cache=true")}` });
    expect((await bench.build([bp], { image: "same-cache" })).output).toBe("\n");
    const { output } = await bench.build([bp], { image: "docker.io/library/same-cache:latest" });
    expect(output).toBe("c c.toml \n");
    expect((await bench.build([bp], { image: "other-cache" })).output).toBe("\n");
  });

  it("LAYER-010 SBOM-011 SBOM-012 ANALYZE-010 RESTORE-002 a launch layer's SBOM comes back; with a cleared cache neither layers nor their SBOMs come back", async () => {
    const build = `${found}${layer("l", "launch=true")}; echo '{}' > "$CNB_LAYERS_DIR/l.sbom.cdx.json"`;
    const bp = bench.buildpack({ id: "k/clear", info: sboms, build });
    await bench.build([bp], { image: "clear" });
    expect((await bench.build([bp], { image: "clear" })).output).toBe("l.sbom.cdx.json l.toml \n");
    expect((await bench.build([bp], { image: "clear", clearCache: true })).output).toBe("\n");
  });

  it("ANALYZE-003 ANALYZE-004 the previous image is the image itself unless another name is given, and that must be one", async () => {
    const bp = bench.buildpack({ id: "k/prev", build: `${found}${layer("l", "launch=true")}` });
    await bench.build([bp], { image: "prev" });
    expect((await bench.build([bp], { image: "prev" })).output).toBe("l.toml \n");
    expect((await bench.build([bp], { image: "after", previousImage: "prev" })).output).toBe("l.toml \n");
    const { fault } = await bench.build([bp], { image: "prev", previousImage: "Not A Name" });
    expect(fault?.code).toBe("reference.parse");
  });
});
