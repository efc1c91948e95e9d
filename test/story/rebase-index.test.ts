import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { lifecycleOf } from "../../src/cnb/refusal.ts";
import { rebase } from "../../src/index.ts";
import type { Image } from "../../src/oci/image.ts";
import type { Index } from "../../src/oci/manifest.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";
import { parseReference, type Reference } from "../../src/oci/reference.ts";
import { Fault } from "../../src/std/fault.ts";
import { hostPath } from "../../src/std/path.ts";
import { type BlobSource, type IndexStore, isStoredIndex } from "../../src/store/contract.ts";
import { openLayoutDirectory } from "../../src/store/layout-directory.ts";
import { openRegistry } from "../../src/store/registry.ts";
import { Bench } from "../support/flow.ts";
import { threeLayers, withOwnLayers } from "../support/layers.ts";
import { startRegistry } from "../support/registry.ts";
import { startRelay } from "../support/relay.ts";

const bench = new Bench();
const make = `mkdir -p "$CNB_LAYERS_DIR/l"; echo x > "$CNB_LAYERS_DIR/l/f"; printf '[types]\\nlaunch=true\\n' > "$CNB_LAYERS_DIR/l.toml"`;
const architectures = ["amd64", "arm64"] as const;

function forArchitecture(image: Image, architecture: string): Image {
  return { ...image, config: { ...image.config, architecture } };
}

/** Stores an index of images and, when asked for, an attestation of nothing in particular. */
async function writeIndex(
  store: IndexStore,
  names: readonly Reference[],
  images: readonly Image[],
  blobs: BlobSource,
  isAttested = false,
): Promise<void> {
  const manifests = [];
  for (const image of images) {
    const { architecture, os } = image.config;
    manifests.push({ ...(await store.writePart(image, names, blobs)), platform: { architecture, os } });
  }
  if (isAttested) {
    const part = await store.writePart(forArchitecture(images[0]!, "unknown"), names, blobs);
    manifests.push({ ...part, platform: { architecture: "unknown", os: "unknown" } });
  }
  const index: Index = { mediaType: mediaTypes.oci.index, manifests, annotations: { "org.example.kept": "yes" } };
  await store.writeIndex(index, names);
}

let apps: Image[];
let newer: Image[];

beforeAll(async () => {
  const base = await threeLayers(bench, "base");
  const built = await bench.build([bench.buildpack({ id: "t/multi", build: make })], {
    runImage: "base",
    image: "single",
  });
  expect(built.fault).toBeUndefined();
  const app = await bench.look("single", ({ image }) => image);
  apps = architectures.map((architecture) => forArchitecture(app, architecture));
  await using store = bench.store();
  newer = [];
  for (const architecture of architectures)
    newer.push(await withOwnLayers(bench, store, forArchitecture(base, architecture), `newer-${architecture}`));
});

/** What is under a name by architecture: the digest of the manifest, and the topmost layer of the run image. */
async function look(store: IndexStore, name?: Reference) {
  const found = await store.readWhole(name);
  if (!found || !isStoredIndex(found)) throw new Error("there is no index");
  const images = await Promise.all(
    found.index.manifests.map(async (entry) => {
      const { image, identity } = await found.read(entry);
      const topLayer = lifecycleOf(image.config)?.runImage.topLayer;
      return [image.config.architecture, { topLayer, digest: identity.digest }] as const;
    }),
  );
  return { index: found.index, digest: found.descriptor.digest, images: Object.fromEntries(images) };
}

const topOf = (image: Image) => image.config.diffIds.at(-1);

