import { createHash, randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runImageCandidates } from "../../src/cnb/run-image.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { documentsOf, type Image } from "../../src/oci/image.ts";
import { encodeManifest, type Manifest } from "../../src/oci/manifest.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";
import { parseReference, type Reference } from "../../src/oci/reference.ts";
import { collect } from "../../src/std/byte.ts";
import type { BlobSource } from "../../src/store/contract.ts";
import { layerTar } from "../../src/store/layer.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { readFirst } from "../../src/store/registry/first.ts";
import { openRegistry, type RegistryOptions } from "../../src/store/registry.ts";
import { gzipAsReference } from "../../src/tar/gzip-reference.ts";
import { type Sample, sampleImage } from "../contract/store/sample.ts";
import { quickClock } from "../support/clock.ts";
import { isInstalled } from "../support/peer.ts";
import { type RunningRegistry, startRegistry } from "../support/registry.ts";
import { type Relay, startRelay } from "../support/relay.ts";

const isThere = isInstalled("docker-registry") || process.env["CI"] === "true";
if (!isThere) console.log("skipped: docker-registry is not installed");

let running: RunningRegistry;
beforeAll(async () => {
  const test = { skip: (note?: string) => Promise.reject(new Error(note)) as never };
  if (isThere) running = await startRegistry(test);
});
afterAll(() => running?.[Symbol.asyncDispose]());

/** Blobs nobody may ask for. */
const untouchable: BlobSource = {
  has: async () => {
    throw new Error("a blob was looked for");
  },
  open: () => {
    throw new Error("a blob was read");
  },
};

async function withRelay(work: (relay: Relay, name: (path: string) => Reference) => Promise<void>): Promise<void> {
  await using relay = await startRelay(running.host);
  await work(relay, (path) => parseReference(`${relay.host}/${path}`));
}

/** Writes without leaving anything behind in this process. */
async function put(name: Reference, sample: Sample, options: RegistryOptions = {}) {
  await using registry = openRegistry(options);
  return registry.write(sample.image, [name], sample.blobs);
}

/** The same config, another label, so another image with the same layers. */
function relabelled(image: Image, label: string): Image {
  return { ...image, config: { ...image.config, config: { ...image.config.config, Labels: { label } } } };
}

