import { describe, expect, it } from "vitest";
import type { LayerMetadata } from "../../src/cnb/layer.ts";
import { formatLegacyBom, lifecycleSboms, planRestoredSboms, planSboms, sbomMediaTypes } from "../../src/cnb/sbom.ts";
import { faultOf } from "../support/fault.ts";

const all = Object.values(sbomMediaTypes);
const layer = (types: Partial<LayerMetadata>): LayerMetadata => ({
  launch: false,
  build: false,
  cache: false,
  metadata: undefined,
  ...types,
});
const layers = new Map([
  ["run", layer({ launch: true })],
  ["kept", layer({ launch: true, cache: true })],
  ["both", layer({ launch: true, build: true })],
  ["tool", layer({ build: true, cache: true })],
  ["none", layer({})],
]);

function targets(files: readonly string[], sbomFormats: readonly string[] = all): readonly string[] {
  return planSboms({ id: "team/a", sbomFormats }, files, layers).map((copy) => copy.to);
}

describe("SBOM files", () => {
  it("SBOM-001 three formats with their media types", () => {
    expect(sbomMediaTypes).toEqual({
      "cdx.json": "application/vnd.cyclonedx+json",
      "spdx.json": "application/spdx+json",
      "syft.json": "application/vnd.syft+json",
    });
  });

  it("SBOM-002 SBOM-006 all nine files are found and go where the specification says", () => {
    const extensions = ["cdx.json", "spdx.json", "syft.json"];
    const files = ["run", "launch", "build"].flatMap((name) => extensions.map((end) => `${name}.sbom.${end}`));
    expect([...targets(files)].sort()).toEqual(
      extensions
        .flatMap((end) => [
          `sbom/build/team_a/sbom.${end}`,
          `sbom/launch/team_a/run/sbom.${end}`,
          `sbom/launch/team_a/sbom.${end}`,
        ])
        .sort(),
    );
  });

  it("SBOM-003 SBOM-005 launch layers go to launch, all others to build", () => {
    expect(targets(["both.sbom.cdx.json", "none.sbom.cdx.json", "run.sbom.cdx.json"])).toEqual([
      "sbom/launch/team_a/both/sbom.cdx.json",
      "sbom/build/team_a/none/sbom.cdx.json",
      "sbom/launch/team_a/run/sbom.cdx.json",
    ]);
  });

  it("SBOM-014 those of cached layers go to the cache too", () => {
    expect(targets(["kept.sbom.cdx.json", "tool.sbom.cdx.json"])).toEqual([
      "sbom/launch/team_a/kept/sbom.cdx.json",
      "sbom/cache/team_a/kept/sbom.cdx.json",
      "sbom/build/team_a/tool/sbom.cdx.json",
      "sbom/cache/team_a/tool/sbom.cdx.json",
    ]);
  });

  it("SBOM-004 a format the buildpack does not declare is refused", () => {
    const fault = faultOf(() => targets(["launch.sbom.spdx.json"], [sbomMediaTypes["cdx.json"]]));
    expect(fault.message).toContain("undeclared SBOM media type: 'application/spdx+json'");
    expect([fault.code, fault.exit]).toEqual(["sbom.undeclared", "build"]);
  });

  it("SBOM-004 a format nobody knows is refused", () => {
    const fault = faultOf(() => targets(["launch.sbom.foo.json"]));
    expect(fault.message).toContain("unsupported SBOM file format: 'launch.sbom.foo.json'");
  });

  it("SBOM-004 what stands after a semicolon of a declared type does not matter", () => {
    expect(targets(["launch.sbom.cdx.json"], ["application/vnd.cyclonedx+json;version=1.4"])).toHaveLength(1);
  });

  it("SBOM-013 a layer's name may hold dots, and layers without TOML are left out", () => {
    const dotted = new Map([["a.b", layer({ launch: true })]]);
    const files = ["a.b.sbom.cdx.json", "a.sbom.cdx.json", "unknown.sbom.cdx.json", "notes.json", "sbom.cdx.json"];
    expect(planSboms({ id: "a", sbomFormats: all }, files, dotted)).toEqual([
      { from: "a.b.sbom.cdx.json", to: "sbom/launch/a/a.b/sbom.cdx.json" },
    ]);
  });

  it("SBOM-008 the legacy file holds null without entries", () => {
    expect(formatLegacyBom([{ id: "a", version: "1", bom: [] }])).toBe("null\n");
  });

  it("SBOM-010 the lifecycle's and the launcher's own files have their places", () => {
    expect(lifecycleSboms.map((copy) => `${copy.from} ${copy.to}`)).toEqual([
      "lifecycle.sbom.cdx.json sbom/build/buildpacksio_lifecycle/sbom.cdx.json",
      "lifecycle.sbom.spdx.json sbom/build/buildpacksio_lifecycle/sbom.spdx.json",
      "lifecycle.sbom.syft.json sbom/build/buildpacksio_lifecycle/sbom.syft.json",
      "launcher.sbom.cdx.json sbom/launch/buildpacksio_lifecycle/launcher/sbom.cdx.json",
      "launcher.sbom.spdx.json sbom/launch/buildpacksio_lifecycle/launcher/sbom.spdx.json",
      "launcher.sbom.syft.json sbom/launch/buildpacksio_lifecycle/launcher/sbom.syft.json",
    ]);
  });

  it("RESTORE-004 SBOM-011 layer SBOMs of the group come back beside their layers, the buildpack's own ones do not", () => {
    const files = [
      "launch/team_a/sbom.cdx.json",
      "launch/team_a/run/sbom.cdx.json",
      "launch/team_a/kept/sbom.cdx.json",
      "cache/team_a/kept/sbom.cdx.json",
      "cache/team_a/tool/sbom.syft.json",
      "launch/gone/run/sbom.cdx.json",
      "launch/team_a/run/deep/sbom.cdx.json",
      "launch/team_a/run/notes.txt",
      "launch/sbom.legacy.json",
      "build/team_a/run/sbom.cdx.json",
    ];
    expect(planRestoredSboms(files, ["team/a", "b"])).toEqual([
      { from: "launch/team_a/kept/sbom.cdx.json", to: "team_a/kept.sbom.cdx.json" },
      { from: "launch/team_a/run/sbom.cdx.json", to: "team_a/run.sbom.cdx.json" },
      { from: "cache/team_a/tool/sbom.syft.json", to: "team_a/tool.sbom.syft.json" },
    ]);
  });
});
