import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Digest, digestOf, hexOf } from "../../../src/oci/digest.ts";
import { documentsOf } from "../../../src/oci/image.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import { type HostPath, under } from "../../../src/std/path.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { inFolder } from "./place.ts";
import { sampleImage } from "./sample.ts";

const type = "application/vnd.oci.image.layer.v1.tar";
const app = parseReference("app:one");

function hasFile(root: HostPath, digest: Digest): boolean {
  return existsSync(join(root, "blobs", "sha256", hexOf(digest)));
}

it("a prune deletes what no name leads to, and counts it", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const [kept, gone] = [sampleImage(), sampleImage({ files: [Buffer.from("a"), Buffer.from("b")] })];
    {
      await using layout = openLayout(root);
      await layout.write(kept.image, [app], kept.blobs);
      await layout.write(gone.image, [parseReference("app:two")], gone.blobs);
      expect(await layout.remove([parseReference("app:two"), parseReference("app:three")])).toEqual([
        "docker.io/library/app:two",
      ]);
    }
    await using layout = openLayout(root);
    const documents = documentsOf(gone.image);
    const texts = documents.manifestText.length + documents.configText.length;
    const expected = { blobs: 4, bytes: 2 * 2048 + texts };
    expect(await layout.prune({ dryRun: true })).toEqual(expected);
    expect(await layout.prune({ dryRun: true })).toEqual(expected);
    expect(await layout.prune()).toEqual(expected);
    expect(await layout.prune()).toEqual({ blobs: 0, bytes: 0 });
    expect((await layout.verify()).problems).toEqual([]);
    for (const layer of gone.image.layers) expect(hasFile(root, layer.descriptor.digest)).toBe(false);
  }));

it("a prune of a store that is not there does nothing", () =>
  inFolder(async (folder) => {
    await using layout = openLayout(under(folder, "store"));
    expect(await layout.prune()).toEqual({ blobs: 0, bytes: 0 });
    expect(await layout.remove([app])).toEqual([]);
    expect(await layout.list()).toEqual([]);
    expect(await layout.verify()).toEqual({ blobs: 0, bytes: 0, problems: [] });
    expect(readdirSync(folder)).toEqual([]);
  }));

it("a prune keeps what the caller says", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    {
      await using layout = openLayout(root);
      await layout.put(type, [Buffer.from("wanted")]);
      await layout.put(type, [Buffer.from("not wanted")]);
    }
    await using layout = openLayout(root);
    const pruned = await layout.prune({ keep: async () => [digestOf("wanted")] });
    expect(pruned).toEqual({ blobs: 1, bytes: 10 });
    expect(hasFile(root, digestOf("wanted"))).toBe(true);
  }));

it("a prune keeps what a running writer has put, found or read, until it ends", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const [read, found] = [sampleImage(), Buffer.from("found")];
    {
      await using layout = openLayout(root);
      await layout.write(read.image, [app], read.blobs);
      await layout.put(type, [found]);
    }
    await using pruner = openLayout(root);
    {
      await using writer = openLayout(root, { hold: true });
      const stored = await writer.read(app);
      expect(await writer.has(digestOf(found))).toBe(true);
      await writer.put(type, [Buffer.from("put")]);
      await pruner.remove([app]);
      expect(await pruner.prune()).toEqual({ blobs: 0, bytes: 0 });
      for (const layer of stored!.image.layers) await collect(stored!.blobs.open(layer.descriptor));
      await writer.write(stored!.image, [parseReference("app:two")], stored!.blobs, stored);
    }
    expect(await pruner.prune()).toEqual({ blobs: 2, bytes: 8 });
    expect((await pruner.verify()).problems).toEqual([]);
  }));