describe.runIf(isThere)("distribution spec, pull", () => {
  it("Pulling manifests: by tag, by digest, 404 is none", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage();
      const identity = await put(name("pull/one:v1"), sample);
      await using registry = openRegistry();
      relay.requests.length = 0;
      expect((await registry.read(name("pull/one:v1")))?.identity).toEqual(identity);
      expect(relay.seen()).toEqual(["GET /v2/pull/one/manifests/v1", `GET /v2/pull/one/blobs/${identity.imageId}`]);
      expect(relay.requests[0]?.headers.accept?.split(", ").sort()).toEqual(
        [mediaTypes.oci, mediaTypes.docker].flatMap(({ manifest, index }) => [manifest, index]).sort(),
      );
      expect((await registry.read(name(`pull/one@${identity.digest}`)))?.identity).toEqual(identity);
      expect(await registry.read(name("pull/one:v2"))).toBeUndefined();
      expect(await registry.read(name(`pull/one@${digestOf("nothing")}`))).toBeUndefined();
      expect(await registry.read(name("pull/none:v1"))).toBeUndefined();
    }));

  it("Pulling manifests: a digest is verified, whatever the registry says", () =>
    withRelay(async (relay, name) => {
      const identity = await put(name("pull/lie:v1"), sampleImage());
      relay.interfere = ({ path }, _incoming, outgoing) => {
        if (!path.includes("/manifests/")) return undefined;
        return (upstream) => {
          upstream.resume();
          outgoing.writeHead(200, {
            "content-type": mediaTypes.oci.manifest,
            "docker-content-digest": identity.digest,
          });
          outgoing.end('{"schemaVersion":2}');
          return "handled";
        };
      };
      await using registry = openRegistry();
      await expect(registry.read(name(`pull/lie@${identity.digest}`))).rejects.toMatchObject({ code: "blob.corrupt" });
      await expect(registry.read(name("pull/lie:v1"))).rejects.toMatchObject({ code: "blob.corrupt" });
    }));

  it("Pulling manifests: no more than 4 MiB are taken", () =>
    withRelay(async (relay, name) => {
      let sent = 0;
      relay.interfere = (_seen, _incoming, outgoing) => {
        outgoing.writeHead(200, { "content-type": mediaTypes.oci.manifest });
        const part = Buffer.alloc(1 << 20, " ");
        const more = () => {
          while (!outgoing.destroyed && outgoing.write(part)) sent += part.length;
          sent += part.length;
        };
        outgoing.on("drain", more);
        more();
        return "handled";
      };
      await using registry = openRegistry();
      await expect(registry.read(name("pull/huge:v1"))).rejects.toMatchObject({ code: "document.size" });
      expect(sent).toBeLessThan(64 << 20);
    }));

  it("Pulling blobs: a range goes on where a connection was cut", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage({ files: [randomBytes(500_000)] });
      await put(name("pull/cut:v1"), sample, { compression: "none" });
      const { digest } = sample.image.layers[0]!.descriptor;
      let cuts = 0;
      relay.interfere = ({ path }, _incoming, outgoing) => {
        if (!path.endsWith(digest) || cuts >= 3) return undefined;
        cuts += 1;
        return (upstream) => {
          outgoing.writeHead(upstream.statusCode!, upstream.headers);
          upstream.once("data", (part) => outgoing.write(part, () => outgoing.destroy()));
          return "handled";
        };
      };
      await using registry = openRegistry({ clock: quickClock() });
      const stored = await registry.read(name("pull/cut:v1"));
      expect(digestOf(await collect(stored!.blobs.open(sample.image.layers[0]!.descriptor)))).toBe(digest);
      const ranges = relay.requests.filter(({ path }) => path.endsWith(digest)).map(({ headers }) => headers.range);
      expect(cuts).toBe(3);
      expect(ranges.at(-1)).toMatch(/^bytes=\d+-$/);
    }));

  it("Pulling blobs: a redirect is followed", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage();
      const identity = await put(name("pull/redirect:v1"), sample);
      await using store = await startRelay(running.host);
      relay.interfere = ({ path }, _incoming, outgoing) => {
        if (!path.includes("/blobs/")) return undefined;
        outgoing.writeHead(307, { location: `http://${store.host}${path}` }).end();
        return "handled";
      };
      await using registry = openRegistry();
      const stored = await registry.read(name("pull/redirect:v1"));
      expect(stored?.identity).toEqual(identity);
      for (const layer of stored!.image.layers)
        expect(digestOf(await collect(layerTar(layer, stored!.blobs)))).toBe(layer.diffId);
    }));

  it("Pulling an index takes the platform asked for", () =>
    withRelay(async (_relay, name) => {
      await using registry = openRegistry();
      const entries = [];
      for (const architecture of ["amd64", "arm64"]) {
        const sample = sampleImage();
        const image = { ...sample.image, config: { ...sample.image.config, architecture } };
        const { digest, size } = await registry.write(image, [name(`pull/many:${architecture}`)], sample.blobs);
        entries.push({ mediaType: mediaTypes.oci.manifest, size, digest, platform: { os: "linux", architecture } });
      }
      const index = { mediaType: mediaTypes.oci.index, manifests: entries };
      const written = await registry.writeIndex(index, [name("pull/many:all")]);
      const found = await registry.readDocument(name("pull/many:all"));
      expect(found).toMatchObject({ descriptor: written, document: index });
      await using arm = openRegistry({ platform: { os: "linux", architecture: "arm64" } });
      expect((await arm.read(name("pull/many:all")))?.identity.digest).toBe(entries[1]!.digest);
      await expect(registry.read(name("pull/many:all"))).rejects.toMatchObject({ code: "image.platform" });
    }));

  it("Listing tags goes through all pages", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage({ files: [] });
      await using registry = openRegistry();
      await registry.write(
        sample.image,
        ["a", "b", "c"].map((tag) => name(`pull/tags:${tag}`)),
        sample.blobs,
      );
      expect([...(await registry.tags(name("pull/tags")))!].sort()).toEqual(["a", "b", "c"]);
      expect(await registry.tags(name("pull/no-such"))).toBeUndefined();
      relay.interfere = ({ path }, _incoming, outgoing) => {
        const last = new URL(path, "http://x").searchParams.get("last");
        const next = last === null ? "a" : last === "a" ? "b" : undefined;
        const link = next && { link: `</v2/pull/tags/tags/list?last=${next}&n=1>; rel="next"` };
        outgoing.writeHead(200, { "content-type": "application/json", ...link });
        outgoing.end(JSON.stringify({ name: "x", tags: [last === null ? "a" : last === "a" ? "b" : "c"] }));
        return "handled";
      };
      expect(await registry.tags(name("pull/tags"))).toEqual(["a", "b", "c"]);
    }));
});

