import { createReadStream, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { documentsOf } from "../../../src/oci/image.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { under } from "../../../src/std/path.ts";
import { openArchive } from "../../../src/store/archive.ts";
import { textOf } from "../../../src/tar/name.ts";
import { readTar, type TarEntry } from "../../../src/tar/read.ts";
import { inFolder } from "./place.ts";
import { type Sample, sampleImage } from "./sample.ts";

const name = parseReference("team/app:v1");

async function headersOf(path: string): Promise<TarEntry["header"][]> {
  const headers: TarEntry["header"][] = [];
  for await (const { header } of readTar(createReadStream(path))) headers.push(header);
  return headers;
}

/** An image whose first and third layer are the same. */
function repeated(): Sample {
  const sample = sampleImage({ files: [Buffer.from("one"), Buffer.from("two")] });
  const layers = [...sample.image.layers, sample.image.layers[0]!];
  const config = { ...sample.image.config, diffIds: layers.map((layer) => layer.diffId), history: [] };
  return { ...sample, image: { ...sample.image, layers, config } };
}

const hex = (digest: string) => digest.slice("sha256:".length);

it("a Docker archive has its list first, then the config and each layer once", () =>
  inFolder(async (folder) => {
    const path = under(folder, "image.tar");
    const { image, blobs } = repeated();
    await using archive = openArchive(path, { form: "docker" });
    const { imageId } = await archive.write(image, [name, parseReference("app")], blobs);
    const [first, second] = image.layers.map((layer) => `${hex(layer.diffId)}.tar`);
    const headers = await headersOf(path);
    expect(headers.map((header) => textOf(header.name))).toEqual([
      "manifest.json",
      `${hex(imageId)}.json`,
      first,
      second,
    ]);
    for (const header of headers) expect(header).toMatchObject({ mode: 0o644, uid: 0, gid: 0, mtime: 0 });
    const list = readFileSync(path)
      .subarray(512, 512 + headers[0]!.size)
      .toString();
    expect(JSON.parse(list)).toEqual([
      {
        Config: `${hex(imageId)}.json`,
        RepoTags: ["docker.io/team/app:v1", "docker.io/library/app:latest"],
        Layers: [first, second, first],
      },
    ]);
  }));

it("an OCI archive has its directories, each blob once, and its index last", () =>
  inFolder(async (folder) => {
    const path = under(folder, "image.tar");
    const { image, blobs } = repeated();
    await using archive = openArchive(path, { form: "oci" });
    const { imageId, digest } = await archive.write(image, [name], blobs);
    const stored = await archive.read(name);
    const blob = (text: string) => `blobs/sha256/${hex(text)}`;
    const layers = stored!.image.layers.map((layer) => blob(layer.descriptor.digest));
    const names = (await headersOf(path)).map((header) => textOf(header.name));
    expect(layers[0]).toBe(layers[2]);
    expect(names).toEqual([
      "oci-layout",
      "blobs/",
      "blobs/sha256/",
      layers[0],
      layers[1],
      blob(imageId),
      blob(digest),
      "index.json",
    ]);
  }));

it.each(["docker", "oci"] as const)("the same image gives the same archive: %s", (form) =>
  inFolder(async (folder) => {
    const sample = sampleImage();
    for (const file of ["a.tar", "b.tar"]) {
      await using archive = openArchive(under(folder, file), { form });
      await archive.write(sample.image, [name], sample.blobs);
    }
    expect(readFileSync(join(folder, "a.tar")).equals(readFileSync(join(folder, "b.tar")))).toBe(true);
  }),
);

it("a second writer of one archive waits for the first", () =>
  inFolder(async (folder) => {
    const path = under(folder, "image.tar");
    const [first, second] = [sampleImage(), sampleImage()];
    let began = false;
    let other: Promise<unknown> | undefined;
    const noting = {
      has: second.blobs.has,
      open: (descriptor: Parameters<typeof second.blobs.open>[0]) => {
        began = true;
        return second.blobs.open(descriptor);
      },
    };
    const starting = {
      has: first.blobs.has,
      async *open(descriptor: Parameters<typeof first.blobs.open>[0]) {
        other ??= (async () => {
          await using archive = openArchive(path, { form: "docker" });
          return archive.write(second.image, [name], noting);
        })();
        // Time enough for the other to get as far as it can.
        for (let turn = 0; turn < 300 && !began; turn++) await setImmediate();
        expect(began).toBe(false);
        yield* first.blobs.open(descriptor);
      },
    };
    await using archive = openArchive(path, { form: "docker" });
    await archive.write(first.image, [name], starting);
    await other;
    await using found = openArchive(path, { form: "docker" });
    expect((await found.sole())!.identity.imageId).toBe(documentsOf(second.image).identity.imageId);
    expect(readdirSync(folder)).toEqual(["image.tar"]);
  }));

it("a link to an archive stays a link", () =>
  inFolder(async (folder) => {
    const sample = sampleImage();
    writeFileSync(join(folder, "real.tar"), "");
    symlinkSync("real.tar", join(folder, "link.tar"));
    await using archive = openArchive(under(folder, "link.tar"), { form: "oci" });
    await archive.write(sample.image, [name], sample.blobs);
    expect(readdirSync(folder).sort()).toEqual(["link.tar", "real.tar"]);
    expect(statSync(join(folder, "real.tar")).size).toBeGreaterThan(0);
    expect(await archive.read(name)).toBeDefined();
  }));
