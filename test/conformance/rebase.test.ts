import { describe, expect, it } from "vitest";
import { baseEnd } from "../../src/cnb/base-end.ts";
import { type LifecycleMetadata, labelNames } from "../../src/cnb/label.ts";
import { ownAnnotations, withOwnAnnotations } from "../../src/cnb/own-label.ts";
import { swapBase } from "../../src/cnb/rebase.ts";
import { lifecycleOf, type RebaseQuestion, rebaseNotes, recordedRunImage, refusals } from "../../src/cnb/refusal.ts";
import { type ImageConfig, labelsOf } from "../../src/oci/config.ts";
import type { DiffId } from "../../src/oci/digest.ts";
import { documentsOf, type Image } from "../../src/oci/image.ts";
import { type AppContents, appImage, contentsOf, diffIdAt, runImage } from "../support/app-image.ts";
import { faultOf } from "../support/fault.ts";

const oldBase = runImage(["a", "b"]);
const newBase = runImage(["a2", "b2", "c2"], { "io.buildpacks.base.id": "new", "io.buildpacks.stack.id": "s" });
const app = appImage(oldBase);
const own = ["bp", "sbom", "app", "launcher", "config", "types"];
const all = ["a", "b", "a2", "b2", "c2", "ext", "", ...own];
const recorded = "run.example/base:1";
const record = { name: recorded, reference: "run.example/base@sha256:new" };

function codes(question: Partial<RebaseQuestion>): readonly string[] {
  return refusals({ app, newBase, runImageName: recorded, ...question }).map((refusal) => refusal.code);
}

function rebased(from: Image, to: Image, name = recorded): Image {
  return swapBase(from, to, { ...record, name });
}