it("a writer that comes while a prune runs waits, and then knows what is left", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const orphan = Buffer.from("orphan");
    const sample = sampleImage({ files: [Buffer.from("x")] });
    {
      await using layout = openLayout(root);
      await layout.put(type, [orphan]);
      for (const layer of sample.image.layers)
        await layout.put(type, [sample.blobs.contents.get(layer.descriptor.digest)!]);
    }
    await using pruner = openLayout(root);
    await using writer = openLayout(root, { hold: true });
    await writer.put(type, [Buffer.from("earlier")]);
    const order: string[] = [];
    const late: Promise<unknown>[] = [];
    const pruned = await pruner.prune({
      keep: async () => {
        // Pins have been read by now: whoever comes to rely on a blob from here on must not get it under the prune's hands.
        late.push(
          writer.has(digestOf(orphan)).then((found) => order.push(`has: ${found}`)),
          writer.put(type, [Buffer.from("late")]).then(() => order.push("put")),
          writer.write(sample.image, [app], sample.blobs).then(() => order.push("write")),
        );
        return [];
      },
    });
    order.push("pruned");
    await Promise.all(late);
    expect(pruned.blobs).toBe(2);
    expect(order[0]).toBe("pruned");
    expect(order.slice(1).sort()).toEqual(["has: false", "put", "write"]);
    expect(hasFile(root, digestOf("earlier"))).toBe(true);
    expect(hasFile(root, digestOf("late"))).toBe(true);
    expect((await pruner.verify()).problems).toEqual([]);
    expect(await pruner.read(app)).toBeDefined();
  }));

it("a prune stops at an image whose manifest is damaged, for what it needs is unknown", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const sample = sampleImage();
    await using layout = openLayout(root);
    const { digest } = await layout.write(sample.image, [app], sample.blobs);
    await layout[Symbol.asyncDispose]();
    writeFileSync(join(root, "blobs", "sha256", hexOf(digest)), "{}");
    await expect(layout.prune()).rejects.toMatchObject({
      code: "store.prune",
      message: expect.stringMatching(/^Cannot prune .*: what docker\.io\/library\/app:one needs is unknown \(.*\)$/),
    });
    for (const layer of sample.image.layers) expect(hasFile(root, layer.descriptor.digest)).toBe(true);
    await layout.remove([app]);
    await layout[Symbol.asyncDispose]();
    expect((await layout.prune()).blobs).toBe(4);
  }));

it("files that are no blobs are left where they are", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const sample = sampleImage();
    await using layout = openLayout(root);
    await layout.write(sample.image, [app], sample.blobs);
    writeFileSync(join(root, "blobs", "sha256", "note.txt"), "mine");
    expect(await layout.prune()).toEqual({ blobs: 0, bytes: 0 });
    expect(existsSync(join(root, "blobs", "sha256", "note.txt"))).toBe(true);
  }));

it("the next writer clears up after a killed one, and after none that lives", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const sample = sampleImage();
    await using living = openLayout(root);
    await living.put(type, [Buffer.from("living")]);
    for (const id of ["dead", "without-a-lock"]) {
      mkdirSync(join(root, "lease", id), { recursive: true });
      writeFileSync(join(root, "lease", id, "half-a-layer"), Buffer.alloc(1000));
      writeFileSync(join(root, "lease", id, "pins"), `${digestOf("x")}\n`);
    }
    mkdirSync(join(root, "lease", "dead.lock"));
    utimesSync(join(root, "lease", "dead.lock"), 0, 0);
    await using layout = openLayout(root);
    await layout.write(sample.image, [app], sample.blobs);
    const left = readdirSync(join(root, "lease"));
    expect(left).toHaveLength(4);
    expect(left.filter((name) => /dead|without/.test(name))).toEqual([]);
  }));

it("so does a prune, which keeps nothing that only a killed writer relied on", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    {
      await using layout = openLayout(root);
      await layout.put(type, [Buffer.from("orphan")]);
    }
    mkdirSync(join(root, "lease", "dead"), { recursive: true });
    writeFileSync(join(root, "lease", "dead", "pins"), `${digestOf("orphan")}\n`);
    await using layout = openLayout(root);
    expect(await layout.prune({ dryRun: true })).toEqual({ blobs: 1, bytes: 6 });
    expect(existsSync(join(root, "lease", "dead"))).toBe(true);
    expect(await layout.prune()).toEqual({ blobs: 1, bytes: 6 });
    expect(existsSync(join(root, "lease", "dead"))).toBe(false);
  }));

