import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pruneStore, removeImages } from "../../../src/image-list.ts";
import { diffIdOfTar, digestOf } from "../../../src/oci/digest.ts";
import { type Image, withLayers } from "../../../src/oci/image.ts";
import { mediaTypes } from "../../../src/oci/media-type.ts";
import { ociArchitecture } from "../../../src/oci/platform.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { homeAt } from "../../../src/reach/home.ts";
import { guestPath, type HostPath } from "../../../src/std/path.ts";
import type { StoredImage } from "../../../src/store/contract.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { unpackLayers } from "../../../src/store/unpacked.ts";
import { Stacked } from "../../../src/tar/stacked.ts";
import { archive, type Sketch, temporary } from "../tar/archive.ts";

async function writeImage(home: HostPath, name: string, layers: readonly (readonly Sketch[])[]): Promise<Image> {
  await using store = openLayout(homeAt(home).store, { hold: true });
  const made = [];
  for (const sketches of layers) {
    const tar = archive(sketches);
    made.push({ diffId: diffIdOfTar(digestOf(tar)), descriptor: await store.put(mediaTypes.oci.tar, [tar]) });
  }
  const config = { architecture: ociArchitecture(process.arch), os: "linux", history: [], diffIds: [], config: {} };
  const image = withLayers({ family: "oci", config, layers: [] }, made);
  await store.write(image, [parseReference(`${name}:latest`)], store);
  return image;
}

const below: readonly Sketch[] = [{ name: "shared", content: "1" }];
const first: readonly Sketch[] = [{ name: "own", content: "first" }, { name: ".wh.shared" }];
const second: readonly Sketch[] = [{ name: "own", content: "second" }];

/** Opens the local store and unpacks an image of it, holding its layers while `work` runs. */
async function unpacked<T>(
  home: HostPath,
  name: string,
  work: (layers: Awaited<ReturnType<typeof unpackLayers>>) => Promise<T> | T,
  change: (stored: StoredImage) => StoredImage = (stored) => stored,
): Promise<T> {
  await using store = openLayout(homeAt(home).store, { hold: true });
  const stored = (await store.read(parseReference(`${name}:latest`)))!;
  return await work(
    await unpackLayers(change(stored), { root: homeAt(home).layers, hold: (diffIds) => store.hold(diffIds) }),
  );
}

describe("the store of unpacked layers", () => {
  it("unpacks a layer that images share once, and keeps it from other users", async () => {
    const home = temporary();
    await writeImage(home, "one", [below, first]);
    await writeImage(home, "two", [below, second]);
    const one = await unpacked(home, "one", (layers) => layers);
    const moment = lstatSync(join(one[0]!.tree, "shared")).ino;
    const two = await unpacked(home, "two", (layers) => layers);
    expect(two[0]!.tree).toBe(one[0]!.tree);
    expect(lstatSync(join(two[0]!.tree, "shared")).ino).toBe(moment);
    expect(lstatSync(homeAt(home).layers).mode & 0o777).toBe(0o700);
    expect(new Stacked(one).namesAt(guestPath("/"))).toEqual(["own"]);
    expect(new Stacked(two).namesAt(guestPath("/"))).toEqual(["own", "shared"]);
  });

  it("lets several processes unpack the same layers at once, and counts nothing a killed one left", async () => {
    const home = temporary();
    await writeImage(home, "one", [below, first]);
    const { layers: root } = homeAt(home);
    mkdirSync(join(root, ".new-killed", "tree"), { recursive: true });
    writeFileSync(join(root, ".new-killed", "owner"), "1 1");
    const all = await Promise.all([1, 2, 3, 4].map(() => unpacked(home, "one", (layers) => layers)));
    for (const layers of all) expect(layers).toEqual(all[0]);
    expect(readdirSync(root).sort()).toEqual(all[0]!.map(({ tree }) => tree.split("/").at(-2)!).sort());
  });

  it("keeps nothing of a layer whose blob is damaged", async () => {
    const home = temporary();
    await writeImage(home, "one", [below, first]);
    const damaged = (stored: StoredImage): StoredImage => ({
      ...stored,
      blobs: {
        has: async () => true,
        async *open() {
          yield archive(second);
        },
      },
    });
    await expect(unpacked(home, "one", () => undefined, damaged)).rejects.toMatchObject({ code: "layer.corrupt" });
    expect(readdirSync(homeAt(home).layers)).toEqual([]);
    expect(await unpacked(home, "one", (layers) => new Stacked(layers).textAt(guestPath("/own")))).toBe("first");
  });

  it("pack prune drops the layers no image has, and none that a running build stands on", async () => {
    const home = temporary();
    await writeImage(home, "one", [below, first]);
    await writeImage(home, "two", [below, second]);
    const two = await unpacked(home, "two", (layers) => layers);
    await unpacked(home, "one", async (one) => {
      await removeImages({ home, images: ["one"] });
      await pruneStore({ home });
      for (const { tree } of one) expect(existsSync(tree)).toBe(true);
    });
    await pruneStore({ home });
    for (const { tree } of two) expect(existsSync(tree)).toBe(true);
    expect(readdirSync(homeAt(home).layers)).toHaveLength(2);
    await removeImages({ home, images: ["two"] });
    await pruneStore({ home, caches: true });
    expect(readdirSync(homeAt(home).layers)).toEqual([]);
  });

  it("needs no blob of a layer that is unpacked already", async () => {
    const home = temporary();
    const image = await writeImage(home, "one", [below]);
    await unpacked(home, "one", () => undefined);
    rmSync(join(homeAt(home).store, "blobs", "sha256", image.layers[0]!.descriptor.digest.slice(7)));
    const text = await unpacked(home, "one", ([layer]) => readFileSync(join(layer!.tree, "shared"), "utf8"));
    expect(text).toBe("1");
  });
});
