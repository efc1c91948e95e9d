import { describe, expect, it } from "vitest";
import {
  type AppImage,
  appLabels,
  createdBy,
  createdTime,
  layerIds,
  planConfig,
  planEntrypoint,
} from "../../src/cnb/app-image.ts";
import { parseLifecycleMetadata } from "../../src/cnb/label.ts";
import { encodeConfig, type ImageConfig } from "../../src/oci/config.ts";
import type { DiffId } from "../../src/oci/digest.ts";
import { faultOf } from "../support/fault.ts";

const diffId = (name: string) => `sha256:${name}` as DiffId;

const runImage: ImageConfig = {
  architecture: "arm64",
  os: "linux",
  variant: "v8",
  author: "someone",
  created: "2024-05-06T07:08:09Z",
  history: [
    { created: "2024-05-06T07:08:09Z", created_by: "ADD rootfs", author: "a", comment: "c" },
    { created: "2024-05-06T07:08:09Z", created_by: "ENV x=y", empty_layer: true },
    { created_by: "RUN y" },
  ],
  diffIds: [diffId("1"), diffId("2")],
  config: {
    Cmd: ["/bin/bash"],
    Entrypoint: ["/old"],
    Env: ["PATH=/usr/bin:/bin", "CNB_APP_DIR=/old", "FOO=bar=baz"],
    Labels: { "io.buildpacks.base.id": "base", other: "kept" },
    User: "1000:1000",
    ExposedPorts: { "80/tcp": {} },
    StopSignal: "SIGTERM",
  },
};

const app: AppImage = {
  runImage,
  layers: [
    { diffId: diffId("3"), createdBy: createdBy.ofBuildpack({ id: "a", version: "1" }, "x") },
    { diffId: diffId("4"), createdBy: createdBy.ofSlice(0, 1) },
  ],
  labels: [["my", "label"]],
  layersDir: "/layers",
  appDir: "/workspace",
  entrypoint: { path: "/cnb/process/web", type: "web" },
  created: "1980-01-01T00:00:01Z",
};

const on = (config: Partial<ImageConfig["config"]>) =>
  planConfig({ ...app, runImage: { ...runImage, config: { ...runImage.config, ...config } } }).config;

