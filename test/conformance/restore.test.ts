import { describe, expect, it } from "vitest";
import { parseCacheMetadata } from "../../src/cnb/cache-file.ts";
import { type BuildpackRecord, type LayerRecord, parseLifecycleMetadata } from "../../src/cnb/label.ts";
import { type LayerDecision, planRestore, type RestorePlan } from "../../src/cnb/restore.ts";

type Flags = Pick<LayerRecord, "launch" | "build" | "cache">;

function layer(flags: Partial<Flags>, sha = "sha256:same", data: LayerRecord["data"] = { from: sha }): LayerRecord {
  return { sha, data, launch: false, build: false, cache: false, ...flags };
}

function records(layers: Record<string, LayerRecord>, key = "a"): readonly BuildpackRecord[] {
  return [{ key, version: "1", layers }];
}

function plan(app: readonly BuildpackRecord[], cache: readonly BuildpackRecord[], skipLayers = false): RestorePlan {
  return planRestore({ group: ["a"], app, cache, cacheSbom: "sha256:sbom", skipLayers });
}

/** What becomes of one layer called x. */
function decide(app: LayerRecord | undefined, cache: LayerRecord | undefined): LayerDecision | undefined {
  return plan(app ? records({ x: app }) : [], cache ? records({ x: cache }) : []).buildpacks[0]!.layers[0];
}

function outcome(app: LayerRecord | undefined, cache: LayerRecord | undefined): string {
  const decision = decide(app, cache);
  return `${decision?.metadata?.from ?? "-"}/${decision?.contents ? "contents" : "-"}`;
}

/** The eight kinds of layer, built once with a cache: an image keeps the launch layers, a cache those with cache = true. */
const matrix: readonly [string, Flags, string, string, string][] = [
  // row, flags, with image and cache, image only, cache only
  ["LAYER-006", { launch: true, build: true, cache: true }, "app/contents", "-/-", "cache/contents"],
  ["LAYER-006", { launch: false, build: true, cache: true }, "cache/contents", "-/-", "cache/contents"],
  ["LAYER-007", { launch: true, build: true, cache: false }, "-/-", "-/-", "-/-"],
  ["LAYER-007", { launch: false, build: true, cache: false }, "-/-", "-/-", "-/-"],
  ["LAYER-008", { launch: true, build: false, cache: true }, "app/contents", "-/-", "cache/contents"],
  ["LAYER-009", { launch: false, build: false, cache: true }, "cache/contents", "-/-", "cache/contents"],
  ["LAYER-010", { launch: true, build: false, cache: false }, "app/-", "app/-", "-/-"],
  ["LAYER-011", { launch: false, build: false, cache: false }, "-/-", "-/-", "-/-"],
];