describe("an image for several platforms in a registry", () => {
  it("REBASE-001 is moved in all of them, and is an index again; no layer moves", async (context) => {
    await using registry = await startRegistry(context);
    await using relay = await startRelay(registry.host);
    const [app, run] = [parseReference(`${relay.host}/app:v1`), parseReference(`${relay.host}/run:v2`)];
    await using store = bench.store();
    {
      await using remote = openRegistry();
      await writeIndex(remote, [app], apps, store, true);
      await writeIndex(remote, [run], newer, store);
    }
    relay.requests.length = 0;
    const lines: string[] = [];
    const report = await rebase({
      image: `${relay.host}/app:v1`,
      tags: [`${relay.host}/app:v2`],
      runImage: `${relay.host}/run:v2`,
      output: "registry",
      home: join(bench.root, "elsewhere"),
      force: true,
      onEvent: (event) => event.type === "log" && lines.push(event.text),
    });
    expect(relay.seen().filter((line) => /^(PATCH|HEAD)/.test(line))).toEqual([]);
    await using remote = openRegistry();
    const seen = await look(remote, app);
    expect(seen.digest).toBe(report.digest);
    expect((await look(remote, parseReference(`${relay.host}/app:v2`))).digest).toBe(report.digest);
    expect(seen.images["amd64"]?.topLayer).toBe(topOf(newer[0]!));
    expect(seen.images["arm64"]?.topLayer).toBe(topOf(newer[1]!));
    expect(Object.keys(seen.images)).toEqual(["amd64", "arm64"]);
    expect(seen.index.manifests.map((entry) => entry["platform"])).toEqual(
      architectures.map((architecture) => ({ architecture, os: "linux" })),
    );
    expect(seen.index.annotations).toEqual({ "org.example.kept": "yes" });
    expect(report.images.map((image) => image.platform)).toEqual(["linux/amd64", "linux/arm64"]);
    expect(report.images.map((image) => image.digest)).toEqual(seen.index.manifests.map((entry) => entry.digest));
    expect(lines.join("\n")).toContain("Leaving out 1 attestations");
  });

  it("REBASE-001 every platform's refusals are named, and nothing changes", async (context) => {
    await using registry = await startRegistry(context);
    const [app, run] = [parseReference(`${registry.host}/app:v1`), parseReference(`${registry.host}/run:v2`)];
    await using store = bench.store();
    await using remote = openRegistry();
    await writeIndex(remote, [app], apps, store);
    await remote.write(forArchitecture(newer[0]!, "riscv64"), [run], store);
    const before = await look(remote, app);
    const failure = await rebase({
      image: `${registry.host}/app:v1`,
      runImage: `${registry.host}/run:v2`,
      output: "registry",
      home: bench.home,
    }).catch((error) => error);
    expect(failure).toBeInstanceOf(Fault);
    expect(failure.exit).toBe("rebase");
    for (const architecture of architectures)
      expect(failure.message).toMatch(new RegExp(`linux/${architecture}: .*run:v2 is for linux/riscv64`));
    expect((await look(remote, app)).digest).toBe(before.digest);
  });
});

describe("an image for several platforms in a layout", () => {
  it("is moved in one platform when only that is asked for, and the others stay", async () => {
    const directory = hostPath(join(bench.root, "layout"));
    await using store = bench.store();
    await using places = openLayoutDirectory(directory);
    await writeIndex(places, [parseReference("example/app:v1")], apps, store);
    await writeIndex(store, [parseReference("newer")], newer, store);
    const before = await look(places);
    const report = await rebase({
      image: `oci:${directory}:v1`,
      runImage: "newer",
      platform: { os: "linux", architecture: "arm64" },
      home: bench.home,
      force: true,
    });
    const after = await look(openLayoutDirectory(directory, { tag: "v1" }));
    expect(after.digest).toBe(report.digest);
    expect(after.images["amd64"]).toEqual(before.images["amd64"]);
    expect(after.images["arm64"]?.topLayer).toBe(topOf(newer[1]!));
    const nothing = await rebase({
      image: `oci:${directory}:v1`,
      platform: { os: "linux", architecture: "s390x" },
      home: bench.home,
    }).catch((error) => error);
    expect(nothing.message).toMatch(/linux\/s390x: it has linux\/amd64, linux\/arm64/);
  });

  it("stays in the local store, whole, and a prune takes none of it", async () => {
    await using store = bench.store();
    await writeIndex(store, [parseReference("multi")], apps, store);
    await writeIndex(store, [parseReference("newer")], newer, store);
    await rebase({ image: "multi", runImage: "newer", home: bench.home, force: true });
    await store.prune();
    const seen = await look(store, parseReference("multi:latest"));
    expect(seen.images["arm64"]?.topLayer).toBe(topOf(newer[1]!));
    expect((await store.verify()).problems).toEqual([]);
  });
});
