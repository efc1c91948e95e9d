import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseCacheMetadata } from "../../src/cnb/cache-file.ts";
import { labelNames } from "../../src/cnb/label.ts";
import { documentsOf } from "../../src/oci/image.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";
import { parseReference } from "../../src/oci/reference.ts";
import type { CacheContents } from "../../src/phase/cache.ts";
import { directoryCache } from "../../src/phase/cache-directory.ts";
import { registryCache } from "../../src/phase/cache-image.ts";
import { parseCache, parseCaches } from "../../src/setting/cache-form.ts";
import { Fault } from "../../src/std/fault.ts";
import { hostPath } from "../../src/std/path.ts";
import { formatDaemonAddress } from "../../src/store/daemon.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { openRegistry } from "../../src/store/registry.ts";
import { type Sample, sampleImage } from "../contract/store/sample.ts";
import { engineFor } from "../support/dockerd.ts";
import { faultOf } from "../support/fault.ts";
import { Bench } from "../support/flow.ts";
import { startRegistry } from "../support/registry.ts";
import { startRelay } from "../support/relay.ts";

const bench = new Bench();
const engine = engineFor("Docker");
/** Tells whether the layer was there, and makes it otherwise. */
const make = `if [ -f "$CNB_LAYERS_DIR/c/f" ]; then echo found $(cat "$CNB_LAYERS_DIR/c/f"); else echo missing; mkdir -p "$CNB_LAYERS_DIR/c"; echo kept > "$CNB_LAYERS_DIR/c/f"; fi
printf '[types]\\ncache=true\\nbuild=true\\n' > "$CNB_LAYERS_DIR/c.toml"
mkdir -p "$CNB_LAYERS_DIR/both"; echo both > "$CNB_LAYERS_DIR/both/f"; printf '[types]\\ncache=true\\nlaunch=true\\n' > "$CNB_LAYERS_DIR/both.toml"
echo '{}' > "$CNB_LAYERS_DIR/c.sbom.cdx.json"`;

let buildpack: string;
beforeAll(async () => {
  await bench.runImage();
  buildpack = bench.buildpack({
    id: "c/form",
    build: make,
    info: 'sbom-formats = ["application/vnd.cyclonedx+json"]',
  });
});

/** A build on a machine that knows nothing but the run image. */
async function elsewhere(image: string, options: Parameters<Bench["build"]>[1]) {
  const layout = join(bench.root, "run-layout");
  return bench.build([buildpack], {
    image,
    runImage: `oci:${layout}`,
    home: join(bench.root, `home-${Math.random().toString(36).slice(2)}`),
    ...options,
  });
}

beforeAll(async () => {
  const { copy } = await import("../../src/index.ts");
  await copy({ from: "run", to: `oci:${join(bench.root, "run-layout")}`, home: bench.home });
});

