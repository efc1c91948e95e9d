import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { copy } from "../../src/index.ts";
import { layoutPath } from "../../src/oci/layout-path.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { hostPath } from "../../src/std/path.ts";
import { openLayoutDirectory } from "../../src/store/layout-directory.ts";
import { parseLocation } from "../../src/store/locate.ts";
import { faultOf } from "../support/fault.ts";
import { Bench } from "../support/flow.ts";
import { startRegistry } from "../support/registry.ts";

const bench = new Bench();
const hex = "a".repeat(64);
beforeAll(async () => {
  await bench.runImage();
});

describe("a directory of image layouts", () => {
  it.each([
    ["app", "index.docker.io/library/app/latest"],
    ["team/app:v1", "index.docker.io/team/app/v1"],
    ["registry.example:5000/a/b/c:v1", "registry.example:5000/a/b/c/v1"],
    [`registry.example/a@sha256:${hex}`, `registry.example/a/sha256/${hex}`],
    [`registry.example/a:v1@sha256:${hex}`, `registry.example/a/sha256/${hex}`],
  ])("LAYOUT-001 ANALYZE-011 %s is at %s", (name, path) => {
    expect(layoutPath(parseReference(name))).toBe(path);
    expect(parseLocation(`layout:tree:${name}`, hostPath("/base"))).toEqual({
      kind: "layout",
      directory: `/base/tree/${path}`,
    });
  });

  it.each(["layout:", "layout:tree", "layout::app"])("ANALYZE-011 %s lacks the directory or the name", (text) => {
    expect(faultOf(() => parseLocation(text, hostPath("/base")))).toMatchObject({
      code: "location.parse",
      exit: "usage",
    });
  });

  it("EXPORT-028 LAYOUT-002 an image is written as a layout at its path, from a run image that is there, too", async () => {
    const tree = join(bench.root, "tree");
    await copy({ from: "run", to: `layout:${tree}:registry.example:5000/run`, home: bench.home });
    const image = `layout:${tree}:registry.example:5000/team/app:v1`;
    const runImage = `layout:${tree}:registry.example:5000/run`;
    const built = await bench.build([bench.buildpack({ id: "t/layout" })], { image, runImage });
    expect(built.fault).toBeUndefined();
    const directory = join(tree, "registry.example:5000/team/app/v1");
    for (const file of ["oci-layout", "index.json", "blobs/sha256"])
      expect(existsSync(join(directory, file))).toBe(true);
    await using layout = openLayoutDirectory(hostPath(directory));
    expect((await layout.sole())?.identity.imageId).toBe(built.report!.imageId);
    const again = await bench.build([bench.buildpack({ id: "t/layout" })], { image, runImage });
    expect(again.report!.imageId).toBe(built.report!.imageId);
    expect(again.lines().join("\n")).toContain("Reusing layers from image");
  });
});

describe("images in stores of several kinds", () => {
  it("EXPORT-029 the user is told that it is slower", async (context) => {
    await using registry = await startRegistry(context);
    const buildpack = bench.buildpack({ id: "t/several" });
    const published = await bench.build([buildpack], { image: `${registry.host}/app`, output: "registry" });
    expect(published.lines().join("\n")).toMatch(/The run image is in the local store: .* slower/);
    const layout = `oci:${join(bench.root, "before")}`;
    await bench.build([buildpack], { image: layout });
    const moved = await bench.build([buildpack], { image: "moved", previousImage: layout });
    expect(moved.lines().join("\n")).toContain(`${layout} is not kept where moved goes`);
    const local = await bench.build([buildpack], { image: "plain" });
    expect(local.lines().join("\n")).not.toContain("slower");
  });
});
