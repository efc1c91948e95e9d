import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeLifecycleMetadata,
  type LayerRecord,
  type LifecycleMetadata,
  parseLifecycleMetadata,
} from "../../../src/cnb/label.ts";
import type { Process } from "../../../src/cnb/launch.ts";
import { mergeProcesses, noProcesses, type ProcessTable } from "../../../src/cnb/launch.ts";
import { formatRestoredLayer, isLayerName, parseLayer } from "../../../src/cnb/layer.ts";
import { formatMetadata, parseMetadata } from "../../../src/cnb/metadata-file.ts";
import { planRestore } from "../../../src/cnb/restore.ts";
import { compareBytes } from "../../../src/std/byte.ts";
import type { Json, JsonObject } from "../../../src/std/json.ts";
import { jsonOfToml } from "../../../src/std/toml-json.ts";

const key = fc.oneof(
  fc.constantFrom("10", "9", "-", "__proto__", "FOO.append"),
  fc.string({ minLength: 1, maxLength: 6 }),
);
const text = fc.string({ unit: "grapheme", maxLength: 8 });
const data: fc.Arbitrary<JsonObject> = fc.dictionary(
  key,
  fc.oneof(text, fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.array(text, { maxLength: 3 })),
  { maxKeys: 5 },
);
const sha = fc.constantFrom("sha256:1", "sha256:2");
const layer: fc.Arbitrary<LayerRecord> = fc.record({
  sha,
  data: fc.option(data) as fc.Arbitrary<Json>,
  build: fc.boolean(),
  launch: fc.boolean(),
  cache: fc.boolean(),
});
const layers = fc.dictionary(key, layer, { maxKeys: 4 });
const metadata: fc.Arbitrary<LifecycleMetadata> = fc.record({
  app: fc.array(fc.record({ sha })),
  buildpacks: fc.array(fc.record({ key: text, version: text, layers })),
  config: fc.record({ sha }),
  launcher: fc.record({ sha }),
  "process-types": fc.record({ sha }),
  runImage: fc.record({ topLayer: sha, reference: text }),
});

describe("what an image remembers", () => {
  it("comes back from the label, whose text does not depend on the order of keys", () => {
    fc.assert(
      fc.property(metadata, (value) => {
        const label = encodeLifecycleMetadata(value);
        const read = parseLifecycleMetadata(label)!;
        expect(encodeLifecycleMetadata(read)).toBe(label);
        const shuffled = read.buildpacks.map((one) => ({
          ...one,
          layers: Object.fromEntries(Object.entries(one.layers).reverse()),
        }));
        expect(encodeLifecycleMetadata({ ...read, buildpacks: shuffled })).toBe(label);
      }),
    );
  });

  it("comes back from a restored layer file", () => {
    fc.assert(
      fc.property(data, (value) => {
        const read = parseLayer(formatRestoredLayer(value), "x.toml");
        expect(read).toMatchObject({ launch: false, build: false, cache: false });
        expect(Object.entries(jsonOfToml(read.metadata!) as JsonObject).sort()).toEqual(Object.entries(value).sort());
      }),
    );
  });

  it("is restored as a whole or not at all, and never from a cache that disagrees", () => {
    fc.assert(
      fc.property(layers, layers, (app, cache) => {
        const record = (value: typeof app) => [{ key: "a", version: "1", layers: value }];
        const plan = planRestore({ group: ["a"], app: record(app), cache: record(cache), skipLayers: false });
        const decisions = plan.buildpacks[0]!.layers;
        const [known, cached] = [new Map(Object.entries(app)), new Map(Object.entries(cache))];
        expect(decisions.map((one) => one.name)).toEqual(
          [...new Set([...known.keys(), ...cached.keys()])].filter(isLayerName).sort(compareBytes),
        );
        for (const { name, metadata: given, contents } of decisions) {
          const source = given && (given.from === "app" ? known : cached).get(name)!;
          if (source) expect(given).toMatchObject({ sha: source.sha, data: source.data });
          if (contents) expect([given?.sha, cached.get(name)?.cache]).toEqual([contents, true]);
          if (given && cached.get(name)?.cache) expect(contents).toBe(given.sha);
        }
      }),
    );
  });
});

const process: fc.Arbitrary<Process> = fc.record({
  type: fc.constantFrom("web", "worker", "Z", "é"),
  command: fc.array(text, { minLength: 1, maxLength: 3 }),
  direct: fc.boolean(),
  default: fc.boolean(),
  buildpackId: fc.constantFrom("a", "b"),
});

describe("processes", () => {
  it("of many buildpacks are what the last definitions say, sorted by bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.array(process, { maxLength: 3 }), { maxLength: 4 }), (buildpacks) => {
        const table = buildpacks.reduce<ProcessTable>((old, next) => mergeProcesses(old, next).table, noProcesses);
        const all = buildpacks.flat();
        const types = [...new Set(all.map((one) => one.type))].sort(compareBytes);
        expect(table.processes).toEqual(
          types.map((type) => ({ ...all.findLast((one) => one.type === type)!, default: false })),
        );
        const last = all.findLast((one) => one.default);
        const isLost = last && all.slice(all.lastIndexOf(last) + 1).some((one) => one.type === last.type);
        expect(table.defaultType).toBe(isLost ? undefined : last?.type);
      }),
    );
  });

  it("come back from metadata.toml", () => {
    fc.assert(
      fc.property(fc.array(process, { maxLength: 3 }), (processes) => {
        const file = {
          buildpacks: [],
          labels: [],
          processes: processes.map((one) => ({ ...one, default: false })),
          slices: [],
        };
        expect(parseMetadata(formatMetadata(file), "metadata.toml")).toEqual(file);
      }),
    );
  });
});
