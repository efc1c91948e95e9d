import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it, type TestContext } from "vitest";
import type { Digest } from "../../../src/oci/digest.ts";
import { diffIdOfTar, digestOf } from "../../../src/oci/digest.ts";
import { documentsOf, type Image, withLayers } from "../../../src/oci/image.ts";
import { mediaTypes } from "../../../src/oci/media-type.ts";
import { formatReference, parseReference } from "../../../src/oci/reference.ts";
import { writeLaunchCache } from "../../../src/phase/cache-directory.ts";
import { collect } from "../../../src/std/byte.ts";
import type { Event } from "../../../src/std/event.ts";
import { Fault } from "../../../src/std/fault.ts";
import { hostPath, under } from "../../../src/std/path.ts";
import type { BlobSource, StoredImage } from "../../../src/store/contract.ts";
import { copyImage } from "../../../src/store/copy.ts";
import { type DaemonOptions, firstLocal, launchBlobs, localBlobs, openDaemon } from "../../../src/store/daemon.ts";
import { layerTar } from "../../../src/store/layer.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { memoryStore } from "../../../src/store/memory.ts";
import { hasZstd, zstd } from "../../../src/tar/gzip.ts";
import { type EngineName, engineFor, type RunningEngine } from "../../support/dockerd.ts";
import { blobsOf, type Sample, sampleImage, tarOf } from "./sample.ts";

const names: readonly EngineName[] = ["Docker", "Podman"];
let count = 0;

/** A name nobody else in this file uses: the engine lasts for all tests. */
function fresh(tag = "one") {
  count += 1;
  return parseReference(`registry.example:5000/team/app-${count}:${tag}`);
}

async function tarsOf(stored: StoredImage): Promise<string[]> {
  const tars = await Promise.all(stored.image.layers.map((layer) => collect(layerTar(layer, stored.blobs))));
  return tars.map((tar) => digestOf(tar));
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("expected a fault, nothing was thrown");
}

function idOf(engine: RunningEngine, name: string): string {
  return engine.client("image", "inspect", "--format", "{{.Id}}", name).replace(/^(?!sha256:)/, "sha256:");
}

/** The bytes that were sent, as the events tell. */
function sentIn(events: readonly Event[]): number {
  return events.reduce((sum, event) => (event.type === "progress" ? Math.max(sum, event.done) : sum), 0);
}

/** Two images stacked: the layers of the first below those of the second. */
function stacked(below: Sample, above: Sample): Sample {
  const image: Image = withLayers(above.image, [...below.image.layers, ...above.image.layers]);
  return { image, blobs: blobsOf(new Map([...below.blobs.contents, ...above.blobs.contents])) };
}

/** Blobs of which none may be read but these. */
function only(blobs: BlobSource, digests: readonly Digest[]): BlobSource & { readonly opened: Digest[] } {
  const opened: Digest[] = [];
  return {
    opened,
    has: blobs.has,
    open(descriptor) {
      opened.push(descriptor.digest);
      if (!digests.includes(descriptor.digest)) throw new Error(`blob ${descriptor.digest} was read`);
      return blobs.open(descriptor);
    },
  };
}

