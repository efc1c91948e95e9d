import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { diffIdOfTar } from "../../src/oci/digest.ts";
import { type Image, withLayers } from "../../src/oci/image.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";
import { parseReference } from "../../src/oci/reference.ts";
import type { BlobStore } from "../../src/store/contract.ts";
import type { Bench } from "./flow.ts";

/** The image with layers of its own in the place of those it has: one for each of `parts`, with a file that says `title`. */
export async function withOwnLayers(
  bench: Bench,
  store: BlobStore,
  image: Image,
  title: string,
  parts: readonly string[] = ["a", "b", "c"],
): Promise<Image> {
  const layers = await Promise.all(
    parts.map(async (part) => {
      const path = join(bench.root, `${title}-${part}`);
      bench.write(`${title}-${part}/etc/${part}`, `${title} ${part}\n`);
      execFileSync("tar", ["--mtime=@0", "--owner=0", "--group=0", "-cf", `${path}.tar`, "-C", path, "."]);
      const descriptor = await store.put(mediaTypes.oci.tar, [readFileSync(`${path}.tar`)]);
      return { diffId: diffIdOfTar(descriptor.digest), descriptor };
    }),
  );
  return withLayers(image, layers);
}

/** Stores a run image of three layers that no other has. */
export async function threeLayers(bench: Bench, name: string): Promise<Image> {
  const image = await bench.runImage(name);
  await using store = bench.store();
  const made = await withOwnLayers(bench, store, image, name);
  await store.write(made, [parseReference(`${name}:latest`)], store);
  return made;
}
