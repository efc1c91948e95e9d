import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Digest, digestOf, hexOf } from "../../../src/oci/digest.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import { Fault } from "../../../src/std/fault.ts";
import { type HostPath, under } from "../../../src/std/path.ts";
import { openArchive } from "../../../src/store/archive.ts";
import type { StoredImage } from "../../../src/store/contract.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { openLayoutDirectory } from "../../../src/store/layout-directory.ts";
import { inFolder } from "./place.ts";
import { sampleImage, tarOf } from "./sample.ts";

const name = parseReference("app:one");

/** Everything a reader does: documents, then every layer to its end. */
async function readAll(read: () => Promise<StoredImage | undefined>): Promise<void> {
  const stored = await read();
  if (!stored) throw new Error("no image");
  for (const layer of stored.image.layers) await collect(stored.blobs.open(layer.descriptor));
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("no fault");
}

async function written(folder: HostPath): Promise<HostPath> {
  const root = under(folder, "store");
  await using layout = openLayout(root);
  const sample = sampleImage();
  await layout.write(sample.image, [name], sample.blobs);
  return root;
}

async function readLayout(root: HostPath): Promise<void> {
  await using layout = openLayout(root);
  await readAll(() => layout.read(name));
}

const spoil: readonly [string, (path: string) => void][] = [
  ["is cut short", (path) => truncateSync(path, statSync(path).size - 1)],
  ["is empty", (path) => truncateSync(path, 0)],
  [
    "has one bit flipped",
    (path) => {
      const content = readFileSync(path);
      content[content.length >> 1]! ^= 4;
      writeFileSync(path, content);
    },
  ],
  ["has more behind it", (path) => writeFileSync(path, " ", { flag: "a" })],
  ["is gone", (path) => rmSync(path)],
  [
    "is a directory",
    (path) => {
      rmSync(path);
      mkdirSync(path);
    },
  ],
];

