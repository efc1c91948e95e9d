import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { documentsOf } from "../../../src/oci/image.ts";
import { mediaTypes } from "../../../src/oci/media-type.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import { under } from "../../../src/std/path.ts";
import { openArchive } from "../../../src/store/archive.ts";
import { copyImage } from "../../../src/store/copy.ts";
import { layerTar } from "../../../src/store/layer.ts";
import { memoryStore } from "../../../src/store/memory.ts";
import { openRegistry } from "../../../src/store/registry.ts";
import { hasZstd } from "../../../src/tar/gzip.ts";
import { gzipAsReference } from "../../../src/tar/gzip-reference.ts";
import { peer } from "../../support/peer.ts";
import { type RunningRegistry, startRegistry } from "../../support/registry.ts";
import { inFolder } from "./place.ts";
import { sampleImage } from "./sample.ts";

const files = [Buffer.from("lower"), Buffer.alloc(3_000_000, "upper")];

function skopeo(test: TestContext, ...args: string[]): string {
  const path = peer("skopeo", test);
  return execFileSync(path, ["--insecure-policy", ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

let running: RunningRegistry | undefined;
beforeAll(async () => {
  running = await startRegistry({ skip: () => undefined as never }).catch(() => undefined);
});
afterAll(() => running?.[Symbol.asyncDispose]());

function hostFor(test: TestContext): string {
  peer("docker-registry", test);
  return running!.host;
}

describe("docker-registry and skopeo", () => {
  it.for(["oci", "docker"] as const)("take what we push, %s family", (family, test) =>
    inFolder(async (folder) => {
      const name = `${hostFor(test)}/push/${family}:v1`;
      const sample = sampleImage({ family, files, labels: { hello: "world" } });
      await using registry = openRegistry();
      const identity = await registry.write(sample.image, [parseReference(name)], sample.blobs);
      const place = ["--tls-verify=false", `docker://${name}`];
      expect(JSON.parse(skopeo(test, "inspect", ...place))).toMatchObject({
        Architecture: "amd64",
        Digest: identity.digest,
        Labels: { hello: "world" },
      });
      expect(digestOf(skopeo(test, "inspect", "--raw", "--config", ...place))).toBe(identity.imageId);
      const manifest = JSON.parse(skopeo(test, "inspect", "--raw", ...place));
      expect(manifest.mediaType).toBe(mediaTypes[family].manifest);
      expect(manifest.layers.map((layer: { mediaType: string }) => layer.mediaType)).toEqual([
        mediaTypes.docker.gzip,
        mediaTypes.docker.gzip,
      ]);
      skopeo(test, "copy", "--src-tls-verify=false", `docker://${name}`, `dir:${folder}/copy`);
    }),
  );

  it("give what skopeo pushed", (test) =>
    inFolder(async (folder) => {
      const name = `${hostFor(test)}/by-skopeo/app:v1`;
      const sample = sampleImage({ files });
      await using archive = openArchive(under(folder, "a.tar"), { form: "oci" });
      await archive.write(sample.image, [parseReference("a:v1")], sample.blobs);
      skopeo(test, "copy", "--dest-tls-verify=false", `oci-archive:${folder}/a.tar:v1`, `docker://${name}`);
      await using registry = openRegistry();
      const stored = await registry.read(parseReference(name));
      expect(stored?.identity.imageId).toBe(documentsOf(sample.image).identity.imageId);
      for (const layer of stored!.image.layers)
        expect(digestOf(await collect(layerTar(layer, stored!.blobs)))).toBe(layer.diffId);
    }));
});

describe("a registry as a place to copy from and to", () => {
  it("streams layers in bounded memory, both ways", async (test) => {
    const script = fileURLToPath(new URL("registry-stream.ts", import.meta.url));
    const args = ["--import", import.meta.resolve("tsx"), script, hostFor(test), "192", "3"];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { pulled, peak } = JSON.parse(stdout);
    expect(pulled).toBeGreaterThan(3 * (96 << 20));
    expect(peak).toBeLessThan(250e6);
  });

  it("copies more blobs than may move at a time between two registries that are one", async (test) => {
    const [from, to] = ["from", "to"].map((name) => parseReference(`${hostFor(test)}/copy/${name}:v1`));
    const files = Array.from({ length: 7 }, () => randomBytes(50_000));
    const sample = sampleImage({ files, compression: "gzip" });
    await using source = openRegistry({ concurrency: 2 });
    await source.write(sample.image, [from!], sample.blobs);
    await using target = openRegistry({ concurrency: 2 });
    const stored = await source.read(from!);
    // Each of them holds the connections of the other's blobs for as long as it needs them.
    const [there] = await Promise.all([copyImage(stored!, target, [to!]), copyImage(stored!, memoryStore(), [to!])]);
    expect(there).toEqual(stored?.identity);
    expect((await target.read(to!))?.identity).toEqual(stored?.identity);
  });

  it("asks for no config that is at hand", async (test) => {
    const name = parseReference(`${hostFor(test)}/nearby/app:v1`);
    const sample = sampleImage({ files: [Buffer.from("x")] });
    const events: string[] = [];
    const nearby = memoryStore();
    await nearby.write(sample.image, [name], sample.blobs);
    await using registry = openRegistry({
      nearby,
      emit: (event) => event.type === "log" && events.push(event.text.replace(/ http.*\/v2\//, " ")),
    });
    await registry.write(sample.image, [name], sample.blobs);
    events.length = 0;
    expect(await registry.read(name)).toBeDefined();
    expect(events).toEqual(["GET nearby/app/manifests/v1: 200"]);
  });

  it("refuses an image without a name", async () => {
    await using registry = openRegistry();
    const sample = sampleImage();
    await expect(registry.write(sample.image, [], sample.blobs)).rejects.toMatchObject({ code: "registry.name" });
  });

  it("pushes zstd with OCI's type where Node has it", async (test) => {
    const name = parseReference(`${hostFor(test)}/zstd/app:v1`);
    const sample = sampleImage();
    await using registry = openRegistry({ compression: "zstd" });
    const written = registry.write(sample.image, [name], sample.blobs);
    if (!hasZstd()) return expect(written).rejects.toMatchObject({ code: "zstd.missing" });
    await written;
    const stored = await registry.read(name);
    expect(stored?.image.layers[0]?.descriptor.mediaType).toBe(mediaTypes.oci.zstd);
    for (const layer of stored!.image.layers)
      expect(digestOf(await collect(layerTar(layer, stored!.blobs)))).toBe(layer.diffId);
  });

  it("pushes the very gzip of the reference when asked to, and so does an archive", async (test) => {
    const name = parseReference(`${hostFor(test)}/reference/app:v1`);
    const sample = sampleImage({ files: [Buffer.from("x"), Buffer.alloc(200_000, "layer ")] });
    const digests: string[] = [];
    for (const layer of sample.image.layers)
      digests.push(digestOf(await collect(gzipAsReference(layerTar(layer, sample.blobs)))));
    await using registry = openRegistry({ compression: "reference" });
    await registry.write(sample.image, [name], sample.blobs);
    const pushed = (await registry.read(name))!.image.layers.map(({ descriptor }) => descriptor);
    expect(pushed.map(({ digest, mediaType }) => [digest, mediaType])).toEqual(
      digests.map((digest) => [digest, mediaTypes.docker.gzip]),
    );
    await inFolder(async (folder) => {
      await using archive = openArchive(under(folder, "a.tar"), { form: "oci", compression: "reference" });
      await archive.write(sample.image, [name], sample.blobs);
      const written = (await archive.sole())!.image.layers.map(({ descriptor }) => descriptor);
      expect(written.map(({ digest, mediaType }) => [digest, mediaType])).toEqual(
        digests.map((digest) => [digest, mediaTypes.oci.gzip]),
      );
    });
  });

  it("gives layers the types of their family when asked to", async (test) => {
    const name = parseReference(`${hostFor(test)}/types/app:v1`);
    const sample = sampleImage();
    await using registry = openRegistry({ layerTypes: "family" });
    await registry.write(sample.image, [name], sample.blobs);
    const types = (await registry.read(name))?.image.layers.map(({ descriptor }) => descriptor.mediaType);
    expect(new Set(types)).toEqual(new Set([mediaTypes.oci.gzip]));
  });
});
