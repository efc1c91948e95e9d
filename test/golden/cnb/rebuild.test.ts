import { describe, expect, it } from "vitest";
import { formatAnalyzed } from "../../../src/cnb/analyzed-file.ts";
import { encodeCacheMetadata, parseCacheMetadata } from "../../../src/cnb/cache-file.ts";
import { encodeLifecycleMetadata, labelNames, parseLifecycleMetadata } from "../../../src/cnb/label.ts";
import { formatRestoredLayer, formatRestoredStore } from "../../../src/cnb/layer.ts";
import { formatReport } from "../../../src/cnb/report-file.ts";
import { planRestore } from "../../../src/cnb/restore.ts";
import { targetOf } from "../../../src/cnb/run-image.ts";
import { labelsOf, parseConfig } from "../../../src/oci/config.ts";
import { vector } from "../vector.ts";
import { diffIds, group } from "./build.ts";

function labelOf(image: string, name: string): string {
  return labelsOf(parseConfig(vector(`${image}.config.json`), image))[name]!;
}

const app = parseLifecycleMetadata(labelOf("app_one", labelNames.lifecycle))!;
const cache = parseCacheMetadata(vector("cache-dir.metadata.json"))!;

describe("what a second build reads and writes with the reference's inputs", () => {
  it.each(["app_one", "app_reb", "app_sl", "app_bom0.8"])(
    "the lifecycle metadata of %s survives a round trip",
    (image) => {
      const text = labelOf(image, labelNames.lifecycle);
      expect(encodeLifecycleMetadata(parseLifecycleMetadata(text)!)).toBe(text);
    },
  );

  it("the metadata of a cache directory and of a cache image", () => {
    expect(`${encodeCacheMetadata(cache)}\n`).toBe(vector("cache-dir.metadata.json"));
    const text = labelOf("cache_x", labelNames.cache);
    expect(encodeCacheMetadata(parseCacheMetadata(text)!)).toBe(text);
  });

  it("the layer and store files that are given back, and the lines about them", () => {
    const plan = planRestore({
      group: group.map((buildpack) => buildpack.id),
      app: app.buildpacks,
      cache: cache.buildpacks,
      cacheSbom: cache.sbom.sha,
      skipLayers: false,
    });
    const [first, second] = plan.buildpacks;
    const texts = first!.layers.map((layer) => formatRestoredLayer(layer.metadata!.data));
    expect(`${texts.join("")}${formatRestoredStore(first!.store!)}`).toBe(
      vector("rebuild.restored-layer-and-store-tomls.txt"),
    );
    expect(first!.layers.map((layer) => layer.contents)).toEqual([diffIds.alpha, undefined]);
    expect(second).toEqual({ id: "other", layers: [] });
    expect(plan.sbom).toBe(diffIds.cacheSbom);

    const log = vector("creator-info-rebuild.log").split("\n");
    const restoring = log.slice(log.indexOf("===> RESTORING") + 1, log.indexOf("===> BUILDING"));
    expect(plan.lines.filter((line) => line.level === "info").map((line) => line.text)).toEqual(restoring);
    expect(plan.lines.filter((line) => line.level === "debug").map((line) => line.text)).toEqual([
      'Not restoring "test/bp:alpha" from cache, marked as launch=true',
    ]);
  });

  it("analyzed.toml of a first and of a second build", () => {
    const runImage = {
      reference: "127.0.0.1:15051/run-oci@sha256:43285f12e3023fc64dbe9e48b1fc6800a6296c68f37623de6e290ebf4be52de0",
      image: "127.0.0.1:15051/run-oci:v1",
      target: targetOf(parseConfig(vector("run-oci_v1.config.json"), "run image")),
    };
    const reference = "127.0.0.1:15051/app@sha256:166cce53ade1588873e6358a02a1b3f2abd820f6a9cda93ccc3eeabcc51913b9";
    expect(formatAnalyzed({ runImage })).toBe(vector("fresh.analyzed.toml"));
    expect(formatAnalyzed({ runImage, previousImage: { reference, metadata: app } })).toBe(
      vector("rebuild.analyzed.toml"),
    );
  });

  it("report.toml", () => {
    const text = formatReport({
      tags: ["127.0.0.1:15051/app:two"],
      digest: "sha256:166cce53ade1588873e6358a02a1b3f2abd820f6a9cda93ccc3eeabcc51913b9",
      manifestSize: 2065,
    });
    expect(text).toBe(vector("fresh.report.toml"));
  });
});