describe("a damaged layout", () => {
  it.each(spoil)("is refused whichever blob of it %s, and a new write heals it", (_title, damage) =>
    inFolder(async (folder) => {
      const sample = sampleImage();
      const root = under(folder, "store");
      await using layout = openLayout(root);
      const blobs = join(root, "blobs", "sha256");
      await layout.write(sample.image, [name], sample.blobs);
      for (const hex of readdirSync(blobs)) {
        damage(join(blobs, hex));
        const fault = await faultOf(readAll(() => layout.read(name)));
        expect(["blob.corrupt", "blob.missing", "store.system"]).toContain(fault.code);
        expect(fault.message).toContain(hex);
        expect(fault.message).toContain(root);
        const { problems } = await layout.verify();
        expect(problems.map((problem) => problem.image)).toContain("docker.io/library/app:one");
        rmSync(join(blobs, hex), { recursive: true, force: true });
        await layout.write(sample.image, [name], sample.blobs);
        await readAll(() => layout.read(name));
        expect((await layout.verify()).problems).toEqual([]);
      }
    }),
  );

  it("is healed by a write where a blob has the wrong length", () =>
    inFolder(async (folder) => {
      const sample = sampleImage();
      const root = under(folder, "store");
      await using layout = openLayout(root);
      await layout.write(sample.image, [name], sample.blobs);
      truncateSync(join(root, "blobs", "sha256", hexOf(sample.image.layers[0]!.descriptor.digest)), 10);
      await layout.write(sample.image, [name], sample.blobs);
      await readAll(() => layout.read(name));
    }));

  const indexes: readonly [string, string, RegExp][] = [
    ["is no JSON", "{", /^Cannot parse JSON at .*index\.json/],
    ["is empty", "", /^Cannot parse JSON at .*index\.json/],
    ["is a list", "[]", /^Cannot read .*index\.json: expected an object/],
    ["is a manifest", '{"schemaVersion":2,"config":{"size":1,"digest":"x"},"layers":[]}', /^Cannot parse digest/],
    ["has another schema", '{"schemaVersion":1,"manifests":[]}', /schemaVersion is 1/],
    ["has entries that are none", '{"schemaVersion":2,"manifests":[1]}', /manifests\[0\]: expected a descriptor/],
    [
      "has a size that is none",
      `{"schemaVersion":2,"manifests":[{"mediaType":"x","size":-1,"digest":"sha256:${"0".repeat(64)}"}]}`,
      /size is not a whole number/,
    ],
    [
      "has a digest that leads elsewhere",
      '{"schemaVersion":2,"manifests":[{"mediaType":"x","size":1,"digest":"sha256:../../../etc/passwd"}]}',
      /^Cannot parse digest/,
    ],
  ];
  it.each(indexes)("is refused when its index.json %s; a write leaves it as it is", (_title, text, message) =>
    inFolder(async (folder) => {
      const root = await written(folder);
      writeFileSync(join(root, "index.json"), text);
      await expect(readLayout(root)).rejects.toThrow(message);
      const sample = sampleImage();
      await using layout = openLayout(root);
      await expect(layout.write(sample.image, [name], sample.blobs)).rejects.toThrow(message);
      await expect(layout.prune()).rejects.toThrow(message);
      expect(readFileSync(join(root, "index.json"), "utf8")).toBe(text);
    }),
  );

  it("LAYOUT-002 a directory with content and without oci-layout is no layout, and is left as it is", () =>
    inFolder(async (folder) => {
      const root = under(folder, "home");
      mkdirSync(root);
      writeFileSync(join(root, "letter.txt"), "dear");
      await using layout = openLayout(root);
      const sample = sampleImage();
      expect((await faultOf(layout.read(name))).code).toBe("layout.invalid");
      expect((await faultOf(layout.write(sample.image, [name], sample.blobs))).code).toBe("layout.invalid");
      expect(readdirSync(root)).toEqual(["letter.txt"]);
    }));

  it("LAYOUT-002 another version of the layout is refused", () =>
    inFolder(async (folder) => {
      const root = await written(folder);
      writeFileSync(join(root, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}');
      const fault = await faultOf(readLayout(root));
      expect(fault.message).toBe(`Cannot open image layout at ${root}: imageLayoutVersion is "2.0.0", expected 1.0.0`);
    }));

  it("LAYOUT-002 what we write has an oci-layout file of version 1.0.0 and an index.json", () =>
    inFolder(async (folder) => {
      const root = await written(folder);
      expect(JSON.parse(readFileSync(join(root, "oci-layout"), "utf8"))).toEqual({ imageLayoutVersion: "1.0.0" });
      const index = JSON.parse(readFileSync(join(root, "index.json"), "utf8"));
      expect(index).toMatchObject({
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.index.v1+json",
        manifests: [{ annotations: { "org.opencontainers.image.ref.name": "docker.io/library/app:one" } }],
      });
      for (const hex of readdirSync(join(root, "blobs", "sha256")))
        expect(digestOf(readFileSync(join(root, "blobs", "sha256", hex)))).toBe(`sha256:${hex}`);
    }));

  it("says so when the place is a file, or below one", () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, "file"), "x");
      const sample = sampleImage();
      for (const root of [under(folder, "file"), under(folder, "file", "store")]) {
        await using layout = openLayout(root);
        const fault = await faultOf(layout.write(sample.image, [name], sample.blobs));
        expect(fault.message).toMatch(
          /^Cannot (read|write) image layout at .*: a part of the path is not a directory$/,
        );
      }
    }));
});

