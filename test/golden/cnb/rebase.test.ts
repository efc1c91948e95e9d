import { describe, expect, it } from "vitest";
import { labelNames } from "../../../src/cnb/label.ts";
import { swapBase } from "../../../src/cnb/rebase.ts";
import { refusals } from "../../../src/cnb/refusal.ts";
import { encodeConfig, labelsOf, parseConfig } from "../../../src/oci/config.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { documentsOf, type Image, imageOf } from "../../../src/oci/image.ts";
import { isIndex, parseManifest } from "../../../src/oci/manifest.ts";
import { familyOf } from "../../../src/oci/media-type.ts";
import { vector } from "../vector.ts";

function imageAt(name: string): Image {
  const manifest = parseManifest(vector(`${name}.manifest.json`), name);
  if (isIndex(manifest)) throw new Error("not an image");
  return imageOf(familyOf(manifest.mediaType)!, manifest, parseConfig(vector(`${name}.config.json`), name), name);
}

const app = imageAt("app_one");
const rebased = imageAt("app_reb");
const oldBase = imageAt("run-oci_v1");
/** `run-oci:v2`, which the reference rebased onto: its own documents are not kept, but its layers and labels show in the result. */
const newBase: Image = {
  ...oldBase,
  layers: rebased.layers.slice(0, 2),
  config: {
    ...oldBase.config,
    diffIds: rebased.config.diffIds.slice(0, 2),
    config: {
      ...oldBase.config.config,
      Env: ["PATH=/elsewhere"],
      Labels: {
        ...labelsOf(oldBase.config),
        "io.buildpacks.base.id": "my.base.B",
        "io.buildpacks.base.maintainer": "mB",
      },
    },
  },
};
const name = "127.0.0.1:15051/run-oci:v2";
const reference = "127.0.0.1:15051/run-oci@sha256:96be0a49d1babf6d666a5fe416ca14e6ae5ae4f936209d41ca1058e1c1e4c1a0";

describe("a rebase with the reference's inputs", () => {
  it("gives the reference's config, byte for byte, and so its image ID", () => {
    const text = encodeConfig(swapBase(app, newBase, { name, reference }).config);
    expect(text).toBe(vector("app_reb.config.json"));
    expect(JSON.parse(vector("app_reb.manifest.json")).config.digest).toBe(digestOf(text));
  });

  it("gives the reference's manifest but for its family and annotations", () => {
    const { annotations, ...image } = swapBase(app, newBase, { name, reference });
    expect(annotations).toEqual(oldBase.annotations);
    expect(image.family).toBe("oci");
    expect(documentsOf({ ...image, family: "docker" }).manifestText).toBe(vector("app_reb.manifest.json"));
  });

  it("is not refused for the other tag, whose labels prove the same distribution", () => {
    expect(refusals({ app, newBase, runImageName: name })).toEqual([]);
    expect(labelsOf(newBase.config)[labelNames.distroVersion]).toBe("24.04");
  });
});
