import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { packagesOf } from "../../../src/base/packages.ts";
import { diffIdOfTar } from "../../../src/oci/digest.ts";
import { documentsOf, type Image, withLayers } from "../../../src/oci/image.ts";
import { mediaTypes } from "../../../src/oci/media-type.ts";
import { collect } from "../../../src/std/byte.ts";
import { hostPath } from "../../../src/std/path.ts";
import type { BlobStore, StoredImage } from "../../../src/store/contract.ts";
import { memoryStore } from "../../../src/store/memory.ts";
import { layerHeader } from "../../../src/tar/entry.ts";
import { type TarItem, writeTar } from "../../../src/tar/write.ts";
import { bench, contentsOf, faultFrom } from "./place.ts";

const root = { uid: 0, gid: 0 };

/** A tar of these files; a name that ends with a slash is a directory. */
function tar(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const items = Object.entries(files).map(([name, text]): TarItem => {
    if (name.endsWith("/")) return { header: layerHeader(name, "directory", 0o755, root) };
    const bytes = Buffer.from(text);
    return { header: { ...layerHeader(name, "file", 0o644, root), size: bytes.length }, content: bytes };
  });
  return collect(writeTar(items));
}

/** An image of these layers, bottom first. */
async function imageOf(
  blobs: BlobStore,
  layers: readonly Readonly<Record<string, string>>[],
  user?: string,
): Promise<StoredImage> {
  const put = await Promise.all(
    layers.map(async (files) => {
      const descriptor = await blobs.put(mediaTypes.oci.tar, [await tar(files)]);
      return { descriptor, diffId: diffIdOfTar(descriptor.digest) };
    }),
  );
  const config = {
    architecture: "arm64",
    os: "linux",
    history: [],
    diffIds: [],
    config: { Env: ["A=1", "PATH=/x"], Cmd: ["sh"], ...(user && { User: user }) },
  };
  const image: Image = withLayers({ family: "oci", config, layers: [] }, put);
  return { image, blobs, ...documentsOf(image) };
}

const files = {
  "./etc/": "",
  "./etc/os-release": "ID=alpine\nVERSION_ID=3.20\n",
  "./etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
  "./etc/group": "root:x:0:\n",
};