describe("a cache in a directory", () => {
  it("CACHE-008 RESTORE-006 has the reference's form: a tar for each layer and the metadata, committed by renaming", async () => {
    const directory = join(bench.root, "cache");
    const cache = { format: "bind", directory } as const;
    const first = await elsewhere("dir", { cache });
    expect(first.fault).toBeUndefined();
    expect(first.output).toContain("missing");
    expect(readdirSync(directory)).toEqual(["committed"]);
    const committed = join(directory, "committed");
    const text = readFileSync(join(committed, labelNames.cache), "utf8");
    expect(text.endsWith("}\n")).toBe(true);
    const metadata = parseCacheMetadata(text)!;
    const { c, both } = metadata.buildpacks[0]!.layers;
    const tars = [c!.sha, both!.sha, metadata.sbom.sha].map((sha) => `${sha}.tar`);
    expect(readdirSync(committed).sort()).toEqual([...tars, labelNames.cache].sort());
    const second = await elsewhere("dir", { cache });
    expect(second.output).toContain("found kept");
    expect(readFileSync(join(committed, labelNames.cache), "utf8")).toBe(text);
    const cleared = await elsewhere("dir", { cache, clearCache: true });
    expect(cleared.output).toContain("missing");
  });

  it("CACHE-008 RESTORE-012 a damaged tar is left out with a warning and made again, and garbage is an empty cache", async () => {
    const directory = join(bench.root, "damaged");
    const cache = { format: "bind", directory } as const;
    await elsewhere("damaged", { cache });
    const committed = join(directory, "committed");
    const { c } = parseCacheMetadata(readFileSync(join(committed, labelNames.cache), "utf8"))!.buildpacks[0]!.layers;
    const tar = join(committed, `${c!.sha}.tar`);
    const whole = readFileSync(tar);
    truncateSync(tar, whole.length - 512);
    const second = await elsewhere("damaged", { cache });
    expect(second.lines("warn").join("\n")).toContain("Skipping restore for layer c/form:c");
    expect(second.output).toContain("missing");
    expect(readFileSync(tar).equals(whole)).toBe(true);
    writeFileSync(join(committed, labelNames.cache), "garbage");
    const third = await elsewhere("damaged", { cache });
    expect([third.fault, third.output.includes("missing")]).toEqual([undefined, true]);
    expect((await elsewhere("damaged", { cache })).output).toContain("found kept");
  });

  it("CACHE-008 what a killed process left between two renamings is put right", async () => {
    const directory = join(bench.root, "killed");
    const cache = { format: "bind", directory } as const;
    await elsewhere("killed", { cache });
    const { renameSync, mkdirSync } = await import("node:fs");
    renameSync(join(directory, "committed"), join(directory, "committed-backup"));
    mkdirSync(join(directory, "staging"));
    writeFileSync(join(directory, "staging", "rest"), "x");
    expect((await elsewhere("killed", { cache })).output).toContain("found kept");
    await elsewhere("killed", { cache, clearCache: true });
    expect(readdirSync(directory)).toEqual(["committed"]);
    expect(existsSync(join(directory, "committed", "rest"))).toBe(false);
  });

  it("LAYER-029 CACHE-008 one that cannot be written leaves the old one as it was", async () => {
    const root = hostPath(join(bench.root, "kept-cache"));
    const [old, fresh] = [sampleImage(), sampleImage({ files: [Buffer.from("other")] })];
    const contents = ({ image, blobs }: Sample): CacheContents => ({
      metadata: { sbom: { sha: "" }, buildpacks: [] },
      layers: image.layers,
      blobs,
      damaged: new Set(),
    });
    const place = directoryCache(root);
    await place.write(contents(old));
    const before = readdirSync(join(root, "committed"));
    const open = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from("some of it");
      throw new Fault("blob.missing", "Cannot read blob: it is gone");
    };
    const broken = { ...fresh, blobs: { ...fresh.blobs, open } };
    await expect(place.write(contents(broken))).rejects.toThrow();
    expect(readdirSync(join(root, "committed"))).toEqual(before);
    expect(readdirSync(root).sort()).toEqual(["committed"]);
  });

  it("a volume with a name is such a directory below PACK_HOME", async () => {
    const home = join(bench.root, "volumes-home");
    await elsewhere("volume", { cache: { format: "volume", name: "mine" }, home });
    expect(existsSync(join(home, "volumes/mine/committed", labelNames.cache))).toBe(true);
  });
});

describe("a cache in a registry", () => {
  it("CACHE-005 RESTORE-006 is an image in the reference's form, and is sent and fetched only where it changed", async (context) => {
    await using registry = await startRegistry(context);
    await using relay = await startRelay(registry.host);
    const name = `${relay.host}/team/cache`;
    const cache = { format: "image", name } as const;
    const first = await elsewhere("image", { cache });
    expect(first.fault).toBeUndefined();
    await using remote = openRegistry();
    const stored = (await remote.read(parseReference(name)))!;
    const { image } = stored;
    expect(image.family).toBe("oci");
    expect(image.layers.map((layer) => layer.descriptor.mediaType)).toEqual(Array(3).fill(mediaTypes.oci.gzip));
    const created = "1980-01-01T00:00:01Z";
    expect(JSON.parse(stored.configText)).toMatchObject({
      architecture: "",
      os: "linux",
      created,
      history: Array(3).fill({ created }),
    });
    expect(documentsOf(image).configText).toBe(stored.configText);
    relay.requests.length = 0;
    const second = await elsewhere("image", { cache });
    expect(second.output).toContain("found kept");
    expect(relay.seen().filter((line) => /^(PUT|PATCH|HEAD)/.test(line))).toEqual([
      "PUT /v2/team/cache/manifests/latest",
    ]);
    expect((await remote.read(parseReference(name)))!.identity).toEqual(stored.identity);
  });

  it("CACHE-005 one without layers has an empty one, for registries that take no image without any", async (context) => {
    await using registry = await startRegistry(context);
    const name = `${registry.host}/team/empty`;
    const plain = bench.buildpack({ id: "c/none" });
    const built = await bench.build([plain], { image: "empty", cache: { format: "image", name } });
    expect(built.fault).toBeUndefined();
    await using remote = openRegistry();
    const { image } = (await remote.read(parseReference(name)))!;
    expect(image.config.diffIds).toEqual(["sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"]);
  });

  it("CACHE-005 its layers have OCI's types, also those of an image in Docker's format", async () => {
    const { image, blobs } = sampleImage({ family: "docker" });
    const name = parseReference("r.example/cache:latest");
    const images = memoryStore();
    const metadata = { sbom: { sha: "" }, buildpacks: [] };
    await registryCache(images, name).write({ metadata, layers: image.layers, blobs, damaged: new Set() });
    const types = (await images.read(name))!.image.layers.map(({ descriptor }) => descriptor.mediaType);
    expect(types).toEqual(image.layers.map(() => mediaTypes.oci.tar));
  });

  it("one that breaks off in the end costs the cache, not the build", async (context) => {
    await using registry = await startRegistry(context);
    await using relay = await startRelay(registry.host);
    relay.interfere = ({ method }, _incoming, outgoing) => {
      if (method !== "PUT") return undefined;
      outgoing.writeHead(403).end();
      return "handled";
    };
    const { fault, lines } = await elsewhere("away", { cache: { format: "image", name: `${relay.host}/cache` } });
    expect(fault).toBeUndefined();
    expect(lines("warn").join("\n")).toContain("Failed to export cache: cannot push to");
  });
});

