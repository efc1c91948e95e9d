import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { lifecycleOf } from "../../src/cnb/refusal.ts";
import { openRebaser } from "../../src/index.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { documentsOf, type Image, withLayers } from "../../src/oci/image.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { openRegistry } from "../../src/store/registry.ts";
import { blobsOf } from "../contract/store/sample.ts";
import { appImage, runImage } from "../support/app-image.ts";
import { startRegistry } from "../support/registry.ts";

const contents = [
  "old",
  "new",
  "bp",
  "sbom",
  "launcher",
  "config",
  "types",
  ...Array.from({ length: 20 }, (_, at) => `app ${at}`),
];
const blobs = blobsOf(
  new Map<Digest, Buffer>(contents.map((name) => [digestOf(`gzip ${name}`), Buffer.from(`gzip ${name}`)])),
);

/** The image with the sizes its blobs have. */
function sized(image: Image): Image {
  const layers = image.layers.map(({ diffId, descriptor }) => ({
    diffId,
    descriptor: { ...descriptor, size: blobs.contents.get(descriptor.digest)!.length },
  }));
  return withLayers(image, layers);
}

it("many images move onto a base whose documents are asked for once, and nothing is written here", async (test) => {
  await using server = await startRegistry(test);
  await using registry = openRegistry();
  const nameOf = (text: string) => `${server.host}/fleet/${text}`;
  const write = (image: Image, text: string) => registry.write(sized(image), [parseReference(nameOf(text))], blobs);
  const [old, newer] = [runImage(["old"]), runImage(["new"])];
  await write(old, "old");
  await write(newer, "new");
  const apps = Array.from({ length: 20 }, (_, at) =>
    appImage(old, { slices: [`app ${at}`], names: { image: nameOf("new") } }),
  );
  for (const [at, app] of apps.entries()) await write(app, `app${at}`);

  const home = mkdtempSync(join(tmpdir(), "plinth-fleet-"));
  const asked: string[] = [];
  try {
    await using rebaser = openRebaser({
      home,
      onEvent: (event) => event.type === "log" && asked.push(event.text.replace(/ http.*\/v2\//, " ")),
    });
    const move = (at: number) => rebaser.rebase({ image: nameOf(`app${at}`), output: "registry" });
    expect(await move(0)).toMatchObject({ changed: true });
    asked.length = 0;
    const moved = await Promise.all(apps.slice(1).map((_, at) => move(at + 1)));
    expect(moved.map(({ changed }) => changed)).toEqual(apps.slice(1).map(() => true));
    expect(asked.filter((line) => line.startsWith("GET fleet/new/blobs/"))).toEqual([]);
    expect(asked.filter((line) => line.startsWith("GET fleet/app1/blobs/"))).toHaveLength(1);
    expect(asked.filter((line) => line.includes(" fleet/app1/"))).toHaveLength(6);
    expect(existsSync(join(home, "store"))).toBe(false);

    // Named, it is read beside the app image, and still only once.
    asked.length = 0;
    const back = await rebaser.rebase({
      image: nameOf("app1"),
      runImage: nameOf("old"),
      output: "registry",
      force: true,
    });
    expect(back).toMatchObject({ changed: true, to: expect.stringContaining("/fleet/old@sha256:") });
    expect(asked.filter((line) => line.includes(" fleet/old/manifests/"))).toHaveLength(1);
    await expect(
      rebaser.rebase({ image: nameOf("none"), runImage: nameOf("old"), output: "registry" }),
    ).rejects.toMatchObject({ code: "rebase.missing" });
    await expect(
      rebaser.rebase({ image: nameOf("app1"), runImage: nameOf("none"), output: "registry" }),
    ).rejects.toMatchObject({ code: "run-image.missing" });
    const again = { image: nameOf("app1"), runImage: nameOf("new"), output: "registry", force: true } as const;
    expect(await rebaser.rebase(again)).toMatchObject({ changed: true });
  } finally {
    rmSync(home, { recursive: true });
  }
  for (const at of apps.keys()) {
    const found = await registry.read(parseReference(nameOf(`app${at}`)));
    expect(lifecycleOf(found!.image.config)?.runImage.topLayer).toBe(newer.config.diffIds.at(-1));
    expect(found!.image.config.diffIds.slice(1)).toEqual(apps[at]!.config.diffIds.slice(1));
    expect(documentsOf(found!.image).identity.imageId).toBe(found!.identity.imageId);
  }
});