/** A layout written by hand, whose one entry leads to `document`. */
function forged(root: HostPath, document: string, mediaType: string, blobs: readonly string[] = []): void {
  const folder = join(root, "blobs", "sha256");
  mkdirSync(folder, { recursive: true });
  for (const text of [document, ...blobs]) writeFileSync(join(folder, hexOf(digestOf(text))), text);
  writeFileSync(join(root, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const entry = { mediaType, size: Buffer.byteLength(document), digest: digestOf(document) };
  const annotations = { "org.opencontainers.image.ref.name": "docker.io/library/app:one" };
  const index = { schemaVersion: 2, manifests: [{ ...entry, annotations }] };
  writeFileSync(join(root, "index.json"), JSON.stringify(index));
}

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";
const described = (text: string, mediaType: string) => ({ mediaType, size: text.length, digest: digestOf(text) });
const layerOf = (digest: Digest) => ({ mediaType: "application/vnd.oci.image.layer.v1.tar", size: 1, digest });

describe("hostile documents", () => {
  const config = '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}';
  const configured = described(config, "application/vnd.oci.image.config.v1+json");
  const manifest = (layers: unknown[], extra: object = {}) =>
    JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config: configured, layers, ...extra });

  const cases: readonly [string, string, string, RegExp][] = [
    [
      "a manifest that is too large",
      manifest([], { annotations: { a: "x".repeat(4 * 1024 * 1024) } }),
      manifestType,
      /^Cannot read manifest .*: \d+ bytes are more than 4194304$/,
    ],
    [
      "more layers than any kernel stacks",
      manifest(Array.from({ length: 1025 }, () => layerOf(digestOf("x")))),
      manifestType,
      /1025 layers are more than 1024/,
    ],
    [
      "layers the config does not know",
      manifest([layerOf(digestOf("x"))]),
      manifestType,
      /the manifest lists 1 layers, the config 0/,
    ],
    ["a manifest announced as an index", manifest([]), indexType, /announced as .*index.* and says .*manifest/],
    ["an index and a manifest at once", manifest([], { manifests: [] }), manifestType, /at once/],
    ["an index that is empty", '{"schemaVersion":2,"manifests":[]}', indexType, /its index is empty/],
    [
      "a config that is no image's",
      manifest([]).replace(configured.digest, digestOf("{}")).replace(`"size":${config.length}`, '"size":2'),
      manifestType,
      /rootfs\.diff_ids is missing/,
    ],
    ["bytes that are no text", "\u0000", manifestType, /^Cannot parse JSON/],
  ];
  it.each(cases)("refused: %s", (_title, document, mediaType, message) =>
    inFolder(async (folder) => {
      forged(folder, document, mediaType, [config, "{}"]);
      await expect(readLayout(folder)).rejects.toThrow(message);
    }),
  );

  it("refused: indexes in indexes without end", () =>
    inFolder(async (folder) => {
      const texts = [manifest([])];
      for (let depth = 0; depth < 6; depth++) {
        const inner = described(texts.at(-1)!, depth === 0 ? manifestType : indexType);
        texts.push(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [inner] }));
      }
      forged(folder, texts.at(-1)!, indexType, [config, ...texts]);
      await expect(readLayout(folder)).rejects.toThrow(/more than 4 indexes are nested/);
    }));

  it("an index is resolved by platform, and what is there is listed", () =>
    inFolder(async (folder) => {
      const platforms = [
        { os: "linux", architecture: "amd64" },
        { os: "linux", architecture: "arm", variant: "v7" },
        { os: "linux", architecture: "arm", variant: "v6" },
        { os: "unknown", architecture: "unknown" },
      ];
      const manifests = platforms.map((platform) => manifest([], { annotations: { for: JSON.stringify(platform) } }));
      const entries = platforms.map((platform, at) => ({ ...described(manifests[at]!, manifestType), platform }));
      const index = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: entries });
      forged(folder, index, indexType, [config, ...manifests]);
      const find = async (platform?: { os: string; architecture: string; variant?: string }) => {
        await using layout = openLayout(folder, { ...(platform && { platform }) });
        return (await layout.read(name))?.image.annotations?.["for"];
      };
      for (const platform of platforms.slice(0, 3)) expect(await find(platform)).toBe(JSON.stringify(platform));
      expect(await find({ os: "linux", architecture: "arm" })).toBe(JSON.stringify(platforms[1]));
      const fault = await faultOf(find({ os: "linux", architecture: "s390x" }));
      expect(fault.message).toMatch(
        /^Cannot choose image for linux\/s390x at .*: it has linux\/amd64, linux\/arm\/v7, linux\/arm\/v6$/,
      );
      expect((await faultOf(find())).code).toBe("image.platform");
    }));
});

