import { describe, expect, it } from "vitest";
import { builderLabels, encodeBuilderMetadata, parseBuilderMetadata } from "../../src/cnb/builder-label.ts";
import {
  encodeLifecycleApis,
  formatLifecycleFile,
  parseLifecycleFile,
  parseLifecycleLabels,
} from "../../src/cnb/lifecycle-file.ts";
import { parseModuleDescriptor } from "../../src/cnb/module-descriptor.ts";
import { encodeModuleLayers, parseModuleLayers } from "../../src/cnb/module-layers.ts";
import { encodeOrder, encodeSystem, parseOrderLabel, parseSystemLabel } from "../../src/cnb/order-label.ts";
import { parsePackageFile } from "../../src/cnb/package-file.ts";
import { encodePackageMetadata, parsePackageMetadata } from "../../src/cnb/package-label.ts";
import { faultOf } from "../support/fault.ts";

// Written down from what the structures of pack 0.40 become in Go's JSON: its field order, its nulls, its sorted maps.
const metadata =
  '{"description":"Small \\u0026 plain","buildpacks":[{"id":"acme/all","name":"All","version":"1.0.0","homepage":"https://acme.example"},' +
  '{"id":"acme/one","version":"0.2.0","licenses":[{"Type":"MIT","URI":""}],"clear-env":true}],"extensions":null,' +
  '"stack":{"runImage":{"image":"","mirrors":null}},"lifecycle":{"version":"0.21.0","api":{"buildpack":"0.7","platform":"0.10"},' +
  '"apis":{"buildpack":{"deprecated":["0.7"],"supported":["0.8","0.10"]},"platform":{"deprecated":[],"supported":["0.10","0.15"]}}},' +
  '"createdBy":{"name":"Pack CLI","version":"0.40.5"},"images":[{"image":"run","mirrors":["near/run"]},{"image":"other","mirrors":null}]}';

const layers =
  '{"a/b":{"1.10.0":{"api":"0.10","targets":[{"os":"linux","arch":"arm64","variant":"v8","distros":[{"name":"debian","version":"13"}]}],' +
  '"layerDiffID":"sha256:aa"},"1.9.0":{"api":"0.9","stacks":[{"id":"*"},{"id":"s","mixins":["m"]}],"layerDiffID":"sha256:bb","homepage":"h","name":"n"}},' +
  '"z":{"1":{"api":"0.12","order":[{"group":[{"id":"a/b","version":"1.9.0","exec-env":["test"],"optional":true}]}],"layerDiffID":"sha256:cc"}}}';

