import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Digest, diffIdOfTar, digestOf } from "../../../src/oci/digest.ts";
import { documentsOf, withLayers } from "../../../src/oci/image.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { under } from "../../../src/std/path.ts";
import type { StoredImage } from "../../../src/store/contract.ts";
import { memoryStore } from "../../../src/store/memory.ts";
import { unpackImage } from "../../../src/store/stack.ts";
import { inFolder } from "./place.ts";
import { blobsOf, sampleImage, tarOf } from "./sample.ts";

const name = parseReference("app");

/** An image of these layer tars, read from a store in memory. */
async function imageOf(tars: readonly Buffer[], diffIds = tars.map((tar) => digestOf(tar))): Promise<StoredImage> {
  const mediaType = "application/vnd.oci.image.layer.v1.tar";
  const layers = tars.map((tar, at) => ({
    diffId: diffIdOfTar(diffIds[at]!),
    descriptor: { mediaType, size: tar.length, digest: digestOf(tar) },
  }));
  const image = withLayers({ ...sampleImage().image, config: { ...sampleImage().image.config, history: [] } }, layers);
  const store = memoryStore();
  await store.write(image, [name], blobsOf(new Map<Digest, Buffer>(tars.map((tar) => [digestOf(tar), tar]))));
  return (await store.read(name))!;
}

it("layers are stacked in order, whiteouts take away what is below", () =>
  inFolder(async (folder) => {
    const stored = await imageOf([
      tarOf("a", Buffer.from("lower")),
      tarOf("b", Buffer.from("gone")),
      tarOf("a", Buffer.from("upper")),
      tarOf(".wh.b", Buffer.alloc(0)),
    ]);
    const root = under(folder, "deep", "root");
    expect(await unpackImage(stored, root)).toEqual([]);
    expect(readdirSync(root)).toEqual(["a"]);
    expect(readFileSync(join(root, "a"), "utf8")).toBe("upper");
    expect(statSync(root).mode & 0o777).toBe(0o755);
    expect(readdirSync(under(folder, "deep"))).toEqual(["root"]);
  }));

it("an empty directory is taken, another is not touched", () =>
  inFolder(async (folder) => {
    const stored = await imageOf([tarOf("a", Buffer.from("1"))]);
    const root = under(folder, "root");
    mkdirSync(root);
    await unpackImage(stored, root);
    writeFileSync(join(root, "mine"), "");
    await expect(unpackImage(stored, root)).rejects.toMatchObject({
      code: "unpack.place",
      message: `Cannot unpack image at ${root}: the directory is not empty`,
    });
    expect(readdirSync(root).sort()).toEqual(["a", "mine"]);
  }));

it("nothing is left when a layer is damaged, is not what the config says, or leads outside", () =>
  inFolder(async (folder) => {
    const good = tarOf("a", Buffer.from("1"));
    const cases: readonly [StoredImage, string][] = [
      [await imageOf([good, good.subarray(0, 700)]), "layer 2 is cut"],
      [await imageOf([good, tarOf("b", Buffer.from("2"))], [digestOf(good), digestOf("else")]), "another diffID"],
      [await imageOf([good, tarOf("../escape", Buffer.from("2"))]), "a name that goes up"],
    ];
    for (const [stored, title] of cases) {
      await expect(unpackImage(stored, under(folder, "root")), title).rejects.toThrow(/^Cannot /);
      expect(readdirSync(folder), title).toEqual([]);
    }
    expect(existsSync(join(folder, "..", "escape"))).toBe(false);
  }));

it("an abort leaves nothing", () =>
  inFolder(async (folder) => {
    const stored = await imageOf([tarOf("a", Buffer.from("1"))]);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(unpackImage(stored, under(folder, "root"), { signal })).rejects.toThrow("enough");
    expect(readdirSync(folder)).toEqual([]);
    expect(documentsOf(stored.image).identity).toEqual(stored.identity);
  }));