describe("which rebases are refused", () => {
  it("REBASE-001 a safe one is not", () => {
    expect(codes({})).toEqual([]);
  });

  it("REBASE-002 one whose top layer is not in the image, and force does not help", () => {
    const lost = appImage(oldBase, {
      metadata: (metadata) => ({ ...metadata, runImage: { ...metadata.runImage, topLayer: diffIdAt("gone") } }),
    });
    const [refusal] = refusals({ app: lost, newBase, runImageName: recorded });
    expect(refusal).toMatchObject({ code: "rebase.base-missing", overridable: false });
    expect(refusal!.found).toContain(diffIdAt("gone"));
    expect(faultOf(() => rebased(lost, newBase)).exit).toBe("rebase");
  });

  it.each([undefined, "", "{"])("REBASE-002 one without readable metadata: %j", (text) => {
    const config = { ...app.config.config, Labels: text === undefined ? {} : { [labelNames.lifecycle]: text } };
    const bare = { ...app, config: { ...app.config, config } };
    expect(codes({ app: bare })).toEqual(["rebase.no-metadata"]);
  });

  it("REBASE-006 one of an image marked as not rebasable; a missing mark is fine", () => {
    const marked = (value: string) => codes({ app: appImage(oldBase, { labels: { [labelNames.rebasable]: value } }) });
    expect([marked("false"), marked("true"), marked("")]).toEqual([["rebase.not-rebasable"], [], []]);
  });

  it.each<[string, Partial<ImageConfig>, readonly string[]]>([
    ["os", { os: "windows" }, ["rebase.platform"]],
    ["architecture", { architecture: "arm64" }, ["rebase.platform"]],
  ])("REBASE-007 another platform: %s", (_what, more, expected) => {
    expect(codes({ newBase: runImage(["a2"], {}, more) })).toEqual(expected);
  });

  it("REBASE-007 another variant", () => {
    const arm = (variant: string) => runImage(["a"], {}, { architecture: "arm", variant });
    expect(codes({ app: appImage(arm("v7")), newBase: arm("v6") })).toEqual(["rebase.platform"]);
    expect(codes({ app: appImage(arm("v7")), newBase: arm("v7") })).toEqual([]);
    const any = runImage(["a"], {}, { architecture: "arm" });
    expect([
      codes({ app: appImage(arm("v7")), newBase: any }),
      codes({ app: appImage(any), newBase: arm("v7") }),
    ]).toEqual([[], []]);
  });

  it.each<[Record<string, string>, readonly string[]]>([
    [{ [labelNames.distroVersion]: "26.04" }, ["rebase.distro"]],
    [{ [labelNames.distroName]: "debian" }, ["rebase.distro"]],
    [{ [labelNames.distroVersion]: "" }, []],
    [{ [labelNames.distroName]: "", [labelNames.distroVersion]: "" }, []],
  ])("REBASE-007 another distribution: %j", (labels, expected) => {
    expect(codes({ newBase: runImage(["a2"], labels) })).toEqual(expected);
  });

  it("REBASE-007 a distribution where the app's is unknown", () => {
    const unknown = { [labelNames.distroName]: "", [labelNames.distroVersion]: "" };
    expect(codes({ app: appImage(runImage(["a"], unknown)) })).toEqual(["rebase.distro"]);
  });

  it.each([
    ["other.example/base:1", ["rebase.run-image"]],
    ["run.example/other:1", ["rebase.run-image"]],
    ["mirror.example/m:1", []],
    [`run.example/base:1@sha256:${"a".repeat(64)}`, []],
    ["run.example/base:2", []],
    [`run.example/base@sha256:${"a".repeat(64)}`, []],
  ])("REBASE-009 REBASE-020 a run image by the name %s", (runImageName, expected) => {
    const names = { image: recorded, mirrors: ["mirror.example/m:1"] };
    expect(codes({ app: appImage(oldBase, { names }), runImageName })).toEqual(expected);
  });

  it("REBASE-009 another tag counts only when the labels prove the distribution", () => {
    const unknown = { [labelNames.distroName]: "", [labelNames.distroVersion]: "" };
    const partly = { [labelNames.distroVersion]: "" };
    const runImageName = "run.example/base:2";
    expect(codes({ newBase: runImage(["x"], unknown), runImageName })).toEqual(["rebase.run-image"]);
    expect(codes({ newBase: runImage(["x"], partly), runImageName })).toEqual(["rebase.run-image"]);
    expect(codes({ app: appImage(runImage(["a"], unknown)), newBase: runImage(["x"], unknown), runImageName })).toEqual(
      ["rebase.run-image"],
    );
    const newer = runImage(["x"], { [labelNames.distroVersion]: "26.04" });
    expect(codes({ newBase: newer, runImageName })).toEqual(["rebase.distro", "rebase.run-image"]);
    expect(rebaseNotes({ app, newBase, runImageName })).toEqual([
      "run.example/base:2 is another tag of the recorded run image run.example/base:1, for the same ubuntu 24.04; it becomes the recorded one",
    ]);
    expect(rebaseNotes({ app, newBase, runImageName: recorded })).toEqual([]);
  });

  it("REBASE-009 an image that records no run image accepts none by name", () => {
    const [refusal] = refusals({ app: appImage(oldBase, { names: {} }), newBase, runImageName: recorded });
    expect(refusal!.found).toBe(`new base image '${recorded}' not found in existing run image metadata: not found`);
  });

  it("every reason says what was found, and what to do about it", () => {
    const said = (question: Partial<RebaseQuestion>) =>
      refusals({ app, newBase, runImageName: recorded, ...question }).map(({ found, hint, overridable }) => [
        found,
        hint,
        overridable,
      ]);
    expect(said({ app: appImage(oldBase, { labels: { [labelNames.rebasable]: "false" } }) })).toEqual([
      ["app image is not marked as rebasable", expect.stringContaining("--force"), true],
    ]);
    expect(said({ newBase: runImage([]) })).toEqual(
      expect.arrayContaining([[`${recorded} has no layers`, "choose another run image", false]]),
    );
    const lost = said({ app: { ...app, config: { ...app.config, config: {} } } });
    expect(lost).toEqual([
      [
        `it has no label ${labelNames.lifecycle} we can read`,
        "only images that buildpacks built can be rebased",
        false,
      ],
    ]);
    const foreign = said({ runImageName: "elsewhere.example/x:1" });
    expect(foreign[0]![0]).toMatch(
      /^new base image 'elsewhere\.example\/x:1' not found in existing run image metadata: \{"image":"/,
    );
  });

  it("REBASE-011 an old image's run image is named by its stack", () => {
    const old: AppContents = {
      metadata: ({ runImage: { image: _, ...rest }, ...metadata }) => ({ ...metadata, runImage: rest }),
    };
    const image = appImage(oldBase, old);
    expect(codes({ app: image })).toEqual([]);
    expect(recordedRunImage(lifecycleOf(image.config)!)).toMatchObject({ image: recorded });
    expect(recordedRunImage(lifecycleOf(appImage(oldBase, { names: {} }).config)!)).toBeUndefined();
  });

  it.each<[string, Record<string, string>, Record<string, string>, readonly string[]]>([
    ["same", { "io.buildpacks.stack.id": "s" }, { "io.buildpacks.stack.id": "s" }, []],
    ["other", { "io.buildpacks.stack.id": "s" }, { "io.buildpacks.stack.id": "t" }, ["rebase.stack"]],
    ["none on the app", {}, { "io.buildpacks.stack.id": "s" }, ["rebase.stack"]],
    ["none on the base", { "io.buildpacks.stack.id": "s" }, {}, ["rebase.stack"]],
    [
      "mixin gone",
      { "io.buildpacks.stack.id": "s", "io.buildpacks.stack.mixins": '["git","build:make","run:curl"]' },
      { "io.buildpacks.stack.id": "s", "io.buildpacks.stack.mixins": '["git","curl"]' },
      ["rebase.mixins"],
    ],
    [
      "mixins there",
      { "io.buildpacks.stack.id": "s", "io.buildpacks.stack.mixins": '["git","build:make"]' },
      { "io.buildpacks.stack.id": "s", "io.buildpacks.stack.mixins": '["run:git","make","more"]' },
      [],
    ],
  ])("REBASE-018 an image of Platform API 0.11 is judged by its stack: %s", (_what, on, to, expected) => {
    const older = appImage(runImage(["a"], on));
    const Env = older.config.config.Env!.map((entry) =>
      entry.replace("CNB_PLATFORM_API=0.15", "CNB_PLATFORM_API=0.11"),
    );
    const config = { ...older.config, config: { ...older.config.config, Env } };
    const found = refusals({ app: { ...older, config }, newBase: runImage(["x"], to), runImageName: recorded });
    expect(found.map((refusal) => refusal.code)).toEqual(expected);
    expect(found.some((refusal) => refusal.overridable)).toBe(false);
  });

  it("says all reasons at once, and of each whether force overrides it", () => {
    const question = {
      app: appImage(oldBase, { labels: { [labelNames.rebasable]: "false" } }),
      newBase: runImage(["x"], { [labelNames.distroVersion]: "26.04" }, { architecture: "arm64" }),
      runImageName: "other.example/x",
    };
    const found = refusals(question);
    expect(found.map((refusal) => refusal.code)).toEqual([
      "rebase.not-rebasable",
      "rebase.platform",
      "rebase.distro",
      "rebase.run-image",
    ]);
    expect(found.every((refusal) => refusal.overridable)).toBe(true);
    expect(found[1]!.found).toContain("other.example/x is for linux/arm64, the image for linux/amd64");
    expect(found[2]!.found).toContain("other.example/x is ubuntu 26.04, the image stands on ubuntu 24.04");
  });
});

describe("what a rebase makes", () => {
  const result = rebased(app, newBase);

  it("REBASE-003 the new run image's layers, then the app's own in order", () => {
    expect(contentsOf(result, all)).toEqual(["a2", "b2", "c2", ...own]);
    expect(result.layers.slice(3)).toEqual(app.layers.slice(2));
    expect(result.config.diffIds).toEqual(result.layers.map((layer) => layer.diffId));
  });

  it("REBASE-004 REBASE-021 the label names the new run image, and nothing the old one", () => {
    expect(lifecycleOf(result.config)!.runImage).toEqual({
      topLayer: diffIdAt("c2"),
      reference: record.reference,
      image: recorded,
    });
    expect(documentsOf(result).configText).not.toContain("sha256:old");
    expect(documentsOf(result).configText).not.toContain(diffIdAt("b"));
  });

  it("REBASE-005 labels about stack and base come from the new one, and only they", () => {
    const from = appImage(
      runImage(["a"], { "io.buildpacks.base.id": "old", "io.buildpacks.base.released": "y", kept: "1" }),
    );
    const to = runImage(["b"], { "io.buildpacks.base.id": "new", "io.buildpacks.stack.id": "s", other: "2" });
    expect(labelsOf(rebased(from, to).config)).toMatchObject({
      "io.buildpacks.base.id": "new",
      "io.buildpacks.stack.id": "s",
      kept: "1",
    });
    expect(labelsOf(rebased(from, to).config)).not.toHaveProperty(["io.buildpacks.base.released"]);
    expect(labelsOf(rebased(from, to).config)).not.toHaveProperty(["other"]);
  });

  it("REBASE-008 the platform is the new run image's", () => {
    const to = runImage(["x"], {}, { os: "linux", architecture: "arm64", variant: "v8", "os.version": "1" });
    expect(rebased(app, to).config).toMatchObject({ os: "linux", architecture: "arm64", "os.version": "1" });
    expect(rebased(app, to).config).not.toHaveProperty("variant");
  });

  it("REBASE-010 REBASE-021 a name that was not recorded replaces the recorded ones and their mirrors", () => {
    const names = { image: recorded, mirrors: ["mirror.example/m:1"] };
    const moved = rebased(appImage(oldBase, { names }), newBase, "other.example/x:1");
    const metadata = lifecycleOf(moved.config)!;
    for (const name of [recorded, ...names.mirrors]) expect(documentsOf(moved).configText).not.toContain(name);
    expect(metadata.runImage).toMatchObject({ image: "other.example/x:1" });
    expect(metadata.runImage).not.toHaveProperty("mirrors");
    expect(metadata.stack).toEqual({ runImage: { image: "other.example/x:1" } });
    const same = lifecycleOf(rebased(appImage(oldBase, { names }), newBase, "mirror.example/m:1").config)!;
    expect(same.runImage).toMatchObject(names);
    expect(same.stack).toEqual({ runImage: names });
  });

  it("REBASE-014 the rest of the config stays", () => {
    const { Labels: oldLabels, ...config } = app.config.config;
    const { Labels: newLabels, ...kept } = result.config.config;
    expect(kept).toEqual(config);
    expect(Object.keys(newLabels!)).toEqual(expect.arrayContaining(Object.keys(oldLabels!)));
  });

  it("REBASE-015 the time is constant, and there is one history entry for each layer", () => {
    const created = "1980-01-01T00:00:01Z";
    expect(result.config.created).toBe(created);
    expect(result.config.history).toEqual(result.layers.map(() => ({ created })));
    const dated = rebased({ ...app, config: { ...app.config, created: "2023-11-14T22:13:20Z" } }, newBase);
    expect(dated.config.created).toBe(created);
  });

  it("REBASE-022 keys we do not know stay, and an app in an old shape passes through", () => {
    const strange = appImage(oldBase, {
      metadata: (metadata) =>
        ({
          ...metadata,
          "exec-env": "test",
          app: { sha: diffIdAt("app") },
          buildpacks: metadata.buildpacks.map((one) => ({ ...one, note: { z: 1, a: 2 } })),
          runImage: { ...metadata.runImage, digest: "x" },
        }) as typeof metadata,
    });
    const label = labelsOf(rebased(strange, newBase).config)[labelNames.lifecycle]!;
    expect(JSON.parse(label)).toMatchObject({
      "exec-env": "test",
      app: { sha: diffIdAt("app") },
      buildpacks: [{ key: "a", note: { z: 1, a: 2 } }],
      runImage: { digest: "x", reference: record.reference },
    });
  });

  it("keeps the app's family, and takes the new run image's annotations where the family has any", () => {
    const annotated = { ...newBase, annotations: { "org.opencontainers.image.version": "2" } };
    const before = {
      ...app,
      annotations: { "org.opencontainers.image.version": "1", "org.opencontainers.image.revision": "r" },
    };
    expect(rebased(before, annotated)).toMatchObject({ family: "oci", annotations: annotated.annotations });
    expect(rebased(before, newBase)).not.toHaveProperty("annotations");
    expect(rebased({ ...before, family: "docker" }, annotated)).not.toHaveProperty("annotations");
    expect(rebased({ ...before, family: "docker" }, annotated).family).toBe("docker");
  });

  it("keeps the annotations that the user has set, and no others of the old run image", () => {
    const own = { "org.opencontainers.image.title": "ours", "org.opencontainers.image.version": "app" };
    const annotations = withOwnAnnotations({ "org.opencontainers.image.revision": "r" }, own)!;
    const annotated = { ...newBase, annotations: { "org.opencontainers.image.version": "2", a: "b" } };
    const once = rebased({ ...app, annotations }, annotated);
    expect(once.annotations).toMatchObject({ ...own, a: "b" });
    expect(once.annotations).not.toHaveProperty("org.opencontainers.image.revision");
    expect(ownAnnotations(once.annotations)).toEqual(own);
    expect(ownAnnotations({ "plinth.annotations": "{", b: "c" })).toEqual({});
  });
});

describe("REBASE-002 where the run image ends", () => {
  const end = (image: Image, old?: Image) =>
    baseEnd(image.config.diffIds, lifecycleOf(image.config)!, old?.config.diffIds);

  it("a base that repeats its top layer is cut after the last one", () => {
    expect(end(appImage(runImage(["a", "top", "b", "top"])))).toEqual({ kind: "found", length: 4 });
  });

  it("an empty slice like the base's empty top layer stays with the app", () => {
    expect(end(appImage(runImage(["a", ""]), { slices: ["", "app"] }))).toEqual({ kind: "found", length: 2 });
    const result = rebased(appImage(runImage(["a", ""]), { slices: ["", "app"] }), newBase);
    expect(contentsOf(result, all)).toEqual(["a2", "b2", "c2", "bp", "sbom", "", "app", "launcher", "config", "types"]);
  });

  it("layers of extensions stay with the app", () => {
    const extended = appImage(runImage(["a", "b"]), { extension: ["ext"] });
    expect(end(extended)).toEqual({ kind: "found", length: 2 });
    expect(contentsOf(rebased(extended, newBase), all)).toEqual(["a2", "b2", "c2", "ext", ...own]);
  });

  /** Metadata of another shape: it does not account for the app's layers. */
  const opaque: AppContents = { metadata: (metadata) => ({ ...metadata, app: "old shape" }) };

  it("metadata that lists more layers than there are, or none, decides nothing", () => {
    const listing = (shas: readonly string[]): LifecycleMetadata => {
      const metadata = lifecycleOf(appImage(runImage(["a", "b"])).config)!;
      const none = { sha: "" };
      return {
        ...metadata,
        app: shas.map((sha) => ({ sha })),
        buildpacks: [],
        config: none,
        launcher: none,
        "process-types": none,
        sbom: none,
        runImage: { ...metadata.runImage, topLayer: "top" },
      };
    };
    const ids = (...names: string[]) => names as DiffId[];
    expect(baseEnd(ids("top", "x"), listing(["x", "y", "z"]))).toEqual({ kind: "found", length: 1 });
    expect(baseEnd(ids("top", "x", "top"), listing(["x", "y", "z", "z"]))).toEqual({ kind: "ambiguous", times: 2 });
    expect(baseEnd(ids("top", "x", "top"), listing([]))).toEqual({ kind: "ambiguous", times: 2 });
    expect(baseEnd(ids("top", "x"), listing([]))).toEqual({ kind: "found", length: 1 });
    // All that is there is the app's: the recorded layer is above where a base could end.
    expect(baseEnd(ids("top", "x"), listing(["top", "x"]))).toEqual({ kind: "found", length: 1 });
    expect(baseEnd(ids("x"), listing(["x"]))).toEqual({ kind: "missing" });
  });

  it("metadata that does not account for the app's layers decides only without doubt", () => {
    expect(end(appImage(runImage(["a", "b"]), opaque))).toEqual({ kind: "found", length: 2 });
    const doubtful = appImage(runImage(["a", "top", "b", "top"]), opaque);
    expect(end(doubtful)).toEqual({ kind: "ambiguous", times: 2 });
    expect(codes({ app: doubtful })).toEqual(["rebase.base-ambiguous"]);
  });

  it("the old run image at hand decides, if it is the one below", () => {
    const old = runImage(["a", "top", "b", "top"]);
    const doubtful = appImage(old, opaque);
    expect(end(doubtful, old)).toEqual({ kind: "found", length: 4 });
    expect(codes({ app: doubtful, oldBase: old })).toEqual([]);
    expect(end(doubtful, runImage(["x", "top"]))).toEqual({ kind: "ambiguous", times: 2 });
    expect(end(doubtful, runImage(["a"]))).toEqual({ kind: "ambiguous", times: 2 });
  });

  it("a new run image without layers is refused", () => {
    expect(codes({ newBase: runImage([]) })).toEqual(["rebase.base-empty"]);
  });
});
