import { createHash } from "node:crypto";
import { chmodSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/builder-create.ts";
import { packageBuildpack } from "../../src/buildpack-package.ts";
import { builderLabels } from "../../src/cnb/builder-label.ts";
import { labelsOf } from "../../src/oci/config.ts";
import { Bench } from "../support/flow.ts";

const bench = new Bench();

// What pack 0.40.5 made of the same files.
describe("the bytes of packages and builders", () => {
  it("a buildpack's layer and labels are those of pack", async () => {
    bench.write(
      "vector/buildpack.toml",
      'api = "0.10"\n\n[buildpack]\n  id = "acme/vector"\n  version = "1.2.3"\n  name = "Vector"\n\n[[targets]]\n  os = "linux"\n  arch = "amd64"\n',
    );
    for (const name of ["build", "detect"]) bench.write(`vector/bin/${name}`, "#!/bin/sh\nexit 0\n", 0o755);
    bench.write("vector/lib/deep/data", "data\n", 0o600);
    symlinkSync("../lib/deep/data", join(bench.root, "vector/bin/link"));
    await packageBuildpack({ home: bench.home, base: bench.root, name: "vector", path: "vector" });
    await bench.look("vector", ({ image }) => {
      const layer = "sha256:6a5347d3cb2fd6a4836b15c8000266bd0c94dd63516fe18b90426e6742d72c53";
      expect(image.config.diffIds).toEqual([layer]);
      expect(image.config.architecture).toBe("amd64");
      expect(labelsOf(image.config)).toEqual({
        [builderLabels.buildpackLayers]: `{"acme/vector":{"1.2.3":{"api":"0.10","targets":[{"os":"linux","arch":"amd64"}],"layerDiffID":"${layer}","name":"Vector"}}}`,
        [builderLabels.package]: '{"id":"acme/vector","name":"Vector","version":"1.2.3","stacks":[{"id":"*"}]}',
      });
    });
  });

  it("the files around a builder's buildpacks are those of pack", async () => {
    await bench.runImage("build");
    const world = bench.buildpack({ id: "samples/hello-universe", version: "0.0.2" });
    const hello = bench.buildpack({ id: "acme/hello" });
    bench.write("ext/extension.toml", 'api = "0.10"\n[extension]\nid = "acme/ext"\nversion = "1.0.0"\nname="E"\n');
    for (const name of ["generate", "detect"]) bench.write(`ext/bin/${name}`, "#!/bin/sh\n", 0o755);
    chmodSync(join(bench.root, "ext/bin"), 0o700);
    const run = "127.0.0.1:5055/acme/run";
    const more = `[build]\nimage = "build"\n[[run.images]]\nimage = "${run}"\n[[extensions]]\nuri = "${bench.root}/ext"\n[[order-extensions]]\ngroup = [{ id = "acme/ext", version = "1.0.0" }]\n`;
    const config = bench.builder([world, hello], [["samples/hello-universe"], ["acme/hello?"]], more);
    await createBuilder({ home: bench.home, base: bench.root, name: "builder", config, pullPolicy: "never" });
    await bench.look("builder", ({ image }) => {
      const { diffIds } = image.config;
      expect(diffIds[1]).toBe("sha256:fc454e27c1c60562a35add6e2a13dcd2f674221ec85d4266e85594499abdaac2");
      expect(diffIds.slice(-4)).toEqual([
        "sha256:bdf7601981c8831f7f4b424dcbe702161086e20f3bd09a6222567f549f3cf420",
        "sha256:b301961bb1fd460050ad729f719c0b5a36102db83a6d40eb19fd8e592b8254b6",
        "sha256:2be19ff098c2b8f908b6b5b694e511bc409f1d0b4111edcc42424dbf6ec7c658",
        "sha256:99116de8f3290a15791b5dccf118f6727790d2cd99b51e4b743eb65368829bf9",
      ]);
    });
  });

  it("a .cnb is the same file on every machine", async () => {
    const options = { home: bench.home, base: bench.root, path: "vector", format: "file" as const };
    await packageBuildpack({ ...options, name: "vector.cnb" });
    const sum = createHash("sha256")
      .update(readFileSync(join(bench.root, "vector.cnb")))
      .digest("hex");
    expect(sum).toBe("c4d572013f0024e0780a33f1fb4dbd6c383f5ed4e4dc84386fded95b77eeea54");
  });
});
