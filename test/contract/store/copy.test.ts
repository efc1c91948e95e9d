import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { documentsOf } from "../../../src/oci/image.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import { under } from "../../../src/std/path.ts";
import type { ImageStore, StoredImage } from "../../../src/store/contract.ts";
import { copyImage } from "../../../src/store/copy.ts";
import { layerTar } from "../../../src/store/layer.ts";
import { memoryStore } from "../../../src/store/memory.ts";
import { implementations, inFolder } from "./place.ts";
import { type Recipe, sampleImage } from "./sample.ts";

const name = parseReference("team/app:v1");

const size = fc.oneof(
  fc.integer({ min: 0, max: 3000 }),
  fc.constantFrom(511, 512, 513, (1 << 20) - 1536, (1 << 20) - 512, 1 << 20, (1 << 20) + 1),
);
const recipe: fc.Arbitrary<Recipe> = fc.record({
  family: fc.constantFrom("oci", "docker"),
  compression: fc.constantFrom("none", "gzip"),
  files: fc.array(
    fc.tuple(size, fc.integer({ min: 1, max: 255 })).map(([length, byte]) => Buffer.alloc(length, byte)),
    { maxLength: 4 },
  ),
  labels: fc.dictionary(fc.string({ minLength: 1 }), fc.string({ unit: "grapheme" }), { maxKeys: 3 }),
});

async function tarDigests(stored: StoredImage): Promise<Digest[]> {
  const digests: Digest[] = [];
  for (const layer of stored.image.layers) digests.push(digestOf(await collect(layerTar(layer, stored.blobs))));
  return digests;
}

describe("copies", () => {
  it("have the same image ID, config and layer contents in all stores, in whatever order they go through them", () =>
    fc.assert(
      fc.asyncProperty(
        recipe,
        fc.shuffledSubarray([...implementations], { minLength: 2, maxLength: 4 }),
        async (made, stations) => {
          const sample = sampleImage(made);
          const { identity, configText } = documentsOf(sample.image);
          await inFolder(async (folder) => {
            const first: ImageStore = memoryStore();
            await first.write(sample.image, [name], sample.blobs);
            const opened = stations.map((station, at) => station.open(under(folder, String(at))));
            try {
              let stored = await first.read(name);
              for (const store of opened) {
                const copied = await copyImage(stored!, store, [name]);
                expect(copied.imageId).toBe(identity.imageId);
                stored = await store.read(name);
                expect(stored?.identity).toEqual(copied);
                expect(stored?.configText).toBe(configText);
                expect(await tarDigests(stored!)).toEqual(sample.image.config.diffIds);
              }
            } finally {
              for (const store of opened) await store[Symbol.asyncDispose]();
            }
          });
        },
      ),
      { numRuns: 40 },
    ));

  it("are the same bytes, manifest and all, when they come back to the kind of store they left", () =>
    fc.assert(
      fc.asyncProperty(recipe, fc.constantFrom(...implementations), async (made, implementation) => {
        const sample = sampleImage(made);
        await inFolder(async (folder) => {
          await using from = implementation.open(under(folder, "from"));
          await using to = implementation.open(under(folder, "to"));
          await from.write(sample.image, [name], sample.blobs);
          const before = await from.read(name);
          expect(await copyImage(before!, to, [name])).toEqual(before?.identity);
          const after = await to.read(name);
          expect(after?.manifestText).toBe(before?.manifestText);
          expect(after?.configText).toBe(before?.configText);
        });
      }),
      { numRuns: 40 },
    ));
});
