import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { parseBuildMetadata } from "../../src/cnb/build-metadata.ts";
import { labelNames, parseLifecycleMetadata } from "../../src/cnb/label.ts";
import { envOf, labelsOf } from "../../src/oci/config.ts";
import { diffIdOfTar } from "../../src/oci/digest.ts";
import { withLayers } from "../../src/oci/image.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { exitCodeOf } from "../../src/std/fault.ts";
import type { StoredImage } from "../../src/store/contract.ts";
import { Bench } from "../support/flow.ts";
import { layerEntries } from "../support/tar-list.ts";

const bench = new Bench();
beforeAll(async () => {
  await bench.runImage("run", (config) => ({
    ...config,
    config: { ...config.config, Cmd: ["sleep"], ExposedPorts: { "80/tcp": {} }, Env: ["PATH=/usr/bin", "KEPT=1"] },
  }));
});

const lifecycle = (stored: StoredImage) => parseLifecycleMetadata(labelsOf(stored.image.config)[labelNames.lifecycle])!;
const layer = (name: string, types: string, content = name) =>
  `mkdir -p "$CNB_LAYERS_DIR/${name}"; echo "${content}" > "$CNB_LAYERS_DIR/${name}/file"; printf '[types]\\n${types}\\n[metadata]\\nkey="v"\\n' > "$CNB_LAYERS_DIR/${name}.toml"`;
const process = (type: string, more = "") =>
  `printf '[[processes]]\\ntype="${type}"\\ncommand=["true"]\\n${more}\\n' >> "$CNB_LAYERS_DIR/launch.toml"`;

