import { lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { documentsOf } from "../../../src/oci/image.ts";
import { formatReference, parseReference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import type { Fault } from "../../../src/std/fault.ts";
import { under } from "../../../src/std/path.ts";
import type { StoredImage } from "../../../src/store/contract.ts";
import { layerTar } from "../../../src/store/layer.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { type Implementation, implementations, inFolder } from "./place.ts";
import { blobsOf, type Sample, sampleImage } from "./sample.ts";

const one = parseReference("registry.example:5000/team/app:one");
const two = parseReference("app:two");

async function tarsOf(stored: StoredImage): Promise<string[]> {
  const tars = stored.image.layers.map((layer) => collect(layerTar(layer, stored.blobs)));
  return (await Promise.all(tars)).map((tar) => digestOf(tar));
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "no fault",
    (error: Fault) => error.code ?? String(error),
  );
}

function withoutBlob(sample: Sample, at: number) {
  const contents = new Map(sample.blobs.contents);
  contents.delete(sample.image.layers[at]!.descriptor.digest);
  return blobsOf(contents);
}

function withBlob(sample: Sample, at: number, change: (content: Buffer) => Buffer) {
  const contents = new Map(sample.blobs.contents);
  const { digest } = sample.image.layers[at]!.descriptor;
  contents.set(digest, change(Buffer.from(contents.get(digest)!)));
  return blobsOf(contents);
}

const damages: readonly [string, (content: Buffer) => Buffer][] = [
  ["a byte that is wrong", (content) => content.fill(content[700]! ^ 1, 700, 701)],
  ["a missing end", (content) => content.subarray(0, -512)],
  ["nothing in it", () => Buffer.alloc(0)],
  ["more behind it", (content) => Buffer.concat([content, Buffer.alloc(512)])],
];

describe.each(implementations)("an image store: $title", (implementation: Implementation) => {
  const { open, keeps, holds, isOnDisk } = implementation;

  it("has no image before one is written", () =>
    inFolder(async (folder) => {
      await using store = open(under(folder, "store"));
      expect(await store.read(one)).toBeUndefined();
      expect(readdirSync(folder)).toEqual([]);
    }));

  it.each(["oci", "docker"] as const)("reads what was written, %s family", (family) =>
    inFolder(async (folder) => {
      const sample = sampleImage({ family, labels: { a: "<&>\u2028é" } });
      const documents = documentsOf(sample.image);
      await using store = open(under(folder, "store"));
      const identity = await store.write(sample.image, [one], sample.blobs);
      const stored = await store.read(one);
      expect(identity.imageId).toBe(documents.identity.imageId);
      expect(stored?.identity).toEqual(identity);
      expect(stored?.configText).toBe(documents.configText);
      expect(stored?.image.config).toEqual(sample.image.config);
      expect(stored?.image.layers.map((layer) => layer.diffId)).toEqual(sample.image.config.diffIds);
      expect(digestOf(stored!.manifestText)).toBe(identity.digest);
      expect(await tarsOf(stored!)).toEqual(sample.image.config.diffIds);
      if (keeps.includes(family)) {
        expect(stored?.manifestText).toBe(documents.manifestText);
        expect(stored?.image).toEqual(sample.image);
      }
    }),
  );

  it("keeps compressed layers and the documents of another tool as they are", () =>
    inFolder(async (folder) => {
      const sample = sampleImage({ compression: "gzip", annotations: { z: "1", a: "2" } });
      const documents = documentsOf(sample.image);
      const configText = documents.configText.replace("{", '{ "moby.buildkit.v1": "kept",\n');
      const manifestText = documents.manifestText
        .replace(documents.identity.imageId, digestOf(configText))
        .replace(`"size":${documents.configText.length}`, `"size": ${configText.length}`);
      await using store = open(under(folder, "store"));
      const identity = await store.write(sample.image, [one], sample.blobs, { configText, manifestText });
      const stored = await store.read(one);
      expect(stored?.configText).toBe(configText);
      expect(identity.imageId).toBe(digestOf(configText));
      expect(await tarsOf(stored!)).toEqual(sample.image.config.diffIds);
      if (implementation.title === "Docker archive") return;
      expect(stored?.manifestText).toBe(manifestText);
      expect(identity.digest).toBe(digestOf(manifestText));
    }));

  it("finds an image under each of its names, and by its digest", () =>
    inFolder(async (folder) => {
      const sample = sampleImage();
      await using store = open(under(folder, "store"));
      const identity = await store.write(sample.image, [one, two], sample.blobs);
      expect((await store.read(one))?.identity).toEqual(identity);
      expect((await store.read(two))?.identity).toEqual(identity);
      expect(await store.read(parseReference("registry.example:5000/team/app:other"))).toBeUndefined();
      if (implementation.title === "Docker archive") return;
      const byDigest = parseReference(`registry.example:5000/team/app@${identity.digest}`);
      expect((await store.read(byDigest))?.identity).toEqual(identity);
    }));

  it("takes a name without a tag for one with latest", () =>
    inFolder(async (folder) => {
      const sample = sampleImage();
      await using store = open(under(folder, "store"));
      await store.write(sample.image, [parseReference("app")], sample.blobs);
      expect(await store.read(parseReference("docker.io/library/app:latest"))).toBeDefined();
    }));

  it("lasts beyond the store that wrote it", () =>
    inFolder(async (folder) => {
      if (!isOnDisk) return;
      const sample = sampleImage();
      {
        await using store = open(under(folder, "store"));
        await store.write(sample.image, [one], sample.blobs);
      }
      await using store = open(under(folder, "store"));
      const stored = await store.read(one);
      expect(await tarsOf(stored!)).toEqual(sample.image.config.diffIds);
    }));

  it("moves a name to the image written last", () =>
    inFolder(async (folder) => {
      const [first, second] = [sampleImage(), sampleImage()];
      await using store = open(under(folder, "store"));
      await store.write(first.image, [one], first.blobs);
      const before = await store.read(one);
      const identity = await store.write(second.image, [one], second.blobs);
      expect((await store.read(one))?.identity).toEqual(identity);
      // What was read before can still be read.
      expect(await tarsOf(before!)).toEqual(first.image.config.diffIds);
    }));

  it("leaves other names alone, unless it holds one image", () =>
    inFolder(async (folder) => {
      const [first, second] = [sampleImage(), sampleImage()];
      await using store = open(under(folder, "store"));
      const identity = await store.write(first.image, [one], first.blobs);
      await store.write(second.image, [two], second.blobs);
      expect((await store.read(one))?.identity).toEqual(holds === "many" ? identity : undefined);
      expect(await store.read(two)).toBeDefined();
    }));

  it("stores layers that two images share, and one that an image repeats", () =>
    inFolder(async (folder) => {
      const file = Buffer.from("shared");
      const first = sampleImage({ files: [file, Buffer.from("a")] });
      const repeated = first.image.layers[0]!;
      const image = {
        ...first.image,
        layers: [repeated, repeated],
        config: { ...first.image.config, diffIds: [repeated.diffId, repeated.diffId] },
      };
      await using store = open(under(folder, "store"));
      await store.write(first.image, [one], first.blobs);
      await store.write(image, [two], first.blobs);
      expect(await tarsOf((await store.read(two))!)).toEqual([repeated.diffId, repeated.diffId]);
    }));

  it("stores an image without layers", () =>
    inFolder(async (folder) => {
      const sample = sampleImage({ files: [] });
      await using store = open(under(folder, "store"));
      await store.write(sample.image, [one], sample.blobs);
      expect((await store.read(one))?.image.layers).toEqual([]);
    }));

  it("does nothing to its names when a blob is missing", () =>
    inFolder(async (folder) => {
      const [first, second] = [sampleImage(), sampleImage()];
      await using store = open(under(folder, "store"));
      const identity = await store.write(first.image, [one], first.blobs);
      await expect(store.write(second.image, [one, two], withoutBlob(second, 1))).rejects.toThrow(/no blob/);
      expect((await store.read(one))?.identity).toEqual(identity);
      expect(await store.read(two)).toBeUndefined();
    }));

  it("asks for no more blobs once one has failed", () =>
    inFolder(async (folder) => {
      const files = Array.from({ length: 30 }, (_, at) => Buffer.from(`layer ${at}`));
      const sample = sampleImage({ files });
      let opened = 0;
      const blobs = {
        has: sample.blobs.has,
        // biome-ignore lint/correctness/useYield: a stream that fails at its beginning
        async *open() {
          opened++;
          throw new Error("the line broke");
        },
      };
      await using store = open(under(folder, "store"));
      await expect(store.write(sample.image, [one], blobs)).rejects.toThrow("the line broke");
      expect(opened).toBeLessThan(10);
    }));

  it.each(damages)("refuses a source whose blob has %s", (_title, damage) =>
    inFolder(async (folder) => {
      const [first, second] = [sampleImage(), sampleImage()];
      await using store = open(under(folder, "store"));
      const identity = await store.write(first.image, [one], first.blobs);
      const code = await codeOf(store.write(second.image, [one, two], withBlob(second, 1, damage)));
      expect(["blob.corrupt", "layer.corrupt"]).toContain(code);
      expect((await store.read(one))?.identity).toEqual(identity);
      expect(await store.read(two)).toBeUndefined();
    }),
  );

  it("leaves nothing of a write whose source fails halfway", () =>
    inFolder(async (folder) => {
      const sample = sampleImage();
      const path = under(folder, "store");
      {
        await using store = open(path);
        const blobs = {
          has: sample.blobs.has,
          async *open() {
            yield Buffer.alloc(1000);
            throw new Error("the line broke");
          },
        };
        await expect(store.write(sample.image, [one], blobs)).rejects.toThrow("the line broke");
        expect(await store.read(one)).toBeUndefined();
      }
      await using store = open(path);
      expect(await store.read(one)).toBeUndefined();
      await store.write(sample.image, [one], sample.blobs);
      expect(await store.read(one)).toBeDefined();
    }));

  it("refuses a name whose digest is not the image's", () =>
    inFolder(async (folder) => {
      const sample = sampleImage();
      await using store = open(under(folder, "store"));
      const name = parseReference(`app@${digestOf("something else")}`);
      expect(await codeOf(store.write(sample.image, [one, name], sample.blobs))).toBe("image.name");
      expect(await store.read(one)).toBeUndefined();
    }));

  it("refuses documents that do not belong together", () =>
    inFolder(async (folder) => {
      const sample = sampleImage();
      const { manifestText } = documentsOf(sample.image);
      await using store = open(under(folder, "store"));
      const texts = { manifestText, configText: documentsOf(sampleImage().image).configText };
      expect(await codeOf(store.write(sample.image, [one], sample.blobs, texts))).toBe("image.mismatch");
      expect(await store.read(one)).toBeUndefined();
    }));

  it("takes writes at the same time", () =>
    inFolder(async (folder) => {
      const path = under(folder, "store");
      const samples = Array.from({ length: 6 }, () => sampleImage());
      const names = samples.map((_, at) => parseReference(`app:n${at % 3}`));
      await using store = open(path);
      await using other = isOnDisk ? open(path) : store;
      const written = await Promise.all(
        samples.map((sample, at) => (at % 2 ? store : other).write(sample.image, [names[at]!], sample.blobs)),
      );
      await using reader = isOnDisk ? open(path) : store;
      const found = await Promise.all(names.slice(0, 3).map((name) => reader.read(name)));
      for (const [at, stored] of found.entries()) {
        if (holds === "one" && !stored) continue;
        const candidates = written.filter((_, index) => index % 3 === at);
        expect(candidates, formatReference(names[at]!)).toContainEqual(stored?.identity);
        expect(await tarsOf(stored!)).toEqual(stored?.image.config.diffIds);
      }
      expect(found.filter(Boolean)).toHaveLength(holds === "many" ? 3 : 1);
    }));

  it("keeps nothing beside what it stores", () =>
    inFolder(async (folder) => {
      if (!isOnDisk) return;
      const sample = sampleImage();
      {
        await using store = open(under(folder, "store"));
        await store.write(sample.image, [one], sample.blobs);
        await codeOf(store.write(sample.image, [two], withoutBlob(sampleImage(), 0)));
      }
      expect(readdirSync(folder)).toEqual(["store"]);
      if (holds === "many")
        expect(readdirSync(under(folder, "store")).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
    }));
});

it("an image layout writes nothing when all of it is there under its names, and everything when something is not", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const sample = sampleImage();
    const write = async (names = [one, two]) => {
      await using layout = openLayout(root);
      return await layout.write(sample.image, names, sample.blobs);
    };
    const { digest } = await write();
    const manifest = under(root, "blobs", digest.replace(":", "/"));
    const state = () => [lstatSync(manifest).ino, lstatSync(under(root, "index.json")).ino];
    const before = state();
    await write();
    await write([two]);
    expect(state()).toEqual(before);
    const damage: (() => void)[] = [
      () => writeFileSync(manifest, readFileSync(manifest, "utf8").replace("2", "3")),
      () => writeFileSync(under(root, "blobs", sample.image.layers[0]!.descriptor.digest.replace(":", "/")), ""),
      () =>
        writeFileSync(
          under(root, "index.json"),
          readFileSync(under(root, "index.json"), "utf8").replace("app:two", "app:2"),
        ),
    ];
    for (const spoil of damage) {
      spoil();
      const found = state();
      await write();
      expect(state(), String(spoil)).not.toEqual(found);
      await using layout = openLayout(root);
      expect((await layout.verify()).problems).toEqual([]);
      expect((await layout.read(two))?.identity.digest).toBe(digest);
    }
  }));