describe("what a rebuild gets back", () => {
  it.each(matrix)(
    "%s RESTORE-005 %j: both %s, image only %s, cache only %s",
    (_row, flags, both, imageOnly, cacheOnly) => {
      const app = flags.launch ? layer(flags) : undefined;
      const cache = flags.cache ? layer(flags) : undefined;
      expect([outcome(app, cache), outcome(app, undefined), outcome(undefined, cache)]).toEqual([
        both,
        imageOnly,
        cacheOnly,
      ]);
    },
  );

  it("LAYER-011 a record without flags gives nothing, wherever it stands", () => {
    const none = layer({});
    expect([outcome(none, undefined), outcome(undefined, none), outcome(none, none)]).toEqual(["-/-", "-/-", "-/-"]);
  });

  it("LAYER-013 RESTORE-013 TRAP-016 a launch layer of another sha than the cache's is not restored at all", () => {
    const app = layer({ launch: true, cache: true }, "sha256:new");
    const { buildpacks, lines } = plan(
      records({ x: app }),
      records({ x: layer({ launch: true, cache: true }, "sha256:old") }),
    );
    expect(buildpacks[0]!.layers).toEqual([
      { name: "x", reason: "wrong sha: the previous image has sha256:new, the cache sha256:old" },
    ]);
    expect(lines.map((line) => line.text)).toContain('Removing "a:x", wrong sha');
  });

  it("LAYER-014 without a previous image the cache's metadata serves a launch layer", () => {
    const cached = layer({ launch: true, cache: true }, "sha256:c");
    expect(decide(undefined, cached)).toEqual({
      name: "x",
      metadata: { from: "cache", sha: "sha256:c", data: { from: "sha256:c" } },
      contents: "sha256:c",
      reason: "it is in the cache",
    });
  });

  it("LAYER-015 metadata without contents is never planned for a cached layer", () => {
    const flags = [false, true];
    const kinds = flags.flatMap((launch) => flags.flatMap((build) => flags.map((cache) => ({ launch, build, cache }))));
    const sides = [undefined, ...kinds.flatMap((kind) => ["sha256:1", "sha256:2"].map((sha) => layer(kind, sha)))];
    for (const app of sides) {
      for (const cache of sides) {
        const decision = decide(app, cache);
        const record = decision?.metadata?.from === "cache" ? cache : app;
        if (decision?.metadata && record!.cache) expect(decision.contents).toBe(decision.metadata.sha);
        if (decision?.contents) expect(decision.metadata?.sha).toBe(cache!.sha);
      }
    }
  });

  it("LAYER-016 contents come from the cache or not at all", () => {
    expect(decide(layer({ launch: true }, "sha256:i"), undefined)).toEqual({
      name: "x",
      metadata: { from: "app", sha: "sha256:i", data: { from: "sha256:i" } },
      reason: "its contents stay in the previous image",
    });
  });

  it("a layer that is no launch layer any more in the cache takes the cache's metadata", () => {
    const cached = layer({ build: true, cache: true }, "sha256:c");
    expect(decide(layer({ launch: true, cache: true }, "sha256:i"), cached)!.metadata!.from).toBe("cache");
  });

  it("RESTORE-001 RESTORE-002 with skip-layers only store.toml comes back", () => {
    const app = [{ ...records({ x: layer({ launch: true }) })[0]!, store: { metadata: { k: "v" } } }];
    const skipped = plan(app, [], true);
    expect(skipped).toEqual({
      buildpacks: [{ id: "a", store: { k: "v" }, layers: [] }],
      lines: [{ level: "info", text: "Skipping buildpack layer analysis" }],
    });
    expect(plan(app, []).buildpacks[0]!.store).toEqual({ k: "v" });
  });

  it("RESTORE-001 a store without metadata is not the same as no store", () => {
    const withStore = [{ ...records({})[0]!, store: { metadata: null } }];
    expect(plan(withStore, []).buildpacks[0]).toHaveProperty("store", null);
    expect(plan(records({}), []).buildpacks[0]).not.toHaveProperty("store");
  });

  it("RESTORE-004 only buildpacks of the group get something, in its order", () => {
    const app = [...records({ x: layer({ launch: true }) }, "gone"), ...records({ y: layer({ launch: true }) }, "b")];
    const restored = planRestore({ group: ["b", "new"], app, cache: [], skipLayers: false });
    expect(restored.buildpacks.map(({ id, layers }) => [id, layers.length])).toEqual([
      ["b", 1],
      ["new", 0],
    ]);
  });

  it.each(["../x", "a/b", "..", ".", "", "x\0", "launch", "store"])(
    "LAYER-023 an image or a cache cannot name a layer %j",
    (name) => {
      const app = records({ [name]: layer({ launch: true }) });
      const cache = records({ [name]: layer({ cache: true }) });
      expect(plan(app, cache)).toMatchObject({
        buildpacks: [{ layers: [] }],
        lines: [{ text: "Restoring data for SBOM from cache" }],
      });
    },
  );

  it("names of layers may be those of anything", () => {
    const cache = records({ constructor: layer({ cache: true }), toString: layer({ launch: true }) });
    expect(plan([], cache).buildpacks[0]!.layers.map((one) => [one.name, one.contents])).toEqual([
      ["constructor", "sha256:same"],
      ["toString", undefined],
    ]);
    expect(plan(records({ valueOf: layer({ launch: true }) }), []).buildpacks[0]!.layers).toHaveLength(1);
  });

  it("SBOM-014 the SBOM layer of the cache comes back when it has one", () => {
    expect(plan([], []).sbom).toBe("sha256:sbom");
    expect(planRestore({ group: [], app: [], cache: [], cacheSbom: "", skipLayers: false })).not.toHaveProperty("sbom");
  });

  it.each([undefined, "", "nonsense", "[]", '{"buildpacks":{}}', '{"buildpacks":[{"layers":{"x":{"launch":"yes"}}}]}'])(
    "ANALYZE-016 CACHE-008 a broken label or file counts as none: %s",
    (text) => {
      expect(parseLifecycleMetadata(text)).toBeUndefined();
      expect(parseCacheMetadata(text)).toBeUndefined();
    },
  );
});

describe("why something is not given back", () => {
  it.each<[string, LayerRecord | undefined, LayerRecord | undefined, string, readonly string[]]>([
    [
      "not for launch",
      layer({}),
      undefined,
      "in the previous image launch=false",
      ['Not restoring metadata for "a:x" from app image, marked as launch=false'],
    ],
    [
      "for build, and not cached",
      layer({ launch: true, build: true }),
      undefined,
      "in the previous image build=true, cache=false",
      ['Not restoring metadata for "a:x" from app image, marked as build=true, cache=false'],
    ],
    [
      "missing in the cache",
      layer({ launch: true, cache: true }),
      layer({}),
      "in the previous image cache=true, but not found in cache; in the cache cache=false",
      [
        'Not restoring metadata for "a:x" from app image, marked as cache=true, but not found in cache',
        'Not restoring "a:x" from cache, marked as cache=false',
      ],
    ],
    [
      "in the cache only, and not cached",
      undefined,
      layer({}),
      "in the cache cache=false",
      ['Not restoring "a:x" from cache, marked as cache=false'],
    ],
  ])("RESTORE-005 %s", (_title, app, cache, reason, said) => {
    expect(decide(app, cache)).toEqual({ name: "x", reason });
    const { lines } = plan(app ? records({ x: app }) : [], cache ? records({ x: cache }) : []);
    expect(lines.filter(({ level }) => level === "debug").map(({ text }) => text)).toEqual(said);
  });

  it("layers come in byte order, from whichever side", () => {
    const launch = layer({ launch: true });
    const found = plan(
      records({ b: launch, Z: launch }),
      records({ a: layer({ cache: true }), é: layer({ cache: true }) }),
    );
    expect(found.buildpacks[0]!.layers.map(({ name }) => name)).toEqual(["Z", "a", "b", "é"]);
  });
});