describe("a damaged archive", () => {
  const samples = () => sampleImage({ files: [Buffer.from("one"), Buffer.alloc(5000, "two")] });
  const forms = [
    { form: "docker", compression: "none" },
    { form: "oci", compression: "gzip" },
  ] as const;

  it.each(forms)("is refused wherever it is cut: $form", (options) =>
    inFolder(async (folder) => {
      const path = under(folder, "image.tar");
      const sample = samples();
      {
        await using archive = openArchive(path, options);
        await archive.write(sample.image, [name], sample.blobs);
      }
      const whole = readFileSync(path);
      for (let length = 0; length < whole.length - 512; length += 509) {
        writeFileSync(path, whole.subarray(0, length));
        await using archive = openArchive(path, { form: options.form });
        const fault = await faultOf(readAll(() => archive.read(name)));
        expect(fault.message, `cut at ${length}`).toMatch(/^Cannot /);
        expect(fault.hint, `cut at ${length}: ${fault.message}`).toBeDefined();
      }
    }),
  );

  it.each(forms)("is refused, or read as it was, with any byte changed: $form", (options) =>
    inFolder(async (folder) => {
      const path = under(folder, "image.tar");
      const sample = samples();
      let identity: unknown;
      {
        await using archive = openArchive(path, options);
        identity = await archive.write(sample.image, [name], sample.blobs);
      }
      const whole = readFileSync(path);
      for (let at = 0; at < whole.length; at += 97) {
        const changed = Buffer.from(whole);
        changed[at]! ^= 0x10;
        writeFileSync(path, changed);
        await using archive = openArchive(path, { form: options.form });
        try {
          const stored = await archive.read(name);
          if (!stored) continue;
          for (const layer of stored.image.layers) await collect(stored.blobs.open(layer.descriptor));
          expect(stored.identity).toEqual(identity);
        } catch (error) {
          expect(error, `byte ${at}`).toBeInstanceOf(Fault);
        }
      }
    }),
  );

  it("is told from what is no archive at all", () =>
    inFolder(async (folder) => {
      const path = under(folder, "image.tar");
      const contents: readonly [Buffer, RegExp][] = [
        [Buffer.alloc(0), /^Cannot read archive at .*image\.tar/],
        [Buffer.from("hello world, this is no archive".repeat(100)), /^Cannot read archive at .*image\.tar/],
        [gzipSync("hello"), /^Cannot read archive at .*image\.tar/],
        [tarOf("letter.txt", Buffer.from("dear")), /it has neither manifest\.json nor oci-layout/],
        [tarOf("manifest.json", Buffer.from("{}")), /expected a list of images/],
        [tarOf("manifest.json", Buffer.from('[{"Config":"../../etc/passwd","Layers":[]}]')), /which is not there/],
        [gzipSync(tarOf("manifest.json", Buffer.from("[{}]"))), /has no Config, Layers and RepoTags/],
      ];
      for (const [content, message] of contents) {
        writeFileSync(path, content);
        await using archive = openArchive(path, { form: "docker" });
        await expect(archive.read(name)).rejects.toThrow(message);
        await expect(archive.read(name)).rejects.toBeInstanceOf(Fault);
      }
      expect(readdirSync(folder)).toEqual(["image.tar"]);
    }));

  it("says so when the place is a directory", () =>
    inFolder(async (folder) => {
      const sample = sampleImage();
      await using archive = openArchive(folder, { form: "oci" });
      await expect(archive.write(sample.image, [name], sample.blobs)).rejects.toThrow(/it is a directory/);
      await expect(archive.read(name)).rejects.toThrow(/^Cannot read archive at .*: it is a directory$/);
      await using lost = openArchive(under(folder, "no", "image.tar"), { form: "oci" });
      await expect(lost.write(sample.image, [name], sample.blobs)).rejects.toThrow(/its directory is not there$/);
      expect(await lost.read(name)).toBeUndefined();
      expect(await lost.sole()).toBeUndefined();
      expect(readdirSync(folder)).toEqual([]);
    }));
});

describe("a place of exchange with several images", () => {
  it("is asked for one by tag; without a tag its names are listed", () =>
    inFolder(async (folder) => {
      const root = under(folder, "images");
      const [first, second] = [sampleImage(), sampleImage()];
      await using images = openLayoutDirectory(root);
      await images.write(first.image, [parseReference("a:one")], first.blobs);
      expect((await images.sole())!.image.config).toEqual(first.image.config);
      await images.write(second.image, [parseReference("b:two")], second.blobs);
      expect(await images.read(parseReference("b:one"))).toBeUndefined();
      const fault = await faultOf(images.sole());
      expect(fault.message).toBe(
        `Cannot choose image at ${root}: it holds docker.io/library/a:one, docker.io/library/b:two`,
      );
      await using tagged = openLayoutDirectory(root, { tag: "two" });
      expect((await tagged.sole())!.image.config).toEqual(second.image.config);
      expect((await tagged.read(parseReference("any")))?.image.config).toEqual(second.image.config);
      await using missing = openLayoutDirectory(root, { tag: "three" });
      expect(await missing.read(parseReference("any"))).toBeUndefined();
      expect(await missing.sole()).toBeUndefined();
    }));
});