describe("the app image's config", () => {
  it("EXPORT-005 the run image's layers stay below, in order", () => {
    expect(planConfig(app).diffIds).toEqual(["sha256:1", "sha256:2", "sha256:3", "sha256:4"]);
  });

  it("EXPORT-006 what no rule changes is the run image's", () => {
    const { config, ...rest } = planConfig(app);
    expect(rest).toMatchObject({ architecture: "arm64", os: "linux", variant: "v8", author: "someone" });
    expect(config).toMatchObject({ User: "1000:1000", ExposedPorts: { "80/tcp": {} }, StopSignal: "SIGTERM" });
    expect(config.Labels).toEqual({ "io.buildpacks.base.id": "base", other: "kept", my: "label" });
  });

  it("API-008 EXPORT-017 TRAP-014 variables replace in place or come last, PATH is led by processes and lifecycle", () => {
    expect(planConfig(app).config.Env).toEqual([
      "PATH=/cnb/process:/cnb/lifecycle:/usr/bin:/bin",
      "CNB_APP_DIR=/workspace",
      "FOO=bar=baz",
      "CNB_LAYERS_DIR=/layers",
      "CNB_PLATFORM_API=0.15",
      "CNB_DEPRECATION_MODE=quiet",
    ]);
  });

  it.each([
    [[], "PATH=/cnb/process:/cnb/lifecycle:"],
    [["PATH="], "PATH=/cnb/process:/cnb/lifecycle:"],
    [["PATH=/a=b"], "PATH=/cnb/process:/cnb/lifecycle:"],
    [["PATH=/a", "PATH=/b"], "PATH=/cnb/process:/cnb/lifecycle:/a"],
    [["PATHS=/a"], "PATH=/cnb/process:/cnb/lifecycle:"],
  ])("EXPORT-017 the reference's way with an unusual PATH: %j", (Env, path) => {
    const paths = on({ Env }).Env!.filter((entry) => entry.startsWith("PATH="));
    expect(paths[0]).toBe(path);
    expect(paths.slice(1)).toEqual(Env.filter((entry) => entry.startsWith("PATH=")).slice(1));
  });

  it("EXPORT-017 a run image without any environment gets one", () => {
    const { Env: _, ...config } = runImage.config;
    expect(planConfig({ ...app, runImage: { ...runImage, config } }).config.Env).toHaveLength(5);
  });

  it("EXPORT-018 EXPORT-019 the app is the working directory and there is no command", () => {
    const { config } = planConfig(app);
    expect(config.WorkingDir).toBe("/workspace");
    expect(config.Entrypoint).toEqual(["/cnb/process/web"]);
    expect(config).not.toHaveProperty("Cmd");
  });

  it("EXPORT-017 EXPORT-018 layers and app may be anywhere", () => {
    const config = { ...runImage.config, WorkingDir: "/base" };
    const other = { ...app, runImage: { ...runImage, config }, layersDir: "/other/layers", appDir: "/other/app" };
    const { Env, WorkingDir } = planConfig(other).config;
    expect(Env).toEqual(expect.arrayContaining(["CNB_LAYERS_DIR=/other/layers", "CNB_APP_DIR=/other/app"]));
    expect(WorkingDir).toBe("/other/app");
  });

  it("EXPORT-021 TRAP-005 rebasable is inherited and never made up", () => {
    expect(planConfig(app).config.Labels).not.toHaveProperty(["io.buildpacks.rebasable"]);
    const own = appLabels({ lifecycle: "{}", build: "{}", project: "{}", buildpacks: [], execEnv: "test" });
    expect(own.map(([name]) => name)).not.toContain("io.buildpacks.rebasable");
    const Labels = { "io.buildpacks.rebasable": "true" };
    expect(on({ Labels }).Labels).toMatchObject(Labels);
  });

  it("EXPORT-034 one history entry for each layer, all of one time", () => {
    const created = "1980-01-01T00:00:01Z";
    expect(planConfig(app).history).toEqual([
      { created, created_by: "ADD rootfs", author: "a", comment: "c" },
      { created, created_by: "RUN y" },
      { created, created_by: "Layer: 'x', Created by buildpack: a@1" },
      { created, created_by: "Application Layer" },
    ]);
  });

  it.each([[[]], [[{ created_by: "one" }]]])(
    "EXPORT-034 a history that does not fit the layers is blanked: %j",
    (history) => {
      const config = planConfig({ ...app, runImage: { ...runImage, history } });
      const created = "1980-01-01T00:00:01Z";
      expect(config.history.slice(0, 2)).toEqual([{ created }, { created }]);
      expect(config.history).toHaveLength(config.diffIds.length);
    },
  );

  it("EXPORT-020 EXPORT-022 buildpacks' labels come after ours, and before the execution environment", () => {
    const labels = appLabels({
      lifecycle: "L",
      build: "B",
      project: "P",
      buildpacks: [{ key: "io.buildpacks.build.metadata", value: "mine" }],
      execEnv: "test",
    });
    expect(labels.map(([key]) => key)).toEqual([
      "io.buildpacks.lifecycle.metadata",
      "io.buildpacks.build.metadata",
      "io.buildpacks.project.metadata",
      "io.buildpacks.build.metadata",
      "io.buildpacks.exec-env",
    ]);
    expect(planConfig({ ...app, labels }).config.Labels).toMatchObject({ "io.buildpacks.build.metadata": "mine" });
  });

  it("EXPORT-037 TRAP-013 the execution environment is a label of its own, left out when empty", () => {
    const own = { lifecycle: "L", build: "B", project: "P", buildpacks: [] };
    expect(Object.fromEntries(appLabels({ ...own, execEnv: "test" }))["io.buildpacks.exec-env"]).toBe("test");
    expect(Object.fromEntries(appLabels({ ...own, execEnv: "" }))).not.toHaveProperty(["io.buildpacks.exec-env"]);
  });

  it("FILE-070 the order of labels does not show", () => {
    const labels = [["b", "1"] as const, ["a", "2"] as const];
    expect(encodeConfig(planConfig({ ...app, labels: [...labels].reverse() }))).toBe(
      encodeConfig(planConfig({ ...app, labels })),
    );
  });

  it("EXPORT-033 layers are called and described as the reference does", () => {
    expect([layerIds.ofBuildpack("a/b", "x"), layerIds.ofSlice(0), createdBy.ofSlice(1, 3)]).toEqual([
      "a/b:x",
      "slice-1",
      "Application Slice: 2",
    ]);
  });
});