describe.runIf(isThere)("distribution spec, push", () => {
  it("Pushing blobs and manifests: layers and config first, the tags last", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage({ files: [Buffer.from("one")] });
      await using registry = openRegistry();
      const names = [name("push/order:v1"), name("push/order:v2")];
      const { imageId } = await registry.write(sample.image, names, sample.blobs);
      const seen = relay.seen().map((line) => line.replace(/uploads\/.+/, "uploads/…"));
      expect([seen[0], ...seen.slice(-2)]).toEqual([
        "GET /v2/push/order/manifests/v1",
        "PUT /v2/push/order/manifests/v1",
        "PUT /v2/push/order/manifests/v2",
      ]);
      // The layer and the config go beside each other.
      expect(seen.slice(1, -2).sort()).toEqual([
        "PATCH /v2/push/order/blobs/uploads/…",
        "POST /v2/push/order/blobs/uploads/",
        "POST /v2/push/order/blobs/uploads/",
        "PUT /v2/push/order/blobs/uploads/…",
        "PUT /v2/push/order/blobs/uploads/…",
      ]);
      expect(relay.requests.filter(({ path }) => path.includes(encodeURIComponent(imageId)))).toHaveLength(1);
    }));

  it("Pushing in one request: a blob of known size after HEAD, with its digest", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage({ files: [Buffer.from("one")], compression: "gzip" });
      await put(name("push/known:v1"), sample);
      const { digest } = sample.image.layers[0]!.descriptor;
      const ofBlob = relay.requests.filter(({ path }) => decodeURIComponent(path).includes(digest));
      expect(ofBlob.map(({ method }) => method)).toEqual(["HEAD", "PUT"]);
      expect(ofBlob[1]?.headers["content-length"]).toBe(String(sample.image.layers[0]!.descriptor.size));
      expect(relay.seen().filter((line) => line.startsWith("PATCH"))).toEqual([]);
    }));

  it("Pushing in chunks: each says its range, and none is larger than allowed", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage({ files: [randomBytes(1_300_000)], compression: "gzip" });
      await put(name("push/chunks:v1"), sample, { chunkSize: 500_000 });
      const size = sample.image.layers[0]!.descriptor.size;
      const chunks = relay.requests.filter(({ method }) => method === "PATCH").map(({ headers }) => headers);
      expect(chunks.map((headers) => headers["content-range"])).toEqual([
        "0-499999",
        "500000-999999",
        `1000000-${size - 1}`,
      ]);
      expect(chunks.map((headers) => Number(headers["content-length"]))).toEqual([500_000, 500_000, size - 1_000_000]);
    }));

  it("Pushing in chunks: the least size a registry asks for is kept, and 413 makes them smaller", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage({ files: [randomBytes(9 << 20)] });
      relay.interfere = ({ method, headers }, incoming, outgoing) => {
        if (method === "PATCH" && headers["content-length"] === undefined) {
          incoming.resume();
          incoming.on("end", () => outgoing.writeHead(413).end());
          return "handled";
        }
        if (method !== "POST") return undefined;
        return (upstream) => {
          outgoing.writeHead(upstream.statusCode!, { ...upstream.headers, "oci-chunk-min-length": String(9 << 20) });
          upstream.pipe(outgoing);
          return "handled";
        };
      };
      await put(name("push/less:v1"), sample, { clock: quickClock() });
      const chunks = relay.requests.filter(({ method, headers }) => method === "PATCH" && headers["content-length"]);
      expect(Number(chunks[0]?.headers["content-length"])).toBe(9 << 20);
      expect(chunks).toHaveLength(2);
    }));

  it("Mounting: what another repository has is taken over, in one request and unread", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage({ files: ["a", "b", "c"].map(Buffer.from) });
      await put(name("mount/base:v1"), sample);
      await using registry = openRegistry();
      const base = await registry.read(name("mount/base:v1"));
      relay.requests.length = 0;
      await registry.write(base!.image, [name("mount/app:v1")], untouchable, base);
      const posts = relay.requests.filter(({ method, path }) => method === "POST" && path.includes("mount="));
      expect(posts).toHaveLength(3);
      expect(posts.every(({ path }) => path.includes("from=mount%2Fbase"))).toBe(true);
      expect(relay.requests).toHaveLength(3 + 2 + 1);
    }));

  it("Mounting: 202 means copy it, into the upload it opened", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage({ files: [Buffer.from("a"), randomBytes(2 << 20)] });
      await put(name("mount/from:v1"), sample);
      await using registry = openRegistry();
      const base = await registry.read(name("mount/from:v1"));
      relay.interfere = ({ method, path }, incoming, outgoing) => {
        if (method !== "POST" || !path.includes("mount=")) return undefined;
        // Without the source the registry opens an upload.
        incoming.resume();
        void fetch(`http://${running.host}${path.replace(/\?.*/, "")}`, { method: "POST" }).then((answer) => {
          const location = answer.headers.get("location")!.replace(running.host, relay.host);
          outgoing.writeHead(202, { location }).end();
        });
        return "handled";
      };
      relay.requests.length = 0;
      const identity = await registry.write(base!.image, [name("mount/copied:v1")], base!.blobs, base);
      expect(identity).toEqual(base!.identity);
      expect(relay.seen().filter((line) => line === "POST /v2/mount/copied/blobs/uploads/")).toHaveLength(3);
      await using other = openRegistry();
      const stored = await other.read(name("mount/copied:v1"));
      for (const layer of stored!.image.layers)
        expect(digestOf(await collect(layerTar(layer, stored!.blobs)))).toBe(layer.diffId);
    }));

  it("What was seen and then deleted is sent after all", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage({ files: [Buffer.from("a"), Buffer.from("b")] });
      await put(name("mount/gone:v1"), sample);
      await using registry = openRegistry();
      const before = await registry.read(name("mount/gone:v1"));
      let isFirst = true;
      relay.interfere = ({ method, path }, incoming, outgoing) => {
        if (method !== "PUT" || !path.includes("/manifests/") || !isFirst) return undefined;
        isFirst = false;
        incoming.resume();
        outgoing.writeHead(400, { "content-type": "application/json" });
        outgoing.end('{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}');
        return "handled";
      };
      relay.requests.length = 0;
      const image = relabelled(before!.image, "again");
      const identity = await registry.write(image, [name("mount/gone:v2")], before!.blobs);
      expect(identity).toEqual(documentsOf(image).identity);
      expect(relay.seen().filter((line) => line.startsWith("HEAD"))).toHaveLength(2);
    }));

  it("REPRO-001 pushing the same layers again sends none of them, and gives the same manifest digest", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage({ files: [randomBytes(100_000), Buffer.from("b")] });
      const first = await put(name("repro/app:v1"), sample);
      relay.requests.length = 0;
      await using registry = openRegistry();
      const second = await registry.write(sample.image, [name("repro/app:v1")], untouchable);
      expect(second).toEqual(first);
      expect(relay.seen().map((line) => line.split(" ")[0])).toEqual(["GET", "GET", "PUT"]);
      const elsewhere = await put(name("repro/fresh:v1"), sample);
      expect(elsewhere).toEqual(first);
    }));

  it("A rebase in a registry sends no layer, and at most 9 requests for an image with two tags and three base layers", () =>
    withRelay(async (relay, name) => {
      const file = (text: string) => Buffer.from(text);
      const [oldBase, newBase] = ["old", "new"].map((age) =>
        sampleImage({ files: ["1", "2", "3"].map((text) => file(age + text)) }),
      );
      const own = sampleImage({ files: [file("app"), file("launcher")] });
      const onto = (base: Image, layers: Image["layers"]): Image => ({
        ...own.image,
        layers: [...base.layers, ...layers],
        config: { ...own.image.config, diffIds: [...base.layers, ...layers].map(({ diffId }) => diffId) },
      });
      await put(name("rebase/run:v2"), newBase!);
      const blobs = memoryStore();
      for (const sample of [oldBase!, own])
        for (const content of sample.blobs.contents.values()) await blobs.put("", [content]);
      {
        await using registry = openRegistry();
        await registry.write(onto(oldBase!.image, own.image.layers), [name("rebase/app:v1")], blobs);
      }
      await using registry = openRegistry();
      // A fleet reads its new run image once.
      const run = await registry.read(name("rebase/run:v2"));
      relay.requests.length = 0;
      const app = await registry.read(name("rebase/app:v1"));
      const rebased = onto(run!.image, app!.image.layers.slice(3));
      const names = [name("rebase/app:v1"), name("rebase/app:v2")];
      await registry.write(rebased, names, untouchable);
      expect(relay.requests.length).toBeLessThanOrEqual(9);
      expect(relay.seen().filter((line) => line.startsWith("PATCH"))).toEqual([]);
      // The next image on the same base, in the same repository, has less to do still.
      relay.requests.length = 0;
      await registry.write(relabelled(rebased, "next"), names, untouchable);
      expect(relay.requests.length).toBe(4);
    }));

  it("Blobs of two repositories of a registry are compressed and sent once", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage({ files: [randomBytes(50_000)] });
      await using registry = openRegistry();
      await registry.write(sample.image, [name("two/one:v1"), name("two/other:v1")], sample.blobs);
      expect(relay.seen().filter((line) => line.startsWith("PATCH"))).toHaveLength(1);
      await using other = openRegistry();
      expect((await other.read(name("two/one:v1")))?.identity).toEqual(
        (await other.read(name("two/other:v1")))?.identity,
      );
    }));

  it("Blobs another tool compressed for one registry go to the next as they are", () =>
    withRelay(async (relay, name) => {
      await using second = await startRelay(running.host);
      const files = [randomBytes(50_000)];
      const theirs = sampleImage({ files, compression: "gzip" });
      await put(name("next/one:v1"), theirs);
      relay.requests.length = 0;
      const ours = sampleImage({ files });
      await using registry = openRegistry();
      const other = parseReference(`${second.host}/next/two:v1`);
      await registry.write(ours.image, [name("next/one:v1"), other], ours.blobs);
      const stored = await registry.read(other);
      expect(stored?.image.layers.map(({ descriptor }) => descriptor.digest)).toEqual(
        theirs.image.layers.map(({ descriptor }) => descriptor.digest),
      );
      expect(relay.seen().some((line) => line.startsWith("PATCH"))).toBe(false);
    }));

  it("REPRO-001 layers compressed as the reference compresses them have its digests", () =>
    withRelay(async (_relay, name) => {
      const sample = sampleImage({ files: [Buffer.alloc(300_000, "the same words "), randomBytes(1000)] });
      await put(name("repro/reference:v1"), sample, { compression: "reference" });
      await using registry = openRegistry();
      const stored = await registry.read(name("repro/reference:v1"));
      for (const [at, { descriptor }] of sample.image.layers.entries()) {
        const bytes = await collect(gzipAsReference(sample.blobs.open(descriptor)));
        expect(stored?.image.layers[at]?.descriptor).toEqual({
          mediaType: mediaTypes.docker.gzip,
          size: bytes.length,
          digest: digestOf(bytes),
        });
      }
    }));
});

