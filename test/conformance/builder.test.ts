import { describe, expect, it } from "vitest";
import { buildConfigFiles, checkModule, closeOrder, parseBuilder } from "../../src/cnb/builder.ts";
import { faultOf } from "../support/fault.ts";

const parse = (text: string) => parseBuilder(text, "builder.toml");
const images = '[build]\nimage = "build"\n[[run.images]]\nimage = "run"\nmirrors = ["m"]\n';

const paketo = `
description = "Base builder"

[[buildpacks]]
  uri = "docker://docker.io/paketobuildpacks/java:17.1.0"
  version = "17.1.0"

[[buildpacks]]
  uri = "docker://docker.io/paketobuildpacks/go:4.14.0"
  version = "4.14.0"

[lifecycle]
  version = "0.20.7"

[[order]]

  [[order.group]]
    id = "paketo-buildpacks/java"
    version = "17.1.0"

[stack]
  build-image = "docker.io/paketobuildpacks/build-jammy-base:0.1.2"
  id = "io.buildpacks.stacks.jammy"
  run-image = "index.docker.io/paketobuildpacks/run-jammy-base:latest"
  run-image-mirrors = ["gcr.io/paketo-buildpacks/run-jammy-base:latest"]
`;

const heroku = `
description = "Ubuntu 24.04 AMD64+ARM64 base image with buildpacks"

[build]
image = "heroku/heroku:24-build.v155"

[run]
[[run.images]]
image = "heroku/heroku:24.v155"

[[targets]]
os = "linux"
arch = "amd64"

# Trusted
[[buildpacks]]
  id = "heroku/go"
  uri = "docker://docker.io/heroku/buildpack-go@sha256:0"

[[buildpacks]]
  id = "heroku/eol"
  uri = "./eol-buildpack/"

[[order]]
  # one comment
  [[order.group]]
    id = "heroku/go"
    version = "1.0.2"
  [[order.group]]
    id = "heroku/procfile"
    version = "4.1.1"
    optional = true

[stack]
id = "heroku-24"
build-image = "heroku/heroku:24-build.v155"
run-image = "heroku/heroku:24.v155"
`;