describe.each(names)("a daemon as an image store: %s", (title) => {
  const engine = engineFor(title);
  const open = async (test: TestContext, options: DaemonOptions = {}) => {
    const running = await engine(test);
    return { running, daemon: await openDaemon(running.address, options) };
  };

  it("has no image before one is written", async (test) => {
    const { daemon: store } = await open(test);
    await using daemon = store;
    expect(await daemon.read(fresh())).toBeUndefined();
    expect(await daemon.glance(fresh())).toBeUndefined();
    expect(await daemon.readId("f".repeat(64))).toBeUndefined();
  });

  it.for(["oci", "docker"] as const)(
    "reads what was written, %s family, with the ID of every other store",
    async (family, test) => {
      const { running, daemon: store } = await open(test);
      await using daemon = store;
      const sample = sampleImage({ family, labels: { a: "<&>\u2028é" } });
      const [one, two] = [fresh(), fresh("two")];
      const identity = await daemon.write(sample.image, [one, two], sample.blobs);
      expect(identity).toEqual(documentsOf(sample.image).identity);
      expect(identity).toEqual(await memoryStore().write(sample.image, [one], sample.blobs));
      expect(daemon.idOf(identity)).toBe(idOf(running, formatReference(one)));
      expect(idOf(running, formatReference(two))).toBe(identity.imageId);
      for (const stored of [await daemon.read(one), await daemon.read(two), await daemon.readId(identity.imageId)]) {
        expect(stored?.identity.imageId).toBe(identity.imageId);
        expect(stored?.configText).toBe(documentsOf(sample.image).configText);
        expect(digestOf(stored!.manifestText)).toBe(stored?.identity.digest);
        expect(stored?.image.config).toEqual(sample.image.config);
        expect(await tarsOf(stored!)).toEqual(sample.image.config.diffIds);
      }
      expect((await daemon.readId(identity.imageId.slice(7, 19)))?.identity.imageId).toBe(identity.imageId);
      expect(await daemon.glance(one)).toMatchObject({
        id: identity.imageId,
        config: { diffIds: sample.image.config.diffIds },
      });
    },
  );

  it("keeps a config another tool wrote, byte for byte", async (test) => {
    const { daemon: store } = await open(test);
    await using daemon = store;
    const sample = sampleImage({ compression: "gzip" });
    const documents = documentsOf(sample.image);
    const configText = documents.configText.replace("{", '{ "moby.buildkit.v1": "kept",\n');
    const manifestText = documents.manifestText
      .replace(documents.identity.imageId, digestOf(configText))
      .replace(`"size":${documents.configText.length}`, `"size": ${configText.length}`);
    const name = fresh();
    const identity = await daemon.write(sample.image, [name], sample.blobs, { configText, manifestText });
    const stored = await daemon.read(name);
    expect(stored?.configText).toBe(configText);
    expect(stored?.identity.imageId).toBe(identity.imageId);
    expect(identity.imageId).toBe(digestOf(configText));
  });

  it("unpacks zstd for daemons that do not know it", async (test) => {
    if (!hasZstd()) return test.skip("this Node has no zstd");
    const { daemon: store } = await open(test);
    await using daemon = store;
    const tar = tarOf("file", randomBytes(5000));
    const blob = await collect(zstd([tar]));
    const digest = digestOf(blob);
    const plain = sampleImage({ files: [] });
    const image = withLayers(plain.image, [
      { diffId: diffIdOfTar(digestOf(tar)), descriptor: { mediaType: mediaTypes.oci.zstd, size: blob.length, digest } },
    ]);
    const name = fresh();
    await daemon.write(image, [name], blobsOf(new Map([[digest, blob]])));
    expect(await tarsOf((await daemon.read(name))!)).toEqual(image.config.diffIds);
  });

  it("sends only what the daemon lacks", async (test) => {
    const events: Event[] = [];
    const { daemon: store } = await open(test, { onEvent: (event) => events.push(event) });
    await using daemon = store;
    const base = sampleImage({ files: [randomBytes(3_000_000), randomBytes(2_000_000)] });
    const [first, second] = [sampleImage({ files: [randomBytes(1000)] }), sampleImage({ files: [randomBytes(1000)] })];
    const name = fresh();
    await daemon.write(stacked(base, first).image, [name], stacked(base, first).blobs);
    expect(sentIn(events.splice(0))).toBeGreaterThan(5_000_000);
    const next = stacked(base, second);
    const allowed = second.image.layers.map((layer) => layer.descriptor.digest);
    const identity = await daemon.write(next.image, [name], only(next.blobs, allowed));
    expect(sentIn(events.splice(0))).toBeLessThan(20_000);
    const stored = await daemon.read(name);
    expect(stored?.identity.imageId).toBe(identity.imageId);
    expect(await tarsOf(stored!)).toEqual(next.image.config.diffIds);
  });

  it("sends the app's layers and not the base when it is put on another base", async (test) => {
    const events: Event[] = [];
    const { daemon: store } = await open(test, { onEvent: (event) => events.push(event) });
    await using daemon = store;
    const [oldBase, newBase] = [
      sampleImage({ files: [randomBytes(2_000_000)] }),
      sampleImage({ files: [randomBytes(2_000_000)] }),
    ];
    const app = sampleImage({ files: [randomBytes(3000), randomBytes(4000)] });
    const [name, baseName] = [fresh(), fresh()];
    await daemon.write(stacked(oldBase, app).image, [name], stacked(oldBase, app).blobs);
    await daemon.write(newBase.image, [baseName], newBase.blobs);
    events.splice(0);
    const moved = stacked(newBase, app);
    // Docker knows a layer by what is below it, Podman by itself.
    const allowed = title === "Docker" ? app.image.layers.map((layer) => layer.descriptor.digest) : [];
    const blobs = only(moved.blobs, allowed);
    await daemon.write(moved.image, [name], blobs);
    expect(blobs.opened).toEqual(allowed);
    expect(sentIn(events)).toBeLessThan(30_000);
    expect(await tarsOf((await daemon.read(name))!)).toEqual(moved.image.config.diffIds);
  });

  it("takes an image with the same layer twice, and one without layers", async (test) => {
    const { running, daemon: store } = await open(test);
    await using daemon = store;
    const twice = sampleImage({ files: [Buffer.from("same")] });
    const image = withLayers(twice.image, [
      ...twice.image.layers,
      ...sampleImage({ files: [Buffer.from("between")] }).image.layers,
      ...twice.image.layers,
    ]);
    const blobs = blobsOf(
      new Map([...twice.blobs.contents, ...sampleImage({ files: [Buffer.from("between")] }).blobs.contents]),
    );
    const name = fresh();
    const identity = await daemon.write(image, [name], blobs);
    expect(idOf(running, formatReference(name))).toBe(identity.imageId);
    expect(await tarsOf((await daemon.read(name))!)).toEqual(image.config.diffIds);
    if (title === "Podman") return;
    const empty = sampleImage({ files: [] });
    expect((await daemon.write(empty.image, [name], empty.blobs)).imageId).toBe(idOf(running, formatReference(name)));
  });

  it("writes an image without a name, which its ID finds", async (test) => {
    const { daemon: store } = await open(test);
    await using daemon = store;
    const sample = sampleImage();
    const identity = await daemon.write(sample.image, [], sample.blobs);
    expect(await daemon.glance(identity.imageId)).toMatchObject({ names: [] });
  });

  it("exchanges images with the engine's own client", async (test) => {
    const { running, daemon: store } = await open(test);
    await using daemon = store;
    const folder = hostPath(join(running.folder, `exchange-${count}`));
    mkdirSync(folder);
    writeFileSync(join(folder, "rootfs.tar"), tarOf("letter", Buffer.from("dear")));
    const name = parseReference("exchange.example/by/client:v1");
    running.client(
      "import",
      "--change",
      "LABEL who=me",
      "--message",
      "by hand",
      join(folder, "rootfs.tar"),
      formatReference(name),
    );
    const stored = await daemon.read(name);
    expect(stored?.identity.imageId).toBe(idOf(running, formatReference(name)));
    expect(stored?.image.config.config.Labels).toEqual({ who: "me" });
    expect(await tarsOf(stored!)).toEqual(stored?.image.config.diffIds);
    await using layout = openLayout(under(folder, "store"));
    expect((await copyImage(stored!, layout, [name])).imageId).toBe(stored?.identity.imageId);
    const again = await copyImage((await layout.read(name))!, daemon, [fresh()]);
    expect(again.imageId).toBe(stored?.identity.imageId);
  });

  it("reads without an export an image whose layers are on this machine", async (test) => {
    const { running, daemon: plain } = await open(test);
    await using other = plain;
    const folder = hostPath(join(running.folder, "local"));
    await using layout = openLayout(under(folder, "store"));
    const sample = sampleImage({ labels: { a: "b" } });
    const history = [
      ...sample.image.config.history,
      { created_by: "nothing", empty_layer: true, created: "1980-01-01T00:00:01Z" },
    ];
    const image = { ...sample.image, config: { ...sample.image.config, history } };
    for (const layer of image.layers) await layout.put(layer.descriptor.mediaType, sample.blobs.open(layer.descriptor));
    const name = fresh();
    const identity = await other.write(image, [name], sample.blobs);
    const local = localBlobs(layout, under(folder, "store"));
    // A folder that is not there: an export would fail.
    await using daemon = await openDaemon(running.address, { local, temporary: under(folder, "missing") });
    const stored = await daemon.read(name);
    expect(stored?.identity).toEqual(identity);
    expect(stored?.image).toEqual(image);
    expect(await tarsOf(stored!)).toEqual(image.config.diffIds);
    await using nothing = openLayout(under(folder, "nothing"));
    const none = localBlobs(nothing, under(folder, "nothing"));
    await using without = await openDaemon(running.address, { local: none, temporary: under(folder, "missing") });
    expect((await faultOf(without.read(name))).code).toBe("store.system");
  });

  it("CACHE-007 reads without an export what a launch cache and the local store have together", async (test) => {
    const { running, daemon: plain } = await open(test);
    await using other = plain;
    const folder = hostPath(join(running.folder, `launch-${title}`));
    const [base, own] = [
      sampleImage({ files: [Buffer.from("base")] }),
      sampleImage({ files: [Buffer.from("own"), Buffer.from("more")] }),
    ];
    const app = stacked(base, own);
    const name = fresh();
    const identity = await other.write(app.image, [name], app.blobs);
    const launch = under(folder, "launch");
    await writeLaunchCache(launch, own.image.layers, own.blobs);
    expect(readdirSync(join(launch, "committed")).sort()).toEqual(
      own.image.config.diffIds.map((diffId) => `${diffId}.tar`).sort(),
    );
    const layout = under(folder, "store");
    await using store = openLayout(layout);
    for (const layer of base.image.layers)
      await store.put(layer.descriptor.mediaType, base.blobs.open(layer.descriptor));
    const missing = under(folder, "missing");
    const local = firstLocal(localBlobs(store, layout), launchBlobs(launch));
    await using daemon = await openDaemon(running.address, { local, temporary: missing });
    const stored = await daemon.read(name);
    expect(stored?.identity.imageId).toBe(identity.imageId);
    expect(await tarsOf(stored!)).toEqual(app.image.config.diffIds);
    // Without the launch cache it would have to be exported.
    await using without = await openDaemon(running.address, { local: localBlobs(store, layout), temporary: missing });
    expect((await faultOf(without.read(name))).code).toBe("store.system");
  });

  it("leaves no file of an export behind", async (test) => {
    const { running, daemon: plain } = await open(test);
    await using other = plain;
    const folder = hostPath(join(running.folder, `temporary-${title}`));
    mkdirSync(folder);
    const sample = sampleImage();
    const name = fresh();
    await other.write(sample.image, [name], sample.blobs);
    await using daemon = await openDaemon(running.address, { temporary: folder });
    const stored = await daemon.read(name);
    expect(readdirSync(folder)).toEqual([]);
    expect(await tarsOf(stored!)).toEqual(sample.image.config.diffIds);
  });

  it("moves a name to the image written last; what was read before can still be read", async (test) => {
    const { daemon: store } = await open(test);
    await using daemon = store;
    const [first, second] = [sampleImage(), sampleImage()];
    const name = fresh();
    await daemon.write(first.image, [name], first.blobs);
    const before = await daemon.read(name);
    const identity = await daemon.write(second.image, [name], second.blobs);
    expect((await daemon.read(name))?.identity.imageId).toBe(identity.imageId);
    expect(await tarsOf(before!)).toEqual(first.image.config.diffIds);
  });

  const damages: readonly [string, (content: Buffer) => Buffer][] = [
    ["a byte that is wrong", (content) => content.fill(content[700]! ^ 1, 700, 701)],
    ["a missing end", (content) => content.subarray(0, -512)],
    ["nothing in it", () => Buffer.alloc(0)],
    ["more behind it", (content) => Buffer.concat([content, Buffer.alloc(512)])],
  ];
  it.for(damages)("refuses a source whose blob has %s, and no name moves", async ([, damage], test) => {
    const { daemon: store } = await open(test);
    await using daemon = store;
    const [first, second] = [sampleImage(), sampleImage()];
    const [one, two] = [fresh(), fresh()];
    const identity = await daemon.write(first.image, [one], first.blobs);
    const { digest } = second.image.layers[1]!.descriptor;
    second.blobs.contents.set(digest, damage(Buffer.from(second.blobs.contents.get(digest)!)));
    expect((await faultOf(daemon.write(second.image, [one, two], second.blobs))).code).toBe("blob.corrupt");
    expect((await daemon.read(one))?.identity.imageId).toBe(identity.imageId);
    expect(await daemon.glance(two)).toBeUndefined();
    expect(await daemon.glance(documentsOf(second.image).identity.imageId)).toBeUndefined();
  });

  it("passes on what the daemon says of a layer that is not what its diffID promises", async (test) => {
    // Podman does not look.
    if (title === "Podman") return;
    const { daemon: store } = await open(test);
    await using daemon = store;
    const sample = sampleImage({ files: [randomBytes(100), randomBytes(100)] });
    const blob = gzipSync(tarOf("other", randomBytes(100)));
    const digest = digestOf(blob);
    const descriptor = { mediaType: mediaTypes.oci.gzip, size: blob.length, digest };
    const image = withLayers(sample.image, [{ ...sample.image.layers[0]!, descriptor }, sample.image.layers[1]!]);
    const name = fresh();
    const blobs = blobsOf(new Map([...sample.blobs.contents, [digest, blob]]));
    const fault = await faultOf(daemon.write(image, [name], blobs));
    expect(fault.code).toBe("daemon.refused");
    expect(fault.message).toContain(`Cannot save image ${formatReference(name)} at unix://`);
    expect(fault.message).toContain("the daemon answers: invalid diffID for layer 0");
    expect(await daemon.glance(name)).toBeUndefined();
  });

  it("ends at once when it is aborted in the middle, and nothing is named", async (test) => {
    const controller = new AbortController();
    const { running, daemon: store } = await open(test, { signal: controller.signal });
    await using daemon = store;
    const sample = sampleImage();
    const name = fresh();
    const blobs: BlobSource = {
      has: sample.blobs.has,
      async *open() {
        yield Buffer.alloc(100);
        controller.abort(new Error("stop"));
        yield Buffer.alloc(100);
        await new Promise(() => {});
      },
    };
    await expect(daemon.write(sample.image, [name], blobs)).rejects.toThrow("stop");
    await using other = await openDaemon(running.address);
    expect(await other.glance(name)).toBeUndefined();
    expect(await other.glance(documentsOf(sample.image).identity.imageId)).toBeUndefined();
  });

  it("refuses a name whose digest is not the image's", async (test) => {
    const { daemon: store } = await open(test);
    await using daemon = store;
    const sample = sampleImage();
    const name = parseReference(`app@${digestOf("something else")}`);
    expect((await faultOf(daemon.write(sample.image, [name], sample.blobs))).code).toBe("image.name");
  });

  it("takes writes at the same time", async (test) => {
    const { daemon: store } = await open(test);
    await using daemon = store;
    const base = sampleImage({ files: [randomBytes(10_000)] });
    const samples = Array.from({ length: 5 }, () => stacked(base, sampleImage({ files: [randomBytes(500)] })));
    const wanted = samples.map(() => fresh());
    const written = await Promise.all(samples.map(({ image, blobs }, at) => daemon.write(image, [wanted[at]!], blobs)));
    for (const [at, name] of wanted.entries()) expect((await daemon.glance(name))?.id).toBe(written[at]?.imageId);
  });
});

