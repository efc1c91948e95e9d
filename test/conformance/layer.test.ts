import { describe, expect, it } from "vitest";
import { encodeLifecycleMetadata, type LifecycleMetadata } from "../../src/cnb/label.ts";
import { parseStore } from "../../src/cnb/launch.ts";
import { formatRestoredLayer, formatRestoredStore, isIgnored, layerNameOf, parseLayer } from "../../src/cnb/layer.ts";
import { encodeJson, parseJson } from "../../src/std/json.ts";
import { jsonOfToml } from "../../src/std/toml-json.ts";
import { faultOf } from "../support/fault.ts";

const refused = (text: string) => faultOf(() => parseLayer(text, "/layers/a/x.toml"));
const flags = [false, true];
const combinations = flags.flatMap((launch) =>
  flags.flatMap((build) => flags.map((cache) => ({ launch, build, cache }))),
);

describe("<layer>.toml", () => {
  it.each(combinations)("LAYER-001 LAYER-003 the flags stand in [types]: %j", (types) => {
    const lines = Object.entries(types).map(([name, value]) => `${name} = ${value}`);
    const layer = parseLayer(`[types]\n${lines.join("\n")}\n`, "x.toml");
    expect(layer).toEqual({ ...types, metadata: undefined });
    expect(isIgnored(layer)).toBe(!types.launch && !types.build && !types.cache);
  });

  it("LAYER-002 without [types] the layer serves nothing", () => {
    const layer = parseLayer("[metadata]\nq = 1\n", "x.toml");
    expect(layer).toMatchObject({ launch: false, build: false, cache: false });
    expect(isIgnored(layer)).toBe(true);
    expect(isIgnored(parseLayer("[types]\ncache = true\n", "x.toml"))).toBe(false);
  });

  it.each(["launch", "build", "cache"])("LAYER-004 %s at the top level is refused", (flag) => {
    const fault = refused(`${flag} = true\n[types]\nlaunch = true\n`);
    expect(fault.message).toBe(`Cannot read layer at /layers/a/x.toml: ${flag} stands at the top level`);
    expect([fault.code, fault.exit]).toEqual(["layer.flags", "build"]);
  });

  it("LAYER-005 unknown keys are tolerated, wrong types are not", () => {
    const layer = parseLayer('[types]\nlaunch = true\nmetadata = "3.1.3"\n', "x.toml");
    expect(layer).toEqual({ launch: true, build: false, cache: false, metadata: undefined });
    expect(refused('[types]\nlaunch = "yes"\n').message).toContain(
      "types.launch at /layers/a/x.toml: expected a boolean",
    );
  });

  it("LAYER-023 launch.toml, build.toml and store.toml are no layers", () => {
    const files = [
      "launch.toml",
      "build.toml",
      "store.toml",
      "a.toml",
      "a.b.toml",
      ".toml",
      "a",
      "launch.toml.toml",
      "..toml",
      "...toml",
    ];
    expect(files.map(layerNameOf)).toEqual([
      undefined,
      undefined,
      undefined,
      "a",
      "a.b",
      undefined,
      undefined,
      "launch.toml",
      undefined,
      undefined,
    ]);
  });

  it("LAYER-012 what is restored has metadata and no types; nothing makes an empty file", () => {
    expect(formatRestoredLayer({ version: "1", "FOO.append": [1, 2] })).toBe(
      '[metadata]\n  "FOO.append" = [1.0, 2.0]\n  version = "1"\n',
    );
    expect(formatRestoredLayer(null)).toBe("");
    expect(formatRestoredLayer({})).toBe("[metadata]\n");
  });

  it("LAYER-027 metadata survives the way into the label and back", () => {
    const text = `[metadata]
big = 9007199254740993
ratio = 1e21
when = 1979-05-27T07:32:00.5-07:00
nested = [[1, 2], ["a"]]
"FOO.append" = "<&>"
18 = "first"
"-" = "before digits"
empty = {}
[[metadata.tables]]
k = "v"
`;
    const data = jsonOfToml(parseLayer(text, "x.toml").metadata!);
    const layer = { sha: "sha256:1", data, build: false, launch: true, cache: false };
    const metadata: LifecycleMetadata = {
      app: [],
      buildpacks: [{ key: "a", version: "1", layers: { x: layer } }],
      config: { sha: "" },
      launcher: { sha: "" },
      "process-types": { sha: "" },
      runImage: { topLayer: "", reference: "" },
    };
    const label = encodeLifecycleMetadata(metadata);
    const written =
      '{"-":"before digits","18":"first","FOO.append":"\\u003c\\u0026\\u003e","big":9007199254740993,"empty":{},' +
      '"nested":[[1,2],["a"]],"ratio":1e+21,"tables":[{"k":"v"}],"when":"1979-05-27T07:32:00.5-07:00"}';
    expect(label).toContain(`"data":${written},`);
    expect(parseLayer(formatRestoredLayer(parseJson(written, "label")), "y.toml").metadata).toMatchObject({
      "18": "first",
      nested: [[1, 2], ["a"]],
      tables: [{ k: "v" }],
      when: "1979-05-27T07:32:00.5-07:00",
    });
  });

  it("LAYER-028 EXPORT-030 store.toml goes into the label and comes back", () => {
    const store = parseStore('[metadata]\nb = 1\na = "x"\n', "store.toml");
    expect(encodeJson(store)).toBe('{"metadata":{"a":"x","b":1}}');
    expect(formatRestoredStore(store.metadata)).toBe('[metadata]\n  a = "x"\n  b = 1.0\n');
    expect(parseStore("", "store.toml")).toEqual({ metadata: null });
  });

  it("LAYER-032 exec-env in a layer's metadata is kept", () => {
    expect(parseLayer('[metadata]\nexec-env = ["test"]\n', "x.toml").metadata).toEqual({ "exec-env": ["test"] });
  });

  it("LAYER-038 a broken file is refused by its name", () => {
    expect(refused("[types\n").message).toContain("/layers/a/x.toml:1:");
  });
});