describe("builder.toml", () => {
  it("BUILDER-008 reads a builder with a stack only", () => {
    const builder = parse(paketo);
    expect(builder).toMatchObject({
      description: "Base builder",
      buildImage: "docker.io/paketobuildpacks/build-jammy-base:0.1.2",
      runImages: [
        {
          image: "index.docker.io/paketobuildpacks/run-jammy-base:latest",
          mirrors: ["gcr.io/paketo-buildpacks/run-jammy-base:latest"],
        },
      ],
      stackId: "io.buildpacks.stacks.jammy",
      lifecycle: { version: "0.20.7" },
      order: [[{ id: "paketo-buildpacks/java", version: "17.1.0", optional: false }]],
      warnings: [],
    });
    expect(builder.buildpacks[0]).toEqual({
      uri: "docker://docker.io/paketobuildpacks/java:17.1.0",
      version: "17.1.0",
    });
  });

  it("BUILDER-008 BUILDER-010 reads a builder with both spellings of its images", () => {
    const builder = parse(heroku);
    expect(builder).toMatchObject({
      buildImage: "heroku/heroku:24-build.v155",
      targets: [{ os: "linux", arch: "amd64" }],
    });
    expect(builder.order[0]![1]).toEqual({ id: "heroku/procfile", version: "4.1.1", optional: true });
    expect(builder.buildpacks[1]).toEqual({ uri: "./eol-buildpack/", id: "heroku/eol" });
  });

  it("BUILDER-008 reads extensions, system buildpacks and lifecycle", () => {
    const text = `${images}[lifecycle]\nuri = "l.tgz"\n[[extensions]]\nid = "e"\nversion = "1"\nuri = "x"\n[[order-extensions]]\n[[order-extensions.group]]\nid = "e"\n[[system.pre.buildpacks]]\nid = "p"\nversion = "1"\n`;
    expect(parse(text)).toMatchObject({
      extensions: [{ id: "e", version: "1", uri: "x" }],
      orderExtensions: [[{ id: "e", optional: false }]],
      system: { pre: [{ id: "p", version: "1", optional: false }], post: [] },
      lifecycle: { uri: "l.tgz" },
    });
  });

  it("BUILDER-009 unknown keys are errors, with all of their paths", () => {
    const text = `${images}[[buildpacks]]\nurl = "x"\nuri = "y"\n[[order]]\n[[order.group]]\nid = "a"\noptionl = true\n`;
    const fault = faultOf(() => parse(text));
    expect(fault.code).toBe("builder.key");
    expect(fault.message).toBe(
      "Cannot read builder at builder.toml: it has unknown keys: buildpacks[0].url, order[0].group[0].optionl",
    );
  });

  it.each([
    ["build images that differ", `${images}[stack]\nbuild-image = "other"`, "build.image and stack.build-image differ"],
    ["run images that differ", `${images}[stack]\nrun-image = "other"`, "run.images and stack.run-image differ"],
  ])("BUILDER-010 %s", (_, text, found) => {
    expect(faultOf(() => parse(text)).message).toContain(found);
  });

  it("a builder may leave its images to the one who builds", () => {
    expect(parse("")).toMatchObject({ buildImage: "", runImages: [] });
    expect(parse('[stack]\nid = "s"\n[build]\nimage = "b"')).toMatchObject({ buildImage: "b", runImages: [] });
  });

  it("BUILDER-011 a buildpack has to be what the reference says", () => {
    const reference = { uri: "./bp", id: "a", version: "1" };
    expect(() => checkModule(reference, { id: "a", version: "1" })).not.toThrow();
    expect(() => checkModule({ uri: "./bp" }, { id: "z", version: "9" })).not.toThrow();
    expect(faultOf(() => checkModule(reference, { id: "a", version: "2" })).message).toBe(
      "Cannot use ./bp as a@1: it holds a@2",
    );
    expect(faultOf(() => parse(`${images}[[buildpacks]]\nid = "a"`)).message).toContain("buildpacks[0].uri");
  });

  it("BUILDER-012 variables become files, and joining without a delimiter is warned about", () => {
    const text = `${images}[[build.env]]\nname = "A"\nvalue = "1"\n[[build.env]]\nname = "PATH"\nvalue = "/x"\nsuffix = "append"\ndelim = ":"\n[[build.env]]\nname = "B"\nvalue = "2"\nsuffix = "prepend"\n[[order]]\n`;
    const { env, warnings } = parse(text);
    expect(buildConfigFiles(env)).toEqual([
      { name: "A", content: "1" },
      { name: "PATH.append", content: "/x" },
      { name: "PATH.delim", content: ":" },
      { name: "B.prepend", content: "2" },
    ]);
    expect(warnings).toEqual(['the variable B is joined without a delimiter: "delim" is not set']);
  });

  it.each(["../x", "A=B", ""])("BUILDER-012 %j is no name of a variable", (name) => {
    expect(() => parse(`${images}[[build.env]]\nname = "${name}"\nvalue = "1"`)).toThrow("build.env[0].name");
  });

  it("BUILDER-012 an unknown suffix is an error", () => {
    expect(faultOf(() => parse(`${images}[[build.env]]\nname = "A"\nsuffix = "concat"`)).hint).toContain("append");
  });

  it("BUILDER-013 an empty order is a warning", () => {
    expect(parse(images).warnings).toHaveLength(1);
  });

  it("BUILDER-014 a version left out is the only one there is", () => {
    const order = parse(`${images}[[order]]\n[[order.group]]\nid = "google.go.runtime"\noptional = true`).order;
    const available = [
      { id: "google.go.runtime", version: "0.9.1" },
      { id: "x", version: "1" },
    ];
    expect(closeOrder(order, available)).toEqual([[{ id: "google.go.runtime", version: "0.9.1", optional: true }]]);
    const several = [...available, { id: "google.go.runtime", version: "0.9.2" }];
    expect(faultOf(() => closeOrder(order, several)).message).toContain("several versions: 0.9.1, 0.9.2");
  });

  it("BUILDER-015 what the order names has to be in the builder", () => {
    const order = [[{ id: "a", version: "2", optional: false }]];
    expect(faultOf(() => closeOrder(order, [{ id: "a", version: "1" }])).message).toBe(
      "Cannot use a@2 in the order of the builder: the builder has only 1",
    );
    expect(faultOf(() => closeOrder(order, [])).message).toContain("the builder does not have it");
  });
});