describe.runIf(isThere)("distribution spec, referrers", () => {
  async function subjectIn(name: (path: string) => Reference) {
    const sample = sampleImage();
    const { digest, size } = await put(name("refer/app:v1"), sample);
    const subject = { mediaType: mediaTypes.oci.manifest, digest, size };
    const artifact = sampleImage({ files: [Buffer.from(randomBytes(8).toString("hex"))], compression: "gzip" });
    const { manifest, configText } = documentsOf(artifact.image);
    const document: Manifest = { ...manifest, subject, artifactType: "application/example", annotations: { a: "b" } };
    const texts = { manifestText: encodeManifest(document), configText };
    return { digest, artifact, texts };
  }

  it("Referrers tag schema: kept by us where the registry lists none, and read from there", () =>
    withRelay(async (_relay, name) => {
      await using registry = openRegistry();
      const { digest, artifact, texts } = await subjectIn(name);
      expect(await registry.referrers(name("refer/app"), digest)).toEqual([]);
      const pushed = digestOf(texts.manifestText);
      for (let time = 0; time < 2; time++)
        await registry.write(artifact.image, [name(`refer/app@${pushed}`)], artifact.blobs, texts);
      const listed = await registry.referrers(name("refer/app"), digest);
      expect(listed).toEqual([
        {
          mediaType: mediaTypes.oci.manifest,
          size: texts.manifestText.length,
          digest: pushed,
          annotations: { a: "b" },
          artifactType: "application/example",
        },
      ]);
      expect(await registry.referrers(name("refer/app"), digest, "application/other")).toEqual([]);
      expect(await registry.tags(name("refer/app"))).toContain(digest.replace(":", "-"));
    }));

  it("Referrers API: asked first, filtered by us where the registry does not", () =>
    withRelay(async (relay, name) => {
      const { digest, artifact, texts } = await subjectIn(name);
      const entry = { mediaType: mediaTypes.oci.manifest, size: 3, digest: digestOf("x"), artifactType: "a/b" };
      relay.interfere = ({ method, path }, incoming, outgoing) => {
        if (path.includes("/referrers/")) {
          outgoing.writeHead(200, { "content-type": mediaTypes.oci.index });
          outgoing.end(
            encodeManifest({ mediaType: mediaTypes.oci.index, manifests: [entry, { ...entry, artifactType: "c/d" }] }),
          );
          return "handled";
        }
        if (method !== "PUT" || !path.includes("/manifests/")) return undefined;
        return (upstream) => {
          incoming.resume();
          outgoing.writeHead(upstream.statusCode!, { ...upstream.headers, "oci-subject": digest });
          upstream.pipe(outgoing);
          return "handled";
        };
      };
      await using registry = openRegistry();
      expect(await registry.referrers(name("refer/app"), digest, "a/b")).toEqual([entry]);
      relay.requests.length = 0;
      await registry.write(artifact.image, [name("refer/app:sig")], artifact.blobs, texts);
      expect(relay.seen().some((line) => line.includes(digest.replace(":", "-")))).toBe(false);
    }));
});