describe("the entrypoint", () => {
  const processes = [{ type: "web" }, { type: "worker" }];
  const choose = (requested?: string, buildpackDefault?: string) =>
    planEntrypoint({ processes, buildpackDefault, requested });

  it("EXPORT-012 the process type asked for", () => {
    expect(choose("worker", "web")).toEqual({ path: "/cnb/process/worker", type: "worker" });
  });

  it("EXPORT-013 one that does not exist is refused", () => {
    const fault = faultOf(() => choose("nope", "web"));
    expect(fault.message).toContain("tried to set nope to default but it doesn't exist");
    expect([fault.code, fault.exit, fault.hint]).toEqual([
      "process-type.unknown",
      "export",
      "the process types are web, worker",
    ]);
  });

  it("EXPORT-013 neither is the beginning of one, nor any where there are none", () => {
    expect(faultOf(() => choose("we", "web")).code).toBe("process-type.unknown");
    const none = { processes: [], buildpackDefault: undefined, requested: "web" };
    expect(faultOf(() => planEntrypoint(none)).hint).toBe("no buildpack defined a process type");
  });

  it("EXPORT-014 the buildpacks' default", () => {
    expect(choose(undefined, "web")).toEqual({ path: "/cnb/process/web", type: "web" });
    expect(choose("", "web").type).toBe("web");
  });

  it("EXPORT-015 else the launcher", () => {
    expect(choose()).toEqual({ path: "/cnb/lifecycle/launcher" });
    const sole = { processes: [{ type: "web" }], buildpackDefault: undefined, requested: undefined };
    expect(planEntrypoint(sole)).toEqual({ path: "/cnb/lifecycle/launcher" });
  });
});

describe("the time of creation", () => {
  it("EXPORT-023 EXPORT-024 REPRO-002 constant without SOURCE_DATE_EPOCH", () => {
    expect(createdTime(undefined)).toEqual({ created: "1980-01-01T00:00:01Z" });
    expect(createdTime("")).toEqual({ created: "1980-01-01T00:00:01Z" });
  });

  it.each([
    ["0", "1970-01-01T00:00:00Z"],
    ["1700000000", "2023-11-14T22:13:20Z"],
    ["-1", "1969-12-31T23:59:59Z"],
    ["253402300799", "9999-12-31T23:59:59Z"],
  ])("EXPORT-024 SOURCE_DATE_EPOCH=%s is rendered in UTC", (epoch, created) => {
    expect(createdTime(epoch)).toEqual({ created });
  });

  it.each(["abc", "1.5", "1e9", "253402300800", "99999999999999999999", " 1"])(
    "EXPORT-024 SOURCE_DATE_EPOCH=%j is ignored with a warning",
    (epoch) => {
      expect(createdTime(epoch)).toEqual({
        created: "1980-01-01T00:00:01Z",
        warning: `Ignoring invalid SOURCE_DATE_EPOCH "${epoch}"`,
      });
    },
  );
});

describe("labels read back", () => {
  it("EXPORT-035 FILE-068 process-types is there even when empty", () => {
    expect(parseLifecycleMetadata("{}")!["process-types"]).toEqual({ sha: "" });
  });
});