describe("labels of builders and packages", () => {
  it("BUILDER-006 the metadata label is read and written byte for byte", () => {
    const parsed = parseBuilderMetadata(metadata, "label");
    expect(encodeBuilderMetadata(parsed)).toBe(metadata);
    expect(parsed.buildpacks[1]).toEqual({
      id: "acme/one",
      version: "0.2.0",
      licenses: [{ type: "MIT" }],
      clearEnv: true,
    });
    expect(parsed.runImages).toEqual([
      { image: "run", mirrors: ["near/run"] },
      { image: "other", mirrors: [] },
    ]);
  });

  it("BUILDER-006 a builder of the time of stacks has its one run image there", () => {
    const old =
      '{"stack":{"runImage":{"image":"run","mirrors":["m"]}},"lifecycle":{"version":"0.6.1","api":{"buildpack":"0.2","platform":"0.2"}}}';
    const parsed = parseBuilderMetadata(old, "label");
    expect(parsed.runImages).toEqual([{ image: "run", mirrors: ["m"] }]);
    expect(parsed.lifecycle).toEqual({
      version: "0.6.1",
      buildpack: { deprecated: [], supported: ["0.2"] },
      platform: { deprecated: [], supported: ["0.2"] },
    });
  });

  it.each([
    ["no JSON", "json.parse", "{"],
    ["a list", "json.type", "[]"],
    ["a number for a list", "json.type", '{"buildpacks":1}'],
    ["an id that climbs", "buildpack.coordinates", '{"buildpacks":[{"id":"..","version":"1"}]}'],
    ["a version that climbs", "buildpack.coordinates", '{"buildpacks":[{"id":"a","version":"../../x"}]}'],
    ["no id", "json.missing", '{"buildpacks":[{"version":"1"}]}'],
    ["a version of an API that is none", "api.parse", '{"lifecycle":{"apis":{"buildpack":{"supported":["x"]}}}}'],
  ])("BUILDER-006 a label of a stranger with %s is a fault", (_, code, text) => {
    expect(faultOf(() => parseBuilderMetadata(text, "label")).code).toBe(code);
  });

  it("BPKG-013 each module's API, stacks, targets, order and layer are read and written byte for byte", () => {
    const parsed = parseModuleLayers(layers, builderLabels.buildpackLayers);
    expect(encodeModuleLayers(parsed)).toBe(layers);
    expect(encodeModuleLayers([...parsed].reverse())).toBe(layers);
    expect(parsed.map(({ id, version }) => `${id}@${version}`)).toEqual(["a/b@1.10.0", "a/b@1.9.0", "z@1"]);
    expect(parsed[0]!.targets).toEqual([
      { os: "linux", arch: "arm64", variant: "v8", distros: [{ name: "debian", version: "13" }] },
    ]);
    expect(encodeModuleLayers([])).toBe("{}");
  });

  it.each([
    '{"../x":{"1":{"layerDiffID":"d"}}}'.replace("../x", ".."),
    '{"a":{"..":{"layerDiffID":"d"}}}',
    '{"a":{"1/2":{"layerDiffID":"d"}}}',
  ])("BPKG-013 what cannot name a directory is refused: %s", (text) => {
    expect(faultOf(() => parseModuleLayers(text, "label")).code).toBe("buildpack.coordinates");
  });

  it("BPKG-013 ids that look like numbers stand where Go puts them", () => {
    const one = { api: "0.10", stacks: [], targets: [], order: [], diffId: "d" };
    const text = encodeModuleLayers([
      { ...one, id: "a", version: "2" },
      { ...one, id: "a", version: "10" },
      { ...one, id: "5", version: "1" },
    ]);
    expect(text.match(/"(a|5|2|10|1)":/g)).toEqual(['"5":', '"1":', '"a":', '"10":', '"2":']);
  });

  it("BUILDER-005 the label of an order keeps versions that are left out, and none is null", () => {
    const text =
      '[{"group":[{"id":"a"},{"id":"b","version":"1","optional":true}]},{"group":[{"id":"c","version":"2"}]}]';
    const order = parseOrderLabel(text, "label");
    expect(order[0]![0]).toEqual({ id: "a", optional: false });
    expect(encodeOrder(order)).toBe(text);
    expect(encodeOrder([])).toBe("null");
    expect(parseOrderLabel("null", "label")).toEqual([]);
    expect(faultOf(() => parseOrderLabel('[{"group":[{"id":"a","optional":"yes"}]}]', "label")).code).toBe("json.type");
  });

  it("BUILDER-005 the label of system buildpacks names both sides", () => {
    const text = '{"pre":{"buildpacks":[{"id":"a","version":"1"}]},"post":{}}';
    expect(encodeSystem(parseSystemLabel(text, "label"))).toBe(text);
  });

  it("BPKG-006 a package's label names its one module and its stacks", () => {
    const text = '{"id":"a/b","name":"AB","version":"1.0.0","keywords":["k"],"stacks":[{"id":"*"}]}';
    expect(encodePackageMetadata(parsePackageMetadata(text, "label"))).toBe(text);
  });

  it("TRAP-022 BPKG-006 a package of targets has no stacks", () => {
    expect(parsePackageMetadata('{"id":"a","version":"1"}', "label")).toEqual({ id: "a", version: "1", stacks: [] });
    expect(parsePackageMetadata('{"id":"a","version":"1","stacks":null}', "label").stacks).toEqual([]);
    expect(encodePackageMetadata({ id: "a", version: "1", stacks: [] })).toBe('{"id":"a","version":"1","stacks":null}');
  });
});

const lifecycleToml = `[apis]
[apis.buildpack]
  deprecated = []
  supported = ["0.7", "0.12"]
[apis.platform]
  deprecated = ["0.7"]
  supported = ["0.8", "0.15"]

[api]
  platform = "0.7"
  buildpack = "0.7"

[lifecycle]
  version = "0.21.0"
  sbom-formats = ["application/spdx+json"]
`;