describe.runIf(isThere)("mirrors", () => {
  it("are read first, one after the other, and the registry when none helps; nothing is written there", () =>
    withRelay(async (relay, name) => {
      const sample = sampleImage();
      const identity = await put(name("proxied/team/app:v1"), sample);
      const mirrors = { "registry.example": ["127.0.0.1:1", relay.host, `${relay.host}/proxied/`] };
      await using registry = openRegistry({ mirrors, clock: quickClock() });
      const stored = await registry.read(parseReference("registry.example/team/app:v1"));
      expect(stored?.identity).toEqual(identity);
      for (const layer of stored!.image.layers)
        expect(digestOf(await collect(layerTar(layer, stored!.blobs)))).toBe(layer.diffId);
      await using other = openRegistry({ mirrors: { "*": [`${relay.host}/nothing`] } });
      expect((await other.read(name("proxied/team/app:v1")))?.identity).toEqual(identity);
    }));
});

describe.runIf(isThere)("choosing a run image in registries", () => {
  const names = (image: string, ...mirrors: string[]) => ({ image, mirrors });

  it("RUNIMG-001 the one on the app image's registry is taken when it can be read", () =>
    withRelay(async (relay, name) => {
      const identity = await put(name("runimg/run:v1"), sampleImage());
      await using registry = openRegistry({ clock: quickClock() });
      const known = names("127.0.0.1:1/run:v1", `${relay.host}/runimg/run:v1`);
      const candidates = runImageCandidates(known, relay.host).map(parseReference);
      const first = await readFirst(registry, candidates);
      expect(first?.name).toEqual(name("runimg/run:v1"));
      expect(first?.stored.identity).toEqual(identity);
    }));

  it("RUNIMG-002 else the first that can be read: not there, not reachable and not allowed are passed over", () =>
    withRelay(async (relay, name) => {
      await put(name("runimg/mirror:v1"), sampleImage());
      relay.interfere = ({ path }, _incoming, outgoing) => {
        if (!path.includes("/secret/")) return undefined;
        outgoing.writeHead(403).end();
        return "handled";
      };
      await using registry = openRegistry({ clock: quickClock() });
      const down = ["127.0.0.1:1/run:v1", `${relay.host}/runimg/none:v1`, `${relay.host}/secret/run:v1`];
      const known = names(down[0]!, ...down.slice(1), `${relay.host}/runimg/mirror:v1`);
      const candidates = runImageCandidates(known, undefined).map(parseReference);
      expect((await readFirst(registry, candidates))?.name).toEqual(name("runimg/mirror:v1"));
      const none = await readFirst(registry, down.map(parseReference)).catch((error) => error);
      expect(none).toMatchObject({ code: "image.unreadable" });
      expect(none.message).toContain("it refuses connections; cannot pull from registry");
      expect(none.message).toContain("it replied 403");
      expect(await readFirst(registry, [name("runimg/none:v1")])).toBeUndefined();
    }));
});

it.runIf(isThere)("digests of other algorithms are kept", () =>
  withRelay(async (_relay, name) => {
    const sample = sampleImage({ files: [Buffer.from("x")] });
    const layer = sample.image.layers[0]!;
    const blob = gzipSync(sample.blobs.contents.get(layer.descriptor.digest)!);
    const digest = `sha512:${createHash("sha512").update(blob).digest("hex")}` as Digest;
    sample.blobs.contents.set(digest, blob);
    const descriptor = { mediaType: mediaTypes.oci.gzip, size: blob.length, digest };
    const image = { ...sample.image, layers: [{ ...layer, descriptor }] };
    await using registry = openRegistry();
    await registry.write(image, [name("algorithm/app:v1")], sample.blobs);
    const stored = await registry.read(name("algorithm/app:v1"));
    expect(digestOf(await collect(layerTar(stored!.image.layers[0]!, stored!.blobs)))).toBe(layer.diffId);
  }),
);