describe("a daemon whose disk is full", () => {
  const engine = engineFor("Docker", { room: 40 });

  it("is heard within its answer, which began well; nothing is named, and there is room again", async (test) => {
    const { address } = await engine(test);
    await using daemon = await openDaemon(address);
    const [large, small] = [
      sampleImage({ files: [randomBytes(60_000_000)] }),
      sampleImage({ files: [randomBytes(100)] }),
    ];
    const name = fresh();
    const fault = await faultOf(daemon.write(large.image, [name], large.blobs));
    expect(fault.code).toBe("daemon.refused");
    expect(fault.message).toContain("no space left on device");
    expect(await daemon.glance(name)).toBeUndefined();
    expect((await daemon.glance((await daemon.write(small.image, [name], small.blobs)).imageId))?.names).toHaveLength(
      1,
    );
  });

  it("has died: the fault says that nobody answers", async (test) => {
    const running = await engine(test);
    await using daemon = await openDaemon(running.address);
    const sample = sampleImage();
    const blobs: BlobSource = {
      has: sample.blobs.has,
      async *open(descriptor) {
        await running.crash();
        yield* sample.blobs.open(descriptor);
      },
    };
    const fault = await faultOf(daemon.write(sample.image, [fresh()], blobs));
    expect(fault.code).toBe("daemon.gone");
    await running.crash();
    expect((await faultOf(openDaemon(running.address))).code).toBe("daemon.unreachable");
    expect(readFileSync("/proc/self/mounts", "utf8")).toContain(running.folder);
  });
});