describe("export phase", () => {
  it("EXPORT-005 EXPORT-007 EXPORT-033 FILE-062 LAYER-037 layers stand on the base in the reference's order", async () => {
    const a = bench.buildpack({
      id: "z/first",
      build: `${layer("b", "launch=true")}; ${layer("a", "launch=true")}; ${process("web")}`,
    });
    const b = bench.buildpack({ id: "a/second", build: layer("c", "launch=true") });
    await bench.look("run", async ({ image: below }) => {
      await using store = bench.store();
      const upper = await store.put(mediaTypes.oci.tar, [Buffer.alloc(2048)]);
      const history = [...below.config.history, { created_by: "upper" }];
      const two = withLayers({ ...below, config: { ...below.config, history } }, [
        ...below.layers,
        { diffId: diffIdOfTar(upper.digest), descriptor: upper },
      ]);
      await store.write(two, [parseReference("two:latest")], store);
    });
    const { report } = await bench.build([a, b], { image: "order", runImage: "two" });
    expect(report?.layers.map((item) => item.id)).toEqual([
      "z/first:a",
      "z/first:b",
      "a/second:c",
      "buildpacksio/lifecycle:launch.sbom",
      "slice-1",
      "buildpacksio/lifecycle:launcher",
      "buildpacksio/lifecycle:config",
      "buildpacksio/lifecycle:process-types",
    ]);
    const base = await bench.look("two", (stored) => stored.image.config.diffIds);
    expect(new Set(base).size).toBe(2);
    expect(await bench.look("order", (stored) => lifecycle(stored).runImage.topLayer)).toBe(base.at(-1));
    const image = await bench.look("order", (stored) => stored.image);
    expect(image.config.diffIds).toEqual([...base, ...report!.layers.map((item) => item.diffId)]);
    expect(image.layers.map((item) => item.diffId)).toEqual(image.config.diffIds);
    expect(image.config.history.map((entry) => entry.created_by)).toEqual([
      "base",
      "upper",
      "Layer: 'a', Created by buildpack: z/first@1.0.0",
      "Layer: 'b', Created by buildpack: z/first@1.0.0",
      "Layer: 'c', Created by buildpack: a/second@1.0.0",
      "Software Bill-of-Materials",
      "Application Layer",
      "Buildpacks Application Launcher",
      "Buildpacks Launcher Config",
      "Buildpacks Process Types",
    ]);
  });

  it("EXPORT-006 EXPORT-017 EXPORT-018 EXPORT-019 the base's config is kept but for environment, working directory and command", async () => {
    await bench.build([bench.buildpack({ id: "t/web", build: process("web", "default=true") })], {
      image: "config",
      sandbox: "namespace",
    });
    const { config } = await bench.look("config", (stored) => stored.image);
    expect(config.config.ExposedPorts).toEqual({ "80/tcp": {} });
    expect(config.config.User).toBe("1000:1000");
    expect(config.config.Cmd).toBeUndefined();
    expect(config.config.WorkingDir).toBe("/workspace");
    expect(config.config.Env).toEqual([
      "PATH=/cnb/process:/cnb/lifecycle:/usr/bin",
      "KEPT=1",
      "CNB_LAYERS_DIR=/layers",
      "CNB_APP_DIR=/workspace",
      "CNB_PLATFORM_API=0.15",
      "CNB_DEPRECATION_MODE=quiet",
    ]);
    expect(envOf(config, "CNB_APP_DIR")).toBe("/workspace");
  });

  it("EXPORT-012 EXPORT-013 EXPORT-014 EXPORT-015 the entrypoint is the type asked for, else the buildpacks' default, else the launcher", async () => {
    const bp = bench.buildpack({ id: "t/types", build: `${process("web", "default=true")}; ${process("worker")}` });
    const entrypoint = async (image: string) =>
      (await bench.look(image, (stored) => stored.image.config.config.Entrypoint))?.[0];
    await bench.build([bp], { image: "e1" });
    expect(await entrypoint("e1")).toBe("/cnb/process/web");
    await bench.build([bp], { image: "e2", defaultProcess: "worker" });
    expect(await entrypoint("e2")).toBe("/cnb/process/worker");
    const { fault } = await bench.build([bp], { image: "e3", defaultProcess: "nope" });
    expect(exitCodeOf(fault!)).toBe(62);
    await bench.build([bench.buildpack({ id: "t/none" })], { image: "e4" });
    expect(await entrypoint("e4")).toBe("/cnb/lifecycle/launcher");
  });

  it("PROC-004 a process type that is no name of a file ends with 62", async () => {
    const { fault } = await bench.build([bench.buildpack({ id: "t/up", build: process("..") })], { image: "up" });
    expect(fault).toMatchObject({ code: "process-type.name", exit: "export" });
  });

  it("EXPORT-009 EXPORT-010 EXPORT-011 EXPORT-032 EXPORT-035 app, launcher, config and process types as the reference lays them out", async () => {
    const { report } = await bench.build([bench.buildpack({ id: "t/lay", build: process("web") })], {
      image: "lay",
      sandbox: "namespace",
    });
    const id = (name: string) => report!.layers.find((item) => item.id.endsWith(name))!.diffId;
    await bench.look("lay", async (stored) => {
      const app = await layerEntries(stored, id("slice-1"));
      expect(app.map(({ name, uid, gid, mode }) => [name, uid, gid, mode])).toEqual([
        ["/workspace", 1000, 1000, 0o755],
        ["/workspace/file.txt", 1000, 1000, 0o644],
      ]);
      const launcher = await layerEntries(stored, id("launcher"));
      expect(launcher.map(({ name, uid, mode }) => [name, uid, mode])).toEqual([
        ["/cnb", 0, 0o755],
        ["/cnb/lifecycle", 0, 0o755],
        ["/cnb/lifecycle/launcher", 0, 0o755],
      ]);
      const config = await layerEntries(stored, id("config"));
      expect(config.map(({ name, uid, gid, mode }) => [name, uid, gid, mode])).toEqual([
        ["/layers", 1000, 1000, 0o755],
        ["/layers/config", 1000, 1000, 0o755],
        ["/layers/config/metadata.toml", 1000, 1000, 0o644],
      ]);
      expect(config.at(-1)!.text).toContain('type = "web"');
      const types = await layerEntries(stored, id("process-types"));
      expect(types.map(({ name, link }) => [name, link])).toEqual([
        ["/cnb", ""],
        ["/cnb/process", ""],
        ["/cnb/process/web", "/cnb/lifecycle/launcher"],
      ]);
    });
    const none = await bench.build([bench.buildpack({ id: "t/notypes" })], { image: "notypes" });
    expect(none.report!.layers.some((item) => item.id.endsWith("process-types"))).toBe(false);
  });

  it("EXPORT-020 EXPORT-037 FILE-060 FILE-061 FILE-062 FILE-063 FILE-064 FILE-065 FILE-068 the labels tell what the image is made of", async () => {
    const bp = bench.buildpack({
      id: "t/labels",
      build: `${layer("l", "launch=true")}; printf '[metadata]\\na=1\\n' > "$CNB_LAYERS_DIR/store.toml"; ${process("web", "default=true")}`,
    });
    const { report } = await bench.build([bp, bench.buildpack({ id: "t/empty" })], { image: "labels" });
    await bench.look("labels", (stored) => {
      const metadata = lifecycle(stored);
      const sha = (name: string) => report!.layers.find((item) => item.id.endsWith(name))!.diffId;
      expect(metadata.app).toEqual([{ sha: sha("slice-1") }]);
      expect(metadata).toMatchObject({
        sbom: { sha: sha("launch.sbom") },
        config: { sha: sha(":config") },
        launcher: { sha: sha(":launcher") },
        "process-types": { sha: sha("process-types") },
      });
      expect(metadata.buildpacks).toEqual([
        {
          key: "t/labels",
          version: "1.0.0",
          layers: { l: { sha: sha(":l"), data: { key: "v" }, build: false, launch: true, cache: false } },
          store: { metadata: { a: 1 } },
        },
        { key: "t/empty", version: "1.0.0", layers: {} },
      ]);
      const labels = labelsOf(stored.image.config);
      expect(parseBuildMetadata(labels[labelNames.build])).toMatchObject({
        buildpacks: [
          { id: "t/labels", version: "1.0.0" },
          { id: "t/empty", version: "1.0.0" },
        ],
        launcher: { version: expect.stringMatching(/^\d+\.\d+/) },
        processes: [{ type: "web" }],
        defaultProcessType: "web",
      });
      expect(labels[labelNames.project]).toBe("{}");
      expect(labels[labelNames.execEnv]).toBe("production");
      expect(labels["io.buildpacks.base.distro.name"]).toBe("debian");
    });
  });

  it("EXPORT-022 PROC-001 PROC-003 every buildpack's labels are set, the last buildpack's wins", async () => {
    const label = (value: string) =>
      ["k", value]
        .map((key) => `printf '[[labels]]\\nkey="${key}"\\nvalue="${value}"\\n' >> "$CNB_LAYERS_DIR/launch.toml"`)
        .join("; ");
    await bench.build(
      [bench.buildpack({ id: "t/l1", build: label("one") }), bench.buildpack({ id: "t/l2", build: label("two") })],
      { image: "label" },
    );
    const labels = await bench.look("label", (stored) => labelsOf(stored.image.config));
    expect(labels).toMatchObject({ k: "two", one: "one", two: "two" });
  });

  it("EXPORT-023 EXPORT-024 REPRO-002 times are constant, or the creation time that was asked for", async () => {
    const bp = bench.buildpack({ id: "t/time", build: layer("l", "launch=true") });
    await bench.build([bp], { image: "t1" });
    await bench.build([bp], { image: "t2", creationTime: 1_700_000_000 });
    expect(await bench.look("t1", (stored) => stored.image.config.created)).toBe("1980-01-01T00:00:01Z");
    expect(await bench.look("t2", (stored) => stored.image.config.created)).toBe("2023-11-14T22:13:20Z");
    expect(
      await bench.look("t2", (stored) =>
        stored.image.config.history.every((entry) => entry.created === "2023-11-14T22:13:20Z"),
      ),
    ).toBe(true);
    await bench.look("t1", async (stored) => {
      const { sha } = lifecycle(stored).buildpacks[0]!.layers["l"]!;
      const times = (await layerEntries(stored, sha)).map((entry) => entry.mtime);
      expect(new Set(times)).toEqual(new Set([315532801]));
    });
  });

  it("EXPORT-002 EXPORT-025 FILE-040 one image under every tag, and a report that lists them", async () => {
    const { report } = await bench.build([bench.buildpack({ id: "t/tags" })], {
      image: "tag",
      tags: ["tag:two", "other/name"],
      reportDirectory: `${bench.root}/out`,
    });
    expect(report?.names).toEqual(["tag", "tag:two", "other/name"]);
    const one = await bench.look("tag", (stored) => stored.identity);
    expect(await bench.look("other/name", (stored) => stored.identity)).toEqual(one);
    expect(bench.read("out/report.toml")).toContain(`digest = "${one.digest}"\n  manifest-size = ${one.size}\n`);
    const image = `oci:${bench.root}/tagged`;
    const tagged = await bench.build([bench.buildpack({ id: "t/tags" })], { image, tags: ["beside/it"] });
    expect(tagged.report?.names).toEqual([image, "beside/it"]);
    expect(await bench.look("beside/it", ({ identity }) => identity.imageId)).toBe(one.imageId);
  });

  it("SLICE-001 SLICE-006 SLICE-008 FILE-063 slices make app layers of their own, the rest one more", async () => {
    const slices = `mkdir static; echo s > static/a; printf '[[slices]]\\npaths=["static"]\\n[[slices]]\\npaths=["nothing*"]\\n' > "$CNB_LAYERS_DIR/launch.toml"`;
    const { report, lines } = await bench.build([bench.buildpack({ id: "t/slices", build: slices })], {
      image: "slices",
    });
    const made = report!.layers.filter((item) => item.id.startsWith("slice-"));
    expect(made).toHaveLength(3);
    expect(await bench.look("slices", (stored) => lifecycle(stored).app)).toEqual(
      made.map(({ diffId }) => ({ sha: diffId })),
    );
    expect(
      await bench.look("slices", ({ image }) => image.config.history.slice(2, 5).map((entry) => entry.created_by)),
    ).toEqual(["Application Slice: 1", "Application Slice: 2", "Application Slice: 3"]);
    expect(lines()).toContain("Added 3/3 app layer(s)");
    const again = await bench.build([bench.buildpack({ id: "t/slices", build: slices })], { image: "slices" });
    expect(again.lines()).toContain("Reused 3/3 app layer(s)");
  });

  it("EXPORT-008 SBOM-003 SBOM-005 SBOM-006 SBOM-008 SBOM files go to the image and to the user", async () => {
    const bp = bench.buildpack({
      id: "t/boms",
      info: 'sbom-formats = ["application/vnd.cyclonedx+json"]',
      build: `${layer("l", "launch=true")}; ${layer("b", "build=true")}; for n in l b launch build; do echo "{\\"n\\":\\"$n\\"}" > "$CNB_LAYERS_DIR/$n.sbom.cdx.json"; done`,
    });
    const { report } = await bench.build([bp], {
      image: "boms",
      sbomDirectory: `${bench.root}/sbom`,
      sandbox: "namespace",
    });
    const sbom = report!.layers.find((item) => item.id.endsWith("launch.sbom"))!;
    const entries = await bench.look("boms", (stored) => layerEntries(stored, sbom.diffId));
    expect(entries.filter((entry) => entry.type === "file").map((entry) => entry.name)).toEqual([
      "/layers/sbom/launch/sbom.legacy.json",
      "/layers/sbom/launch/t_boms/l/sbom.cdx.json",
      "/layers/sbom/launch/t_boms/sbom.cdx.json",
    ]);
    expect(entries.find((entry) => entry.name.endsWith("legacy.json"))!.text).toBe("null\n");
    expect(bench.read("sbom/build/t_boms/b/sbom.cdx.json")).toBe('{"n":"b"}\n');
    expect(bench.exists("sbom/cache")).toBe(false);
  });

  it("PROC-019 SBOM-008 legacy entries of launch.toml and of build.toml stay apart", async () => {
    const bom = (name: string) => `printf '[[bom]]\\nname="${name}"\\n' > "$CNB_LAYERS_DIR/${name}.toml"`;
    await bench.build([bench.buildpack({ id: "t/bom", build: `${bom("launch")}; ${bom("build")}` })], {
      image: "bom",
      sbomDirectory: `${bench.root}/legacy`,
    });
    for (const name of ["launch", "build"]) {
      const entries = JSON.parse(bench.read(`legacy/${name}/sbom.legacy.json`));
      expect(entries).toEqual([{ name, metadata: null, buildpack: { id: "t/bom", version: "1.0.0" } }]);
    }
  });
});

