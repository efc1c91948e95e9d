import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { type BuildOptions, build } from "../../../src/build.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import type { StoredImage } from "../../../src/store/contract.ts";
import { Bench } from "../../support/flow.ts";
import { processesAbout, shapeOf } from "./process.ts";

const layers = `mkdir -p "$CNB_LAYERS_DIR/a" "$CNB_LAYERS_DIR/b"
head -c 400000 /dev/urandom > "$CNB_LAYERS_DIR/a/blob"; for i in 1 2 3 4 5 6 7 8 9; do date +%N > "$CNB_LAYERS_DIR/b/$i"; done
printf '[types]\\nlaunch=true\\ncache=true\\n' > "$CNB_LAYERS_DIR/a.toml"; printf '[types]\\nlaunch=true\\nbuild=true\\n' > "$CNB_LAYERS_DIR/b.toml"`;

/** A home with an image `app` that two builds have made, and how to make another one of the name, each time with other layers. */
export async function preparedHome(): Promise<{ readonly bench: Bench; readonly options: BuildOptions }> {
  const bench = new Bench();
  await bench.runImage();
  await bench.runImage("run2", (config) => ({ ...config, author: "another base" }));
  const options = {
    app: bench.app,
    home: bench.home,
    image: "app",
    runImage: "run",
    pullPolicy: "never" as const,
    buildpacks: [bench.buildpack({ id: "x/random", build: layers })],
  };
  for (let round = 1; round <= 2; round++) await build(options);
  return { bench, options };
}

/** Reads every blob of an image; gives its image ID. */
export async function checkWhole(stored: StoredImage | undefined): Promise<string> {
  expect(stored).toBeDefined();
  for (const { descriptor } of stored!.image.layers) await collect(stored!.blobs.open(descriptor));
  return stored!.identity.imageId;
}

/** The store verifies, the image `app` can be read, nobody works on and nothing is mounted; gives its image ID. */
export async function checkHome(bench: Bench): Promise<string> {
  await expect.poll(() => processesAbout(bench.root), { timeout: 20_000 }).toEqual([]);
  expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(bench.root);
  await using store = bench.store();
  expect((await store.verify()).problems).toEqual([]);
  return checkWhole(await store.read(parseReference("app:latest")));
}

/** What stands in a home when nothing runs; blobs and kept directories differ with the image. */
export function shapeOfHome(bench: Bench): string[] {
  return shapeOf(bench.home, /^store\/blobs\/|^(kept|work|modules|pulls)\/[^/]+\//);
}
