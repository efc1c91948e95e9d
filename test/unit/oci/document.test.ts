import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { descriptorJson, parseDescriptor } from "../../../src/oci/descriptor.ts";
import {
  algorithmOf,
  digestFrom,
  digestOf,
  hexOf,
  isDigest,
  parseDiffId,
  parseDigest,
} from "../../../src/oci/digest.ts";
import { documentsOf, imageOf, withLayers } from "../../../src/oci/image.ts";
import { encodeManifest, isIndex, layerLimit, manifestLimit, parseManifest } from "../../../src/oci/manifest.ts";
import { compressionBy, compressionOf, familyOf, isIndexType, mediaTypes } from "../../../src/oci/media-type.ts";
import { formatPlatform, isPlatformFor, ociArchitecture, parsePlatform } from "../../../src/oci/platform.ts";
import type { Json, JsonObject } from "../../../src/std/json.ts";
import { faultOf } from "../../support/fault.ts";

const [one, two] = [digestOf("one"), digestOf("two")];

describe("a digest", () => {
  it("is sha256 or sha512 with lower-case hex of its length", () => {
    for (const good of [`sha256:${"0".repeat(64)}`, `sha512:${"f".repeat(128)}`]) {
      expect(parseDigest(good)).toBe(good);
      expect(isDigest(good)).toBe(true);
    }
    const bad = ["", "sha256", ":", `:${"0".repeat(64)}`, `sha256:${"0".repeat(63)}`, `sha256:${"0".repeat(128)}`];
    for (const text of [...bad, `sha512:${"0".repeat(64)}`, `sha256:${"A".repeat(64)}`, `md5:${"0".repeat(32)}`]) {
      expect(isDigest(text), text).toBe(false);
      expect(faultOf(() => parseDiffId(text)).code).toBe("digest.parse");
    }
    expect([algorithmOf(one), hexOf(one).length]).toEqual(["sha256", 64]);
    expect(digestFrom(createHash("sha256").update("one"))).toBe(one);
    expect(faultOf(() => parseDigest("x".repeat(200))).message).toContain(`"${"x".repeat(140)}"`);
    expect(one).toBe("sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
  });
});

describe("a platform", () => {
  it("is written os/architecture[/variant]", () => {
    for (const text of ["linux/amd64", "linux/arm/v7", "windows/amd64"])
      expect(formatPlatform(parsePlatform(text))).toBe(text);
    expect(parsePlatform("linux/arm64")).toEqual({ os: "linux", architecture: "arm64" });
    for (const text of ["", "linux", "linux/", "/amd64", "linux/amd64/", "linux/amd64/v8/x", "Linux/amd64"]) {
      const fault = faultOf(() => parsePlatform(text));
      expect(fault.message).toBe(`Cannot understand platform "${text}": expected os/architecture[/variant]`);
      expect([fault.code, fault.exit, fault.hint], text).toEqual([
        "platform.parse",
        "usage",
        "for instance linux/arm64",
      ]);
    }
  });

  it("fits where os and architecture are equal, and the variant unless a side has none", () => {
    const arm = { os: "linux", architecture: "arm", variant: "v7" };
    const any = { os: "linux", architecture: "arm" };
    expect(isPlatformFor(arm, arm) && isPlatformFor(arm, any) && isPlatformFor(any, arm)).toBe(true);
    for (const other of [
      { ...arm, os: "windows" },
      { ...arm, architecture: "arm64" },
      { ...arm, variant: "v6" },
    ])
      expect([isPlatformFor(other, arm), isPlatformFor(arm, other)]).toEqual([false, false]);
  });

  it("has OCI's names for architectures", () => {
    const names = ["x64", "arm64", "arm", "ia32", "ppc64", "riscv64", "s390x", "mips"].map(ociArchitecture);
    expect(names).toEqual(["amd64", "arm64", "arm", "386", "ppc64le", "riscv64", "s390x", "mips"]);
  });
});

describe("a media type", () => {
  it("is spelled as its specification has it", () => {
    const oci = (part: string) => `application/vnd.oci.image.${part}`;
    const docker = (part: string) => `application/vnd.docker.${part}`;
    expect(mediaTypes).toEqual({
      oci: {
        index: oci("index.v1+json"),
        manifest: oci("manifest.v1+json"),
        config: oci("config.v1+json"),
        tar: oci("layer.v1.tar"),
        gzip: oci("layer.v1.tar+gzip"),
        zstd: oci("layer.v1.tar+zstd"),
      },
      docker: {
        index: docker("distribution.manifest.list.v2+json"),
        manifest: docker("distribution.manifest.v2+json"),
        config: docker("container.image.v1+json"),
        tar: docker("image.rootfs.diff.tar"),
        gzip: docker("image.rootfs.diff.tar.gzip"),
        zstd: docker("image.rootfs.diff.tar.zstd"),
      },
    });
  });

  it("says how a layer is compressed, and which family a document is of", () => {
    for (const family of ["oci", "docker"] as const) {
      const types = mediaTypes[family];
      expect([types.tar, types.gzip, types.zstd].map(compressionOf)).toEqual(["none", "gzip", "zstd"]);
      expect([types.manifest, types.index, types.config].map(familyOf)).toEqual([family, family, undefined]);
      expect([types.index, types.manifest].map(isIndexType)).toEqual([true, false]);
    }
    const foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar";
    const nondistributable = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    expect([foreign, `${foreign}.gzip`, nondistributable, `${nondistributable}+gzip`].map(compressionOf)).toEqual([
      "none",
      "gzip",
      "none",
      "gzip",
    ]);
    expect(compressionOf("application/vnd.in-toto+json")).toBeUndefined();
    expect((["reference", "gzip", "zstd"] as const).map(compressionBy)).toEqual(["gzip", "gzip", "zstd"]);
  });
});

describe("a descriptor", () => {
  const full = {
    mediaType: "t",
    size: 3,
    digest: one as string,
    data: "eA==",
    urls: ["u"],
    annotations: { a: "b" },
    platform: { os: "linux" },
    artifactType: "x",
  };

  it("is read and written whole, and empty parts are left out", () => {
    expect(JSON.stringify(descriptorJson(parseDescriptor(full, "d")))).toBe(JSON.stringify(full));
    expect(parseDescriptor({ size: 0, digest: one, annotations: null }, "d")).toEqual({
      mediaType: "",
      size: 0,
      digest: one,
    });
    const odd = { ...full, data: 1, urls: ["u", 1], artifactType: 1 };
    expect(parseDescriptor(odd, "d")).toEqual({
      ...full,
      data: undefined,
      urls: ["u"],
      artifactType: undefined,
    });
    const empty = { mediaType: "t", size: 1, digest: one, urls: [], annotations: {} };
    expect(JSON.stringify(descriptorJson(empty))).toBe(`{"mediaType":"t","size":1,"digest":"${one}"}`);
  });

  it.each<[Json, string]>([
    ["x", "expected a descriptor, an object"],
    [{ ...full, mediaType: 1 }, "mediaType is not a string"],
    [{ ...full, size: "3" }, "size is not a whole number of bytes"],
    [{ ...full, size: -1 }, "size is not a whole number of bytes"],
    [{ ...full, size: 1.5 }, "size is not a whole number of bytes"],
    [{ ...full, digest: 1 }, "digest is not a string"],
  ])("%j is refused", (value, found) => {
    const fault = faultOf(() => parseDescriptor(value, "here"));
    expect([fault.code, fault.message]).toEqual(["document.parse", `Cannot read here: ${found}`]);
  });

  it("has annotations of strings", () => {
    for (const annotations of [[], { a: 1 }, "x"])
      expect(faultOf(() => parseDescriptor({ ...full, annotations }, "here"))).toMatchObject({
        code: "document.parse",
        message: "Cannot read here.annotations: expected an object of strings",
      });
  });
});

describe("a manifest", () => {
  const config = { mediaType: mediaTypes.oci.config, size: 1, digest: one };
  const layer = { mediaType: mediaTypes.oci.gzip, size: 2, digest: two };
  const parse = (document: JsonObject) => parseManifest(JSON.stringify(document), "here");
  const image = { schemaVersion: 2, mediaType: mediaTypes.oci.manifest, config, layers: [layer] };
  const index = { schemaVersion: 2, mediaType: mediaTypes.docker.index, manifests: [layer] };
  const more = { annotations: { b: "1", a: "2" }, subject: layer, artifactType: "t" };

  it("is an index when it says so, else when it lists manifests", () => {
    for (const document of [image, index, { ...image, ...more }, { ...index, ...more }]) {
      const found = parse(document);
      const { schemaVersion: _, ...rest } = document;
      expect(found).toEqual(rest);
      expect(isIndex(found)).toBe("manifests" in document);
      const sorted = "annotations" in document ? { ...document, annotations: { a: "2", b: "1" } } : document;
      expect(encodeManifest(found)).toBe(JSON.stringify(sorted));
    }
    expect(parse({ schemaVersion: 2, manifests: [] })).toEqual({ mediaType: mediaTypes.oci.index, manifests: [] });
    expect(parse({ schemaVersion: 2, config, layers: [] }).mediaType).toBe(mediaTypes.oci.manifest);
    expect(encodeManifest(parse({ ...index, annotations: {} }))).toBe(JSON.stringify(index));
    expect(parse({ ...image, subject: "x", artifactType: 1 })).toEqual(parse(image));
  });

  it.each<[JsonObject, string]>([
    [{ schemaVersion: 1 }, "Cannot read here: schemaVersion is 1, expected 2"],
    [{}, "Cannot read here: schemaVersion is null, expected 2"],
    [{ ...index, config }, "Cannot read here: it is an index and a manifest at once"],
    [{ ...index, layers: [] }, "Cannot read here: it is an index and a manifest at once"],
    [{ ...image, manifests: [] }, "Cannot read here: it is an index and a manifest at once"],
    [{ ...image, layers: "x" }, "Cannot read here: expected a list of descriptors"],
    [{ ...image, layers: ["x"] }, "Cannot read here[0]: expected a descriptor, an object"],
    [{ ...index, manifests: {} }, "Cannot read here.manifests: expected a list of descriptors"],
    [{ ...image, config: 1 }, "Cannot read here: expected a descriptor, an object"],
    [
      { ...image, layers: Array.from({ length: layerLimit + 1 }, () => layer) },
      `Cannot read here: ${layerLimit + 1} layers are more than ${layerLimit}`,
    ],
  ])("%# is refused", (document, message) => {
    const fault = faultOf(() => parse(document));
    expect([fault.code, fault.message.replace(/here\.(config|layers)/, "here")]).toEqual(["document.parse", message]);
  });

  it("may have as many layers as a kernel stacks, and four megabytes", () => {
    expect([layerLimit, manifestLimit]).toEqual([1024, 4_194_304]);
    const layers = Array.from({ length: layerLimit }, () => layer);
    expect(parse({ ...image, layers })).toMatchObject({ layers });
    expect(faultOf(() => parseManifest("[]", "here"))).toMatchObject({
      code: "document.parse",
      message: "Cannot read here: expected an object",
    });
    expect(faultOf(() => parse({ schemaVersion: 1 })).hint).toContain("pushed again");
  });
});

describe("an image", () => {
  const config = { architecture: "amd64", os: "linux", history: [], diffIds: [], config: {} };
  const layer = { diffId: parseDiffId(one), descriptor: { mediaType: mediaTypes.docker.tar, size: 3, digest: two } };

  it("is its documents, and they are it", () => {
    for (const annotations of [undefined, { a: "b" }]) {
      const image = withLayers({ family: "docker", config, layers: [], ...(annotations && { annotations }) }, [layer]);
      expect(image.config.diffIds).toEqual([layer.diffId]);
      const { manifest, manifestText, configText, identity } = documentsOf(image);
      expect(identity).toEqual({
        imageId: digestOf(configText),
        digest: digestOf(manifestText),
        size: manifestText.length,
      });
      expect(manifest).toEqual({
        mediaType: mediaTypes.docker.manifest,
        config: { mediaType: mediaTypes.docker.config, size: configText.length, digest: identity.imageId },
        layers: [layer.descriptor],
        ...(annotations && { annotations }),
      });
      expect(imageOf("docker", manifest, image.config, "here")).toEqual(image);
      expect(faultOf(() => imageOf("docker", manifest, config, "here"))).toMatchObject({
        code: "image.mismatch",
        message: "Cannot read image at here: the manifest lists 1 layers, the config 0",
      });
    }
  });
});