describe("lifecycle.toml", () => {
  it("BUILDER-016 says which APIs a lifecycle serves, and its version", () => {
    expect(parseLifecycleFile(lifecycleToml, "lifecycle.toml")).toEqual({
      version: "0.21.0",
      buildpack: { deprecated: [], supported: ["0.7", "0.12"] },
      platform: { deprecated: ["0.7"], supported: ["0.8", "0.15"] },
    });
  });

  it("BUILDER-016 one of before 2020 has a single version of each", () => {
    const text = '[api]\nbuildpack = "0.2"\nplatform = "0.1"\n[lifecycle]\nversion = "0.6.1"\n';
    expect(parseLifecycleFile(text, "l").platform).toEqual({ deprecated: [], supported: ["0.1"] });
  });

  it("BUILDER-016 what is written is what is read", () => {
    const parsed = parseLifecycleFile(lifecycleToml, "lifecycle.toml");
    expect(parseLifecycleFile(formatLifecycleFile(parsed), "again")).toEqual(parsed);
    expect(formatLifecycleFile(parsed)).toContain('[api]\n  platform = "0.7"\n  buildpack = "0.7"\n');
  });

  it("BUILDER-007 the label of a lifecycle's image lists deprecated and supported APIs", () => {
    const apis =
      '{"buildpack":{"deprecated":[],"supported":["0.7","0.12"]},"platform":{"deprecated":["0.7"],"supported":["0.8","0.15"]}}';
    const parsed = parseLifecycleLabels({ version: "0.21.0", apis }, "label");
    expect(parsed).toEqual(parseLifecycleFile(lifecycleToml, "lifecycle.toml"));
    expect(encodeLifecycleApis(parsed)).toBe(apis);
    expect(faultOf(() => parseLifecycleLabels({ version: "1", apis: undefined }, "image")).code).toBe(
      "lifecycle.label",
    );
  });
});

const packageToml = `
[buildpack]
uri = "build/buildpack.tgz"

[[dependencies]]
uri = "../hello-moon"

[[dependencies]]
image = "acme/old:1"

[[targets]]
os = "linux"
arch = "amd64"
[[targets]]
os = "linux"
arch = "arm64"
variant = "v8"
[[targets.distros]]
name = "debian"
version = "13"
`;

describe("package.toml", () => {
  it("BPKG-015 names one module, its dependencies and its targets", () => {
    expect(parsePackageFile(packageToml, "package.toml")).toEqual({
      kind: "buildpack",
      uri: "build/buildpack.tgz",
      dependencies: ["../hello-moon", "docker://acme/old:1"],
      os: "linux",
      targets: [
        { os: "linux", arch: "amd64", distros: [] },
        { os: "linux", arch: "arm64", variant: "v8", distros: [{ name: "debian", version: "13" }] },
      ],
    });
    expect(parsePackageFile('[extension]\nuri = "."\n', "p").kind).toBe("extension");
  });

  it.each([
    ["a key it cannot have", '[buildpack]\nurl = "x"\n', "buildpack.url"],
    ["a table it cannot have", '[buildpack]\nuri = "."\n[[dependenceis]]\nimage = "x"\n', "dependenceis"],
    [
      "a dependency with uri and image",
      '[buildpack]\nuri = "."\n[[dependencies]]\nuri = "a"\nimage = "b"\n',
      "both uri",
    ],
    ["no module", '[[dependencies]]\nuri = "a"\n', "buildpack.uri is missing"],
    ["another system", '[buildpack]\nuri = "."\n[platform]\nos = "plan9"\n', "plan9"],
    ["two modules", '[buildpack]\nuri = "."\n[extension]\nuri = "."\n', "a buildpack and an extension"],
  ])("BPKG-015 %s is an error", (_, text, found) => {
    const fault = faultOf(() => parsePackageFile(text, "package.toml"));
    expect(fault.code).toBe("package.file");
    expect(fault.message).toContain(found);
  });
});

describe("a descriptor as it is packaged", () => {
  it("BPKG-013 says what is written, and infers nothing", () => {
    const text =
      'api = "0.10"\n[buildpack]\nid = "a"\nversion = "1"\nfancy = true\n[[stacks]]\nid = "*"\n[metadata]\nx = 1\n';
    expect(parseModuleDescriptor(text, "buildpack.toml", "buildpack")).toEqual({
      kind: "buildpack",
      api: "0.10",
      info: { id: "a", version: "1" },
      stacks: [{ id: "*" }],
      targets: [],
      order: [],
      strays: ["buildpack.fancy"],
    });
  });

  it("BPKG-013 cannot have an order and targets of its own", () => {
    const text =
      'api = "0.10"\n[buildpack]\nid = "a"\nversion = "1"\n[[targets]]\nos = "linux"\n[[order]]\n[[order.group]]\nid = "b"\nversion = "1"\n';
    expect(faultOf(() => parseModuleDescriptor(text, "buildpack.toml", "buildpack")).code).toBe("buildpack.order");
  });
});
