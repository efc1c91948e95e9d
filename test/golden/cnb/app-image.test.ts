import { describe, expect, it } from "vitest";
import { appLabels, createdBy, createdTime, planConfig, planEntrypoint } from "../../../src/cnb/app-image.ts";
import { encodeBuildMetadata } from "../../../src/cnb/build-metadata.ts";
import { encodeLifecycleMetadata, type LayerRecord, labelNames } from "../../../src/cnb/label.ts";
import { mergeProcesses, noProcesses, parseLaunch, parseStore } from "../../../src/cnb/launch.ts";
import { parseLayer } from "../../../src/cnb/layer.ts";
import { formatMetadata, parseMetadata } from "../../../src/cnb/metadata-file.ts";
import { encodeProjectMetadata } from "../../../src/cnb/project-file.ts";
import { encodeConfig, labelsOf, parseConfig } from "../../../src/oci/config.ts";
import { type DiffId, digestOf } from "../../../src/oci/digest.ts";
import { jsonOfToml } from "../../../src/std/toml-json.ts";
import { vector } from "../vector.ts";
import { diffIds, group, otherBuildpack, testBuildpack } from "./build.ts";

const first = parseLaunch(
  testBuildpack.launch,
  "launch.toml",
  { commandList: true, workingDirectory: true },
  "test/bp",
);
const second = parseLaunch(
  otherBuildpack.launch,
  "launch.toml",
  { commandList: false, workingDirectory: true },
  "other",
);
const afterFirst = mergeProcesses(noProcesses, first.processes);
const { table } = mergeProcesses(afterFirst.table, second.processes);
const defaultProcessType = table.defaultType!;

function record(name: "alpha" | "beta"): LayerRecord {
  const { launch, build, cache, metadata } = parseLayer(testBuildpack.layers[name], `${name}.toml`);
  return { sha: diffIds[name], data: metadata ? jsonOfToml(metadata) : null, build, launch, cache };
}

const names = { image: "127.0.0.1:15051/run-oci:v1", mirrors: ["mirror.example/run:v1"] };
const lifecycle = encodeLifecycleMetadata({
  app: diffIds.slices.map((sha) => ({ sha })),
  sbom: { sha: diffIds.sbom },
  buildpacks: [
    {
      key: "test/bp",
      version: "1.0",
      layers: { beta: record("beta"), alpha: record("alpha") },
      store: parseStore(testBuildpack.store, "store.toml"),
    },
    { key: "other", version: "2.0", layers: {} },
  ],
  config: { sha: diffIds.config },
  launcher: { sha: diffIds.launcher },
  "process-types": { sha: diffIds.processTypes },
  runImage: {
    topLayer: "sha256:e98c7314fd0b3e9c6b8dbfe91fcce159096e79c4506d0df424da96d744f0f75f",
    reference: "127.0.0.1:15051/run-oci@sha256:43285f12e3023fc64dbe9e48b1fc6800a6296c68f37623de6e290ebf4be52de0",
    ...names,
  },
  stack: { runImage: names },
});
const build = encodeBuildMetadata({
  buildpacks: group,
  launcher: {
    version: "0.99.0",
    source: { git: { repository: "github.com/buildpacks/lifecycle", commit: "abc1234" } },
  },
  processes: table.processes,
  defaultProcessType,
});

describe("what a build with the reference's inputs gives", () => {
  it("metadata.toml, byte for byte", () => {
    const text = formatMetadata({
      buildpacks: group,
      labels: first.labels,
      processes: table.processes,
      defaultProcessType,
      slices: first.slices,
    });
    expect(text).toBe(vector("fresh.metadata.toml"));
    expect(formatMetadata(parseMetadata(text, "metadata.toml"))).toBe(text);
  });

  it("the config of the app image, byte for byte, and so its image ID", () => {
    const count = diffIds.slices.length;
    const layers = [
      { diffId: diffIds.alpha, createdBy: createdBy.ofBuildpack(group[0]!, "alpha") },
      { diffId: diffIds.beta, createdBy: createdBy.ofBuildpack(group[0]!, "beta") },
      { diffId: diffIds.sbom, createdBy: createdBy.sbom },
      ...diffIds.slices.map((diffId, at) => ({ diffId, createdBy: createdBy.ofSlice(at, count) })),
      { diffId: diffIds.launcher, createdBy: createdBy.launcher },
      { diffId: diffIds.config, createdBy: createdBy.config },
      { diffId: diffIds.processTypes, createdBy: createdBy.processTypes },
    ];
    const config = planConfig({
      runImage: parseConfig(vector("run-oci_v1.config.json"), "run image"),
      layers: layers.map((layer) => ({ ...layer, diffId: layer.diffId as DiffId })),
      labels: appLabels({
        lifecycle,
        build,
        project: encodeProjectMetadata(undefined),
        buildpacks: [...first.labels, ...second.labels],
        execEnv: "production",
      }),
      layersDir: "/layers",
      appDir: "/workspace",
      entrypoint: planEntrypoint({
        processes: table.processes,
        buildpackDefault: table.defaultType,
        requested: undefined,
      }),
      created: createdTime(undefined).created,
    });
    const text = encodeConfig(config);
    expect(text).toBe(vector("app_one.config.json"));
    expect(JSON.parse(vector("app_one.manifest.json")).config.digest).toBe(digestOf(text));
  });

  it("the build label of an image without processes", () => {
    const label = encodeBuildMetadata({
      buildpacks: [{ id: "bom", version: "1", homepage: "h" }],
      launcher: {
        version: "0.99.0",
        source: { git: { repository: "github.com/buildpacks/lifecycle", commit: "abc1234" } },
      },
      processes: [],
    });
    expect(label).toBe(labelsOf(parseConfig(vector("app_sl.config.json"), "app_sl"))[labelNames.build]);
  });
});