describe("layers across builds", () => {
  // Each build sees what the one before left; the buildpack says what it found.
  const found = 'ls "$CNB_LAYERS_DIR" | tr "\\n" " "; echo; ';

  it("LAYER-006 LAYER-007 LAYER-008 LAYER-009 LAYER-010 LAYER-011 LAYER-012 RESTORE-005 EXPORT-007 the matrix of flags", async () => {
    const names = ["", "l", "b", "c", "lb", "lc", "bc", "lbc"];
    const types = (name: string) =>
      [name.includes("l") && "launch=true", name.includes("b") && "build=true", name.includes("c") && "cache=true"]
        .filter(Boolean)
        .join("\\n");
    const make = names.map((name) => layer(`x${name}`, types(name))).join("; ");
    const bp = bench.buildpack({ id: "t/matrix", build: `${found}${make}` });
    const { report } = await bench.build([bp], { image: "matrix" });
    const inImage = report!.layers.flatMap(({ id }) =>
      id.startsWith("t/matrix:") ? [id.slice("t/matrix:".length)] : [],
    );
    expect(inImage).toEqual(["xl", "xlb", "xlbc", "xlc"]);
    const { output } = await bench.build([bp], { image: "matrix" });
    expect(output.trim().split(/\s+/).sort()).toEqual(
      ["xc", "xc.toml", "xlc", "xlc.toml", "xbc", "xbc.toml", "xlbc", "xlbc.toml", "xl.toml"].sort(),
    );
    const show = bench.buildpack({ id: "t/matrix", build: 'cat "$CNB_LAYERS_DIR/xlc.toml"' });
    expect((await bench.build([show], { image: "matrix" })).output).toBe('[metadata]\n  key = "v"\n');
  });

  it("LAYER-017 LAYER-018 LAYER-020 EXPORT-031 a layer is replaced, kept without contents, or dropped", async () => {
    const first = await bench.build(
      [
        bench.buildpack({
          id: "t/keep",
          build: `${layer("k", "launch=true")}; ${layer("d", "launch=true")}; ${layer("r", "launch=true")}; ${layer("u", "launch=true")}`,
        }),
      ],
      { image: "keep" },
    );
    const keep = bench.buildpack({
      id: "t/keep",
      build: `printf '[types]\\nlaunch=true\\n[metadata]\\nkey="new"\\n' > "$CNB_LAYERS_DIR/k.toml"; rm -f "$CNB_LAYERS_DIR/d.toml"; ${layer("r", "launch=true", "other")}; ${layer("u", "build=true")}`,
    });
    const second = await bench.build([keep], { image: "keep" });
    const sha = (outcome: typeof first, name: string) =>
      outcome.report!.layers.find((item) => item.id === `t/keep:${name}`)?.diffId;
    expect(sha(second, "k")).toBe(sha(first, "k"));
    expect(sha(second, "r")).not.toBe(sha(first, "r"));
    expect(sha(second, "d")).toBeUndefined();
    expect(sha(first, "u")).toBeDefined();
    expect(sha(second, "u")).toBeUndefined();
    expect(second.lines()).toContain("Reusing layer 't/keep:k'");
    expect(await bench.look("keep", (stored) => lifecycle(stored).buildpacks[0]!.layers["k"]!.data)).toEqual({
      key: "new",
    });
    await bench.look("keep", async (stored) => {
      expect((await layerEntries(stored, sha(first, "k")!)).at(-1)!.text).toBe("k\n");
    });
  });

  it("LAYER-019 LAYER-034 a layer whose contents are nowhere ends with 62", async () => {
    const toml = (types: string) => `printf '[types]\\n${types}\\n' > "$CNB_LAYERS_DIR/gone.toml"`;
    const none = await bench.build([bench.buildpack({ id: "t/gone", build: toml("launch=true") })], { image: "gone" });
    expect(exitCodeOf(none.fault!)).toBe(62);
    const cached = await bench.build([bench.buildpack({ id: "t/gone", build: toml("launch=true\\ncache=true") })], {
      image: "gone",
    });
    expect(exitCodeOf(cached.fault!)).toBe(62);
    expect(cached.fault!.message).toContain("it is cache=true but has no contents");
    const made = bench.buildpack({ id: "t/lost", build: layer("gone", "launch=true\\ncache=true") });
    expect((await bench.build([made], { image: "lost" })).fault).toBeUndefined();
    const remove = `rm -rf "$CNB_LAYERS_DIR/gone"; ${toml("launch=true\\ncache=true")}`;
    const lost = await bench.build([bench.buildpack({ id: "t/lost", build: remove })], { image: "lost" });
    expect(lost.fault!.message).toContain("it is cache=true but has no contents");
  });

  it("LAYER-021 a restored layer whose types are not set again is ignored", async () => {
    await bench.build([bench.buildpack({ id: "t/again", build: layer("c", "cache=true\\nlaunch=true") })], {
      image: "again",
    });
    const { report } = await bench.build([bench.buildpack({ id: "t/again", build: 'test -d "$CNB_LAYERS_DIR/c"' })], {
      image: "again",
    });
    expect(report!.layers.some((item) => item.id === "t/again:c")).toBe(false);
  });

  it("LAYER-013 LAYER-014 a cached launch layer comes back when the image has the same one, or no image is there", async () => {
    const bp = (build: string) => bench.buildpack({ id: "t/match", build: `${found}${build}` });
    await bench.build([bp(layer("m", "launch=true\\ncache=true", "one"))], { image: "match" });
    // The image moves on without the cache: a build of the same image with the cache of before.
    const { output: same } = await bench.build([bp(layer("m", "launch=true\\ncache=true", "one"))], { image: "match" });
    expect(same).toContain("m m.toml");
    await bench.build([bp(layer("m", "launch=true\\ncache=true", "two"))], { image: "other" });
    const { output, lines } = await bench.build([bp(layer("m", "launch=true\\ncache=true", "one"))], {
      image: "match",
      previousImage: "other",
    });
    expect(output).not.toContain("m.toml");
    expect(lines()).toContain('Removing "t/match:m", wrong sha');
    const { output: absent } = await bench.build([bp(layer("m", "launch=true\\ncache=true", "one"))], {
      image: "match",
      previousImage: "nowhere",
    });
    expect(absent).toContain("m m.toml");
  });

  it("LAYER-015 RESTORE-012 a damaged cache is said and done without, toml and contents alike", async () => {
    const bp = bench.buildpack({ id: "t/damage", build: `${found}${layer("c", "cache=true")}` });
    await bench.build([bp], { image: "damage" });
    const { events } = await bench.build([bp], { image: "damage" });
    const cached = events.find((event) => event.type === "layer" && event.action === "cache");
    const sha = cached?.type === "layer" ? cached.diffId.slice("sha256:".length) : "";
    execFileSync("sh", [
      "-c",
      `printf x | dd of="${bench.home}/store/blobs/sha256/${sha}" bs=1 seek=600 conv=notrunc 2>/dev/null`,
    ]);
    const { output, report, lines } = await bench.build([bp], { image: "damage" });
    expect(report).toBeDefined();
    expect(output).toBe("\n");
    expect(lines("warn").join()).toContain("Skipping restore for layer t/damage:c");
    expect((await bench.build([bp], { image: "damage" })).output).toBe("c c.toml \n");
  });

  it("EXPORT-030 LAYER-028 RESTORE-001 store.toml comes back on every build, even with a cleared cache", async () => {
    const bp = bench.buildpack({
      id: "t/store",
      build:
        'cat "$CNB_LAYERS_DIR/store.toml" 2>/dev/null || printf "[metadata]\\nseen=\\"yes\\"\\n" > "$CNB_LAYERS_DIR/store.toml"',
    });
    const empty = bench.buildpack({
      id: "t/empty-store",
      build: '[ -f "$CNB_LAYERS_DIR/store.toml" ] && echo an empty one too; : > "$CNB_LAYERS_DIR/store.toml"',
    });
    await bench.build([bp, empty], { image: "store" });
    const { output } = await bench.build([bp, empty], { image: "store", clearCache: true });
    expect(output).toContain('seen = "yes"');
    expect(output).toContain("an empty one too");
  });

  it("RESTORE-002 RESTORE-004 nothing comes back with a cleared cache, or to buildpacks that left the group", async () => {
    const bp = bench.buildpack({ id: "t/clear", build: `${found}${layer("c", "cache=true")}` });
    await bench.build([bp], { image: "clear" });
    expect((await bench.build([bp], { image: "clear", clearCache: true })).output).toBe("\n");
    const other = bench.buildpack({ id: "t/other", build: "ls /layers 2>/dev/null; true" });
    expect((await bench.build([other], { image: "clear", sandbox: "namespace" })).output).toBe("t_other\n");
  });

  it("LAYER-029 CACHE-008 a failing build leaves cache and image as they were", async () => {
    const good = bench.buildpack({ id: "t/fail", build: `${found}${layer("c", "cache=true")}` });
    await bench.build([good], { image: "fail" });
    const before = await bench.look("fail", (stored) => stored.identity);
    await bench.build([bench.buildpack({ id: "t/fail", build: 'rm -rf "$CNB_LAYERS_DIR"/*; exit 1' })], {
      image: "fail",
    });
    expect(await bench.look("fail", (stored) => stored.identity)).toEqual(before);
    expect((await bench.build([bench.buildpack({ id: "t/fail", build: found })], { image: "fail" })).output).toBe(
      "c c.toml \n",
    );
  });

  it("CACHE-006 CACHE-008 EXPORT-027 a layer for the cache alone is made while the image is exported, and a failing export leaves the old cache", async ({
    signal,
  }) => {
    const blobs = join(bench.home, "store/blobs/sha256");
    const isStored = (text: string) =>
      readdirSync(blobs).some((name) => readFileSync(join(blobs, name)).includes(text));
    let uploads = 0;
    // Takes no layer of the image before the layer of the cache is in the store; then none either.
    const registry = createServer(async ({ method = "", url = "" }, response) => {
      uploads += method === "POST" ? 1 : 0;
      const isTrial = method === "POST" && uploads === 1;
      while (method === "POST" && !isTrial && !signal.aborted && !isStored("what is new")) await later(5);
      const status = isTrial ? 202 : method === "DELETE" ? 204 : method === "POST" ? 403 : url === "/v2/" ? 200 : 404;
      response.writeHead(status, isTrial ? { location: "/v2/beside/blobs/uploads/1" } : {}).end();
    });
    await new Promise<void>((ready) => registry.listen(0, "127.0.0.1", ready));
    try {
      const image = `127.0.0.1:${(registry.address() as AddressInfo).port}/beside`;
      const make = (content: string) =>
        bench.buildpack({
          id: "t/beside",
          build: `cat "$CNB_LAYERS_DIR/c/file" || true; ${layer("c", "cache=true", content)}; ${layer("l", "launch=true")}`,
        });
      expect((await bench.build([make("what was there")], { image })).fault).toBeUndefined();
      const { fault } = await bench.build([make("what is new")], { image, output: "registry" });
      expect(fault?.code).toBe("registry.denied");
      expect(isStored("what is new")).toBe(true);
      expect((await bench.build([make("what is new")], { image })).output).toBe("what was there\n");
    } finally {
      registry.close();
    }
  });

  it("LAYER-035 CACHE-009 a cached layer without contents is not cached, and what is no longer cached is forgotten", async () => {
    const empty = await bench.build(
      [bench.buildpack({ id: "t/forget", build: 'printf "[types]\\ncache=true\\n" > "$CNB_LAYERS_DIR/e.toml"' })],
      { image: "forget" },
    );
    expect(empty.lines("warn")).toContain("Failed to cache layer 't/forget:e' because it has no contents");
    await bench.build([bench.buildpack({ id: "t/forget", build: layer("c", "cache=true") })], { image: "forget" });
    await bench.build([bench.buildpack({ id: "t/forget", build: 'rm -rf "$CNB_LAYERS_DIR"/c*' })], { image: "forget" });
    expect((await bench.build([bench.buildpack({ id: "t/forget", build: found })], { image: "forget" })).output).toBe(
      "\n",
    );
  });

  it("CACHE-009 what is no longer cached is neither named nor kept", async () => {
    const cache = { format: "bind", directory: join(bench.root, "forgotten") } as const;
    const kept = () => readdirSync(join(cache.directory, "committed")).filter((name) => name.endsWith(".tar"));
    const named = () => bench.read("forgotten/committed/io.buildpacks.lifecycle.cache.metadata").match(/"[ab]":/g);
    const build = (script: string) =>
      bench.build([bench.buildpack({ id: "t/fewer", build: script })], { image: "fewer", cache });
    await build(`${layer("a", "cache=true")}; ${layer("b", "cache=true")}`);
    expect([kept().length, named()]).toEqual([2, ['"a":', '"b":']]);
    await build(`rm -rf "$CNB_LAYERS_DIR"/a*; ${layer("b", "cache=true")}`);
    expect([kept().length, named()]).toEqual([1, ['"b":']]);
  });

  it("LAYER-029 new metadata of a cached layer is stored, though its contents are as they were", async () => {
    const build = async (script: string) =>
      (await bench.build([bench.buildpack({ id: "t/meta", build: script })], { image: "meta" })).output;
    await build(layer("c", "cache=true"));
    await build(`printf '[types]\\ncache=true\\n[metadata]\\nkey="new"\\n' > "$CNB_LAYERS_DIR/c.toml"`);
    expect(await build('cat "$CNB_LAYERS_DIR/c.toml"')).toBe('[metadata]\n  key = "new"\n');
  });

  it("SBOM-011 SBOM-014 SBOM-016 a layer's SBOM comes back with it", async () => {
    const info = 'sbom-formats = ["application/vnd.cyclonedx+json"]';
    const sbom = 'for n in c launch; do echo "{}" > "$CNB_LAYERS_DIR/$n.sbom.cdx.json"; done';
    await bench.build([bench.buildpack({ id: "t/back", info, build: `${layer("c", "cache=true")}; ${sbom}` })], {
      image: "back",
    });
    expect((await bench.build([bench.buildpack({ id: "t/back", info, build: found })], { image: "back" })).output).toBe(
      "c c.sbom.cdx.json c.toml \n",
    );
  });

  it("SBOM-016 a reused layer has the SBOM that came back, unless the build removes it", async () => {
    const info = 'sbom-formats = ["application/vnd.cyclonedx+json"]';
    const build = (script: string) =>
      bench.build([bench.buildpack({ id: "t/reused", info, build: script })], { image: "reused" });
    const described = () =>
      bench.look("reused", async (stored) => {
        const entries = await layerEntries(stored, lifecycle(stored).sbom!.sha);
        return entries.some(({ name }) => name.endsWith("/t_reused/l/sbom.cdx.json"));
      });
    const keep = `printf '[types]\\nlaunch=true\\n' > "$CNB_LAYERS_DIR/l.toml"`;
    await build(`${layer("l", "launch=true")}; echo "{}" > "$CNB_LAYERS_DIR/l.sbom.cdx.json"`);
    const { report } = await build(keep);
    expect(report!.layers.find(({ id }) => id === "t/reused:l")!.action).toBe("reuse");
    expect(await described()).toBe(true);
    await build(`${keep}; rm "$CNB_LAYERS_DIR/l.sbom.cdx.json"`);
    expect(await described()).toBe(false);
  });

  it("ANALYZE-014 ANALYZE-016 a corrupt previous image, or one with a garbled label, is as good as none", async () => {
    const bp = bench.buildpack({ id: "t/corrupt", build: layer("l", "launch=true") });
    await bench.build([bp], { image: "corrupt" });
    const { identity } = await bench.look("corrupt", (stored) => stored);
    rmSync(`${bench.home}/store/blobs/sha256/${identity.imageId.slice("sha256:".length)}`);
    const { report, lines } = await bench.build([bp], { image: "corrupt" });
    expect(report?.imageId).toBe(identity.imageId);
    expect(lines().join("\n")).toContain('Ignoring image "corrupt" because it was corrupt');
    for (const [name, label] of [
      ["garbled", "{ no JSON"],
      ["other", '["no object"]'],
      ["bare", undefined],
    ] as const) {
      await bench.runImage(name, (config) => ({
        ...config,
        config: { ...config.config, Labels: label ? { "io.buildpacks.lifecycle.metadata": label } : {} },
      }));
      const again = await bench.build([bp], { image: name });
      expect([name, again.fault?.message, again.report?.imageId]).toEqual([name, undefined, identity.imageId]);
    }
  });

  it("ANALYZE-005 ANALYZE-007 RUNIMG-002 a missing run image ends the build before anything runs", async () => {
    const { fault, events } = await bench.build([bench.buildpack({ id: "t/norun" })], { runImage: "nowhere/run" });
    expect(fault?.message).toBe("Cannot read run image nowhere/run: it is not in the local store");
    expect(exitCodeOf(fault!)).toBe(32);
    expect(events.some((event) => event.type === "output")).toBe(false);
  });

  it("ANALYZE-006 ANALYZE-007 a tag that may not be written and a previous image that may not be read end it in analyze", async () => {
    // Lets who asks begin an upload to any repository but one, and read nothing.
    const registry = createServer(({ method = "", url = "" }, response) => {
      const isTrial = method === "POST" && !url.startsWith("/v2/closed/");
      const status = isTrial ? 202 : method === "DELETE" ? 204 : url === "/v2/" ? 200 : 403;
      response.writeHead(status, isTrial ? { location: "/v2/open/blobs/uploads/1" } : {}).end();
    });
    await new Promise<void>((ready) => registry.listen(0, "127.0.0.1", ready));
    try {
      const host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
      const publish = async (tags: readonly string[]) => {
        const options = { image: `${host}/open`, tags, output: "registry" } as const;
        const { fault, events } = await bench.build([bench.buildpack({ id: "t/closed" })], options);
        expect(fault).toMatchObject({ code: "registry.denied", exit: "analyze" });
        expect(events.some((event) => event.type === "phase" && event.phase === "detect")).toBe(false);
        return fault!.message;
      };
      expect(await publish([`${host}/closed`])).toMatch(/^Cannot push to .*, repository closed:/);
      expect(await publish([])).toMatch(/^Cannot pull from .*, repository open:/);
    } finally {
      registry.close();
    }
  });

  it("IMG-005 a run image for another architecture is refused", async () => {
    await bench.runImage("foreign", (config) => ({ ...config, architecture: "s390x" }));
    const { fault } = await bench.build([bench.buildpack({ id: "t/arch" })], { runImage: "foreign" });
    expect(exitCodeOf(fault!)).toBe(32);
    expect(fault!.message).toContain("linux/s390x");
  });
});