describe("a launch cache", () => {
  it("CACHE-007 ANALYZE-012 FILE-040 keeps what a daemon was sent; elsewhere it is ignored with a warning", async (context) => {
    const directory = join(bench.root, "launch");
    const launchCache = { format: "bind", directory } as const;
    const local = await elsewhere("nowhere", { launchCache });
    expect(local.lines("warn")).toContain("Ignoring -launch-cache, only intended for use with -daemon");
    expect(existsSync(directory)).toBe(false);
    const { address } = await engine(context);
    const outside = { dockerHost: formatDaemonAddress(address) };
    const reportDirectory = join(bench.root, "report");
    const built = await elsewhere("launched", { launchCache, output: "daemon", outside, reportDirectory });
    expect(built.fault).toBeUndefined();
    const imageId = built.report!.imageId.slice("sha256:".length);
    expect(bench.read("report/report.toml")).toBe(`[image]\n  tags = ["launched"]\n  image-id = "${imageId}"\n`);
    const own = built.report!.layers.map((layer) => `${layer.diffId}.tar`);
    expect(readdirSync(join(directory, "committed")).sort()).toEqual([...new Set(own)].sort());
    const again = await elsewhere("launched", { launchCache, output: "daemon", outside });
    expect(again.report!.imageId).toBe(built.report!.imageId);
  });
});

describe("a previous image of a daemon", () => {
  it("ANALYZE-003 may be called by its ID", async (context) => {
    const { address } = await engine(context);
    const outside = { dockerHost: formatDaemonAddress(address) };
    const { report } = await elsewhere("before", { output: "daemon", outside });
    const id = report!.imageId.slice("sha256:".length);
    for (const previousImage of [id, `sha256:${id}`, id.slice(0, 12)]) {
      const { fault, lines } = await elsewhere("after", { output: "daemon", outside, previousImage });
      expect(fault).toBeUndefined();
      expect(lines().join("\n")).toContain(`Reusing layers from image '${previousImage}@`);
    }
  });
});

describe("checking before the build begins", () => {
  it("ANALYZE-006 a repository that may not be written to ends the build in analyze", async (context) => {
    await using registry = await startRegistry(context, { htpasswd: true });
    const image = `${registry.host}/team/app`;
    const { fault, events } = await bench.build([buildpack], { image, output: "registry", pullPolicy: "never" });
    expect(fault).toMatchObject({ code: "registry.denied", exit: "analyze" });
    expect(events.some((event) => event.type === "phase" && event.phase === "detect")).toBe(false);
    const plain = await bench.build([buildpack], { cache: { format: "image", name: `${registry.host}/team/cache` } });
    expect(plain.fault).toMatchObject({ code: "registry.denied", exit: "analyze" });
  });
});

describe("the words for caches", () => {
  it.each([
    ["type=build;format=image;name=r.example/c", "build", { format: "image", name: "r.example/c" }],
    ["type=build;format=bind;source=./c", "build", { format: "bind", directory: "./c/build-cache" }],
    ["type=launch;format=bind;source=/c;", "launch", { format: "bind", directory: "/c/launch-cache" }],
    ["format=volume;name=v", "build", { format: "volume", name: "v" }],
    ["type=launch", "launch", { format: "volume" }],
  ])("%s", (text, type, form) => {
    expect(parseCache(text)).toEqual({ type, form });
  });

  it.each([
    "x",
    "type=other",
    "format=other",
    "format=image",
    "format=bind",
    "format=volume;name=../up",
    "type=launch;format=image;name=x",
    "colour=red",
  ])("%s is refused", (text) => {
    expect(faultOf(() => parseCache(text))).toMatchObject({ code: "usage.cache", exit: "usage" });
  });

  it("--cache-image is a build cache, and there is one of each kind", () => {
    expect(parseCaches(["type=launch;format=volume"], "r.example/c")).toEqual({
      build: { format: "image", name: "r.example/c" },
      launch: { format: "volume" },
    });
    expect(faultOf(() => parseCaches(["format=image;name=x"], "y")).code).toBe("usage.cache");
  });
});
