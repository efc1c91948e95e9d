import { describe, expect, it } from "vitest";
import {
  defaultRunImage,
  isSameRunImage,
  runImageCandidates,
  runImageRecord,
  targetOf,
} from "../../src/cnb/run-image.ts";
import { formatReference } from "../../src/oci/reference.ts";
import { runImageNamesFor } from "../../src/reach/run-image.ts";
import { faultOf } from "../support/fault.ts";

const images = [
  { image: "first.example/run:1", mirrors: ["mirror.example/run:1"] },
  { image: "second.example/run:2", mirrors: [] },
];

describe("choosing a run image", () => {
  const names = { image: "a.example/run:1", mirrors: ["b.example/run:1", "c.example/run:1", "b.example/other:1"] };

  it("RUNIMG-001 names on the app's registry are tried first", () => {
    expect(runImageCandidates(names, "b.example")).toEqual([
      "b.example/run:1",
      "b.example/other:1",
      "a.example/run:1",
      "c.example/run:1",
    ]);
    expect(runImageCandidates({ image: "x.example/run", mirrors: ["busybox"] }, "docker.io")[0]).toBe("busybox");
  });

  it("RUNIMG-002 the others follow in order", () => {
    const given = [names.image, ...names.mirrors];
    expect(runImageCandidates(names, "elsewhere.example")).toEqual(given);
    expect(runImageCandidates(names, undefined)).toEqual(given);
    expect(runImageCandidates({}, "b.example")).toEqual([]);
  });

  it("RUNIMG-001 the user's own mirrors come before the image, and those on the app's registry before all", () => {
    const own = { "index.docker.io/a/run": ["own.example/run", "near.example/run"], "other/run": ["no.example/run"] };
    const listed = { image: "a/run:latest", mirrors: ["m.example/run"] };
    const texts = (registry?: string) => runImageNamesFor(listed, own, registry).map(formatReference);
    expect(texts("near.example")).toEqual([
      "near.example/run:latest",
      "own.example/run:latest",
      "docker.io/a/run:latest",
      "m.example/run:latest",
    ]);
    expect(texts()[0]).toBe("own.example/run:latest");
    expect(runImageNamesFor({ image: "Not A Name" }, own, undefined)).toEqual([]);
  });

  it("ANALYZE-008 the first run image is the default, and there must be one", () => {
    expect(defaultRunImage(images).image).toBe("first.example/run:1");
    expect(faultOf(() => defaultRunImage([])).exit).toBe("analyze");
  });
});

describe("what the label says of a run image", () => {
  it.each(["first.example/run:1", "mirror.example/run:1", `first.example/run:1@sha256:${"a".repeat(64)}`])(
    "RUNIMG-003 FILE-066 the entry that mentions it: %s",
    (name) => {
      expect(runImageRecord(images, name)).toEqual({ image: "first.example/run:1", mirrors: ["mirror.example/run:1"] });
    },
  );

  it("RUNIMG-003 an entry without mirrors has no key for them", () => {
    expect(runImageRecord(images, "second.example/run:2")).toEqual({ image: "second.example/run:2" });
  });

  it("RUNIMG-003 else the first entry, and nothing without entries", () => {
    expect(runImageRecord(images, "other.example/run:1").image).toBe("first.example/run:1");
    expect(runImageRecord([], "other.example/run:1")).toEqual({});
  });

  it("RUNIMG-004 one an extension switched to is recorded by its name alone", () => {
    expect(runImageRecord(images, "other.example/run:1", { extended: true })).toEqual({ image: "other.example/run:1" });
    expect(runImageRecord(images, "mirror.example/run:1", { extended: true }).image).toBe("first.example/run:1");
  });

  it.each([
    ["busybox", "docker.io/library/busybox:latest", true],
    ["index.docker.io/library/busybox", "busybox:latest", true],
    ["busybox:1", "busybox", false],
    [`busybox:1@sha256:${"a".repeat(64)}`, "busybox:1", true],
    [`busybox@sha256:${"a".repeat(64)}`, `busybox@sha256:${"b".repeat(64)}`, true],
    ["a.example/x:1", "b.example/x:1", false],
    ["Not A Name", "Not A Name", true],
    ["Not A Name", "busybox", false],
  ])("REBASE-020 names are compared in full: %s and %s", (a, b, same) => {
    expect(isSameRunImage(a, b)).toBe(same);
  });
});

describe("the target of a run image", () => {
  it("ANALYZE-015 IMG-007 IMG-008 comes from config and labels", () => {
    const config = {
      architecture: "arm",
      os: "linux",
      variant: "v7",
      history: [],
      diffIds: [],
      config: {
        Labels: {
          "io.buildpacks.base.id": "my.base",
          "io.buildpacks.base.distro.name": "debian",
          "io.buildpacks.base.distro.version": "12",
        },
      },
    };
    expect(targetOf(config)).toEqual({
      os: "linux",
      arch: "arm",
      variant: "v7",
      id: "my.base",
      distro: { name: "debian", version: "12" },
    });
    expect(targetOf({ architecture: "amd64", os: "linux", history: [], diffIds: [], config: {} })).toEqual({
      os: "linux",
      arch: "amd64",
    });
  });
});