it("a writer whose lease was cleared away says so and names nothing", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const sample = sampleImage();
    await using layout = openLayout(root);
    await layout.write(sample.image, [parseReference("app:two")], sample.blobs);
    rmSync(join(root, "lease"), { recursive: true });
    await expect(layout.remove([parseReference("app:two")])).rejects.toMatchObject({ code: "store.lease" });
    expect(await layout.read(parseReference("app:two"))).toBeDefined();
    await expect(layout.write(sample.image, [app], sample.blobs)).rejects.toMatchObject({ code: "store.lease" });
    await layout[Symbol.asyncDispose]();
    expect(await layout.read(app)).toBeUndefined();
    await layout.write(sample.image, [app], sample.blobs);
    expect(await layout.read(app)).toBeDefined();
  }));

it("a name is not written when a blob vanishes before it could be", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const sample = sampleImage();
    const [first, second] = sample.image.layers.map((layer) => layer.descriptor.digest);
    await using layout = openLayout(root);
    await layout.put(type, [sample.blobs.contents.get(first!)!]);
    const blobs = {
      has: sample.blobs.has,
      async *open(descriptor: Parameters<typeof sample.blobs.open>[0]) {
        expect(descriptor.digest).toBe(second);
        rmSync(join(root, "blobs", "sha256", hexOf(first!)));
        yield* sample.blobs.open(descriptor);
      },
    };
    await expect(layout.write(sample.image, [app], blobs)).rejects.toMatchObject({ code: "blob.missing" });
    expect(await layout.read(app)).toBeUndefined();
  }));

it("a listing of 5,000 images reads no image", () =>
  inFolder(async (folder) => {
    const manifests = Array.from({ length: 5000 }, (_, at) => ({
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      size: 500,
      digest: digestOf(`manifest ${at}`),
      annotations: {
        "org.opencontainers.image.created": "1980-01-01T00:00:01Z",
        "org.opencontainers.image.ref.name": `docker.io/library/app:${at}`,
        "plinth.image.id": digestOf(`config ${at}`),
        "plinth.image.size": "1234",
      },
    }));
    writeFileSync(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
    await using layout = openLayout(folder);
    const images = await layout.list();
    expect(images).toHaveLength(5000);
    expect(images[4999]).toEqual({
      names: ["docker.io/library/app:4999"],
      imageId: digestOf("config 4999"),
      digest: digestOf("manifest 4999"),
      size: 1234,
      created: "1980-01-01T00:00:01Z",
    });
  }));

it("an image for no platform, as caches are, has an entry for none", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const sample = sampleImage();
    const image = { ...sample.image, config: { ...sample.image.config, os: "", architecture: "" } };
    await using layout = openLayout(root);
    await layout.write(image, [app], sample.blobs);
    const index = JSON.parse(readFileSync(join(root, "index.json"), "utf8"));
    expect(index.manifests[0].platform).toBeUndefined();
    expect((await layout.read(app))?.image).toEqual(image);
  }));

it("a listing leaves out what is no image, and images that are damaged where their entry says nothing", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const sample = sampleImage();
    await using layout = openLayout(root);
    await layout.write(sample.image, [app], sample.blobs);
    const path = join(root, "index.json");
    const index = JSON.parse(readFileSync(path, "utf8"));
    const foreign = { mediaType: "application/vnd.oci.image.manifest.v1+json", size: 2, digest: digestOf("{}") };
    writeFileSync(path, JSON.stringify({ ...index, manifests: [foreign, ...index.manifests] }));
    expect((await layout.list()).map((image) => image.names)).toEqual([["docker.io/library/app:one"]]);
  }));

it("a listing reads the images whose entries another tool wrote", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const sample = sampleImage();
    await using layout = openLayout(root);
    await layout.write(sample.image, [app, parseReference("app:two")], sample.blobs);
    const [mine] = await layout.list();
    expect(mine?.names).toEqual(["docker.io/library/app:one", "docker.io/library/app:two"]);
    const path = join(root, "index.json");
    const index = JSON.parse(readFileSync(path, "utf8"));
    for (const entry of index.manifests) {
      const { "org.opencontainers.image.ref.name": name } = entry.annotations;
      entry.annotations = { "org.opencontainers.image.ref.name": name };
    }
    writeFileSync(path, JSON.stringify(index));
    expect(await layout.list()).toEqual([mine]);
  }));