describe("a base from what is there", () => {
  it("an archive gets the labels, the user and the files", async () => {
    using place = bench();
    const file = hostPath(join(place.folder, "root.tar.gz"));
    writeFileSync(file, gzipSync(await tar(files)));
    const text = 'architecture = "arm64"\n[[files]]\npath = "/etc/motd"\ncontent = "hi"\n';
    const report = await place.create(text, { from: { kind: "archive", file } });
    expect(report.distro).toEqual({ name: "alpine", version: "3.20" });
    expect(report.packages).toBeUndefined();
    expect(report.image.config).toMatchObject({ architecture: "arm64", created: "1980-01-01T00:00:01Z" });
    expect(report.image.config.config).toMatchObject({
      User: "1000:1000",
      Labels: { "io.buildpacks.base.distro.name": "alpine", "io.buildpacks.rebasable": "true" },
    });
    expect(report.image.layers).toHaveLength(2);
    const seen = await contentsOf((await place.read())!);
    expect(seen.get("etc/passwd")?.text).toBe(`${files["./etc/passwd"]}cnb:*:1000:1000::/home/cnb:/bin/sh\n`);
    expect(seen.get("etc/motd")?.text).toBe("hi");
    expect(seen.has("etc/")).toBe(false);
    expect(seen.get("home/cnb/")).toMatchObject({ uid: 1000, gid: 1000 });
    const again = await place.create(text, { from: { kind: "archive", file } });
    expect(again.identity.imageId).toBe(report.identity.imageId);
  });

  it("becomes a build image when it is asked to be", async () => {
    using place = bench();
    const stored = await imageOf(place.store, [{ ...files, "./layers/": "" }]);
    const text = 'kind = "build"\n[base]\nstack = "team.stack"\n';
    const report = await place.create(text, { from: { kind: "image", stored } });
    expect(report.image.config.config).toMatchObject({
      User: "1000:1000",
      Labels: { "io.buildpacks.stack.id": "team.stack" },
    });
    expect(report.image.config.config.Labels).not.toHaveProperty("io.buildpacks.rebasable");
    const seen = await contentsOf((await place.read())!);
    expect(seen.get("workspace/")).toMatchObject({ uid: 1000, gid: 1000, mode: 0o755 });
    expect(seen.get("layers/")).toMatchObject({ uid: 1000, gid: 1000 });
    expect(seen.get("cnb/buildpacks/")).toMatchObject({ uid: 0, gid: 0, mode: 0o755 });
  });

  it("an image keeps its layers, environment and user", async () => {
    using place = bench();
    const elsewhere = memoryStore();
    const passwd = `${files["./etc/passwd"]}node:x:1000:1000::/home/node:/bin/sh\n`;
    const stored = await imageOf(elsewhere, [files, { "etc/passwd": passwd }], "node");
    const report = await place.create("", { from: { kind: "image", stored } });
    expect(report.image.layers).toEqual(stored.image.layers);
    expect(report.image.config.config).toMatchObject({
      User: "1000:1000",
      Env: ["A=1", "PATH=/x", "CNB_USER_ID=1000", "CNB_GROUP_ID=1000"],
      Cmd: ["sh"],
    });
    expect(await place.read()).toBeDefined();
  });

  it("a user of the definition has to fit in", async () => {
    using place = bench();
    const stored = await imageOf(place.store, [files]);
    const report = await place.create('[user]\nname = "web"\nuid = 7\n', { from: { kind: "image", stored } });
    expect(report.image.config.config.User).toBe("7:7");
    const fault = await faultFrom(place.create('[user]\nname = "root"\n', { from: { kind: "image", stored } }));
    expect(fault.code).toBe("base.user");
  });

  it("is refused for what is no root file system", async () => {
    using place = bench();
    const file = hostPath(join(place.folder, "x.tar"));
    const from = { kind: "archive", file } as const;
    const cases = [
      [await tar({ "oci-layout": "{}", "index.json": "{}" }), "it holds an image, not a root file system"],
      [await tar({ "manifest.json": "[]" }), "it holds an image, not a root file system"],
      [await tar({}), "it is an empty archive"],
      [Buffer.alloc(2000, "text"), "it is no tar archive that can be read"],
      [(await tar({ a: "b".repeat(5000) })).subarray(0, 3000), "it is no tar archive that can be read"],
    ] as const;
    for (const [bytes, found] of cases) {
      writeFileSync(file, bytes);
      const fault = await faultFrom(place.create("", { from }));
      expect(fault.code).toBe("base.archive");
      expect(fault.message).toBe(`Cannot make a base from ${file}: ${found}`);
    }
    const missing = await faultFrom(place.create("", { from: { kind: "archive", file: hostPath("/nowhere/x.tar") } }));
    expect(missing.message).toContain("/nowhere/x.tar: it is not there");
    const both = await faultFrom(place.create('packages = ["libc6"]\n', { from }));
    expect(both.exit).toBe("usage");
    expect(await place.read()).toBeUndefined();
  });
});

describe("the packages of an image", () => {
  const status = (version: string) => `Package: a\nStatus: install ok installed\nVersion: ${version}\n`;
  const path = "var/lib/dpkg/status";

  it("are those of the topmost status file", async () => {
    const stored = await imageOf(memoryStore(), [
      { [path]: status("1") },
      { [`./${path}`]: status("2") },
      { "app/x": "" },
    ]);
    expect(await packagesOf(stored)).toEqual({ a: "2" });
  });

  it("are in single files where no dpkg made the image", async () => {
    const folder = "var/lib/dpkg/status.d";
    const stored = await imageOf(memoryStore(), [
      {
        [`${folder}/a`]: "Package: a\nVersion: 1\n",
        [`${folder}/a.md5sums`]: "sums",
        [`${folder}/b`]: "Package: b\nVersion: 2\n",
      },
      { [`${folder}/.wh.b`]: "" },
    ]);
    expect(await packagesOf(stored)).toEqual({ a: "1" });
  });

  it.each([
    ["the file", { "var/lib/dpkg/.wh.status": "" }],
    ["a directory above it", { "var/.wh.lib": "" }],
    ["all that was in a directory", { "var/lib/.wh..wh..opq": "", "var/lib/new": "" }],
    ["a directory by a file", { "var/lib": "file" }],
  ])("are none when an upper layer removed %s", async (_, upper) => {
    expect(await packagesOf(await imageOf(memoryStore(), [{ [path]: status("1") }, upper]))).toBeUndefined();
  });
});
