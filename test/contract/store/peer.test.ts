import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { gzipSync } from "node:zlib";
import { describe, expect, it, type TestContext } from "vitest";
import { documentsOf } from "../../../src/oci/image.ts";
import { mediaTypes } from "../../../src/oci/media-type.ts";
import { formatReference, parseReference } from "../../../src/oci/reference.ts";
import { type HostPath, under } from "../../../src/std/path.ts";
import { openArchive } from "../../../src/store/archive.ts";
import { copyImage } from "../../../src/store/copy.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { openLayoutDirectory } from "../../../src/store/layout-directory.ts";
import { memoryStore } from "../../../src/store/memory.ts";
import { unpackImage } from "../../../src/store/stack.ts";
import { peer } from "../../support/peer.ts";
import { inFolder } from "./place.ts";
import { type Sample, sampleImage } from "./sample.ts";

const name = parseReference("registry.example/team/app:v1");
const files = [Buffer.from("lower"), Buffer.alloc(100_000, "upper")];

function skopeo(test: TestContext, ...args: string[]): string {
  const path = peer("skopeo", test);
  return execFileSync(path, ["--insecure-policy", ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Writes a sample to every kind of place a peer can read; the peer's name for each. */
async function places(folder: HostPath, sample: Sample): Promise<readonly string[]> {
  await using store = openLayout(under(folder, "store"));
  await using directory = openLayoutDirectory(under(folder, "dir"));
  await using plain = openLayoutDirectory(under(folder, "plain"), { compression: "none" });
  await using docker = openArchive(under(folder, "docker.tar"), { form: "docker" });
  await using oci = openArchive(under(folder, "oci.tar"), { form: "oci" });
  for (const place of [store, directory, plain, docker, oci]) await place.write(sample.image, [name], sample.blobs);
  return [
    `oci:${folder}/store:registry.example/team/app:v1`,
    `oci:${folder}/dir:v1`,
    `oci:${folder}/plain:v1`,
    `docker-archive:${folder}/docker.tar:registry.example/team/app:v1`,
    `oci-archive:${folder}/oci.tar:v1`,
  ];
}

describe("skopeo", () => {
  it.for(["oci", "docker"] as const)("LAYOUT-002 inspects and copies what we write, %s family", (family, test) =>
    inFolder(async (folder) => {
      const sample = sampleImage({ family, files, labels: { hello: "world" } });
      const { configText } = documentsOf(sample.image);
      const [store, ...others] = await places(folder, sample);
      // In a layout skopeo finds no manifest of Docker's by name; our own store keeps them as they came all the same.
      for (const [at, place] of (family === "oci" ? [store!, ...others] : others).entries()) {
        const seen = JSON.parse(skopeo(test, "inspect", place));
        expect(seen, place).toMatchObject({ Architecture: "amd64", Os: "linux", Labels: { hello: "world" } });
        expect(skopeo(test, "inspect", "--raw", "--config", place), place).toBe(configText);
        // Copying makes skopeo read and verify every layer.
        skopeo(test, "copy", place, `dir:${folder}/copy-${at}`);
      }
    }),
  );

  it.for(["none", "gzip"] as const)("writes what we read, layers: %s", (compression, test) =>
    inFolder(async (folder) => {
      const sample = sampleImage({ files, compression });
      const { identity } = documentsOf(sample.image);
      const [source] = await places(folder, sample);
      const full = "registry.example/team/app:v1";
      skopeo(test, "copy", source!, `oci:${folder}/by-skopeo:v1`);
      skopeo(test, "copy", source!, `oci-archive:${folder}/by-skopeo-oci.tar:v1`);
      skopeo(test, "copy", source!, `docker-archive:${folder}/by-skopeo-docker.tar:${full}`);
      writeFileSync(`${folder}/by-skopeo.tar.gz`, gzipSync(readFileSync(`${folder}/by-skopeo-docker.tar`)));
      // The layout is skopeo's too: it adds an image to ours, and ours stay.
      skopeo(test, "copy", source!, `oci:${folder}/store:registry.example/team/other:v2`);
      await using store = openLayout(under(folder, "store"));
      await using directory = openLayoutDirectory(under(folder, "by-skopeo"), { tag: "v1" });
      await using oci = openArchive(under(folder, "by-skopeo-oci.tar"), { form: "docker" });
      await using docker = openArchive(under(folder, "by-skopeo-docker.tar"), { form: "oci" });
      await using zipped = openArchive(under(folder, "by-skopeo.tar.gz"), { form: "oci" });
      const names = (await store.list()).flatMap((image) => image.names);
      expect(names.sort()).toEqual(["registry.example/team/app:v1", "registry.example/team/other:v2"]);
      const read = [
        await store.read(parseReference("registry.example/team/other:v2")),
        await directory.sole(),
        await oci.sole(),
        await docker.read(name),
        await zipped.sole(),
      ];
      for (const [at, stored] of read.entries()) {
        expect(stored?.identity.imageId, String(at)).toBe(identity.imageId);
        await unpackImage(stored!, under(folder, `root-${at}`));
        expect(readFileSync(join(folder, `root-${at}`, "file-1"))).toEqual(files[1]);
        const copied = await copyImage(stored!, memoryStore(), [name]);
        expect(copied).toEqual(stored?.identity);
      }
      expect((await store.verify()).problems).toEqual([]);
    }),
  );
});

describe("umoci", () => {
  it.for(["gzip", "none"] as const)("LAYOUT-002 unpacks what we write, layers: %s", (compression, test) =>
    inFolder(async (folder) => {
      const umoci = peer("umoci", test);
      const sample = sampleImage({ files });
      await using directory = openLayoutDirectory(under(folder, "dir"), { compression });
      await directory.write(sample.image, [name], sample.blobs);
      mkdirSync(join(folder, "out"));
      const bundle = join(folder, "out", "bundle");
      execFileSync(umoci, ["unpack", "--rootless", "--image", `${folder}/dir:v1`, bundle], { stdio: "pipe" });
      expect(readFileSync(join(bundle, "rootfs", "file-1"))).toEqual(files[1]);
      expect(
        JSON.parse(execFileSync(umoci, ["stat", "--json", "--image", `${folder}/dir:v1`], { encoding: "utf8" }))
          .history,
      ).toHaveLength(2);
    }),
  );

  it("LAYOUT-002 unpacks an image whose layers have Docker's types, as the reference makes them", (test) =>
    inFolder(async (folder) => {
      const umoci = peer("umoci", test);
      const sample = sampleImage({ files });
      const layers = sample.image.layers.map(({ diffId, descriptor }) => ({
        diffId,
        descriptor: { ...descriptor, mediaType: mediaTypes.docker.tar },
      }));
      await using directory = openLayoutDirectory(under(folder, "dir"));
      await directory.write({ ...sample.image, layers }, [name], sample.blobs);
      const bundle = join(folder, "bundle");
      execFileSync(umoci, ["unpack", "--rootless", "--image", `${folder}/dir:v1`, bundle], { stdio: "pipe" });
      expect(readFileSync(join(bundle, "rootfs", "file-1"))).toEqual(files[1]);
    }));

  it("writes images we read", (test) =>
    inFolder(async (folder) => {
      const umoci = peer("umoci", test);
      const image = `${folder}/dir:v1`;
      const run = (...args: string[]) => execFileSync(umoci, args, { stdio: "pipe" });
      run("init", "--layout", `${folder}/dir`);
      run("new", "--image", image);
      run("unpack", "--rootless", "--image", image, `${folder}/bundle`);
      writeFileSync(join(folder, "bundle", "rootfs", "letter.txt"), "dear");
      run("repack", "--image", image, `${folder}/bundle`);
      await using directory = openLayoutDirectory(under(folder, "dir"));
      await unpackImage((await directory.sole())!, under(folder, "root"));
      expect(readFileSync(join(folder, "root", "letter.txt"), "utf8")).toBe("dear");
    }));
});

/** Runs Docker's client and gives what it says. */
type Docker = (...args: string[]) => string;

/** A Docker daemon of our own, which listens where nobody else does; skips the test where none can run. */
async function withDaemon(test: TestContext, folder: string, work: (docker: Docker) => Promise<void>): Promise<void> {
  const [program, client] = [peer("dockerd", test), peer("docker", test)];
  const host = `unix://${folder}/docker.sock`;
  const places = ["--data-root", `${folder}/data`, "--exec-root", `${folder}/exec`, "-p", `${folder}/docker.pid`];
  const daemon = spawn(program, [...places, "-H", host, "--bridge=none", "--iptables=false", "--storage-driver=vfs"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(daemon, "close");
  try {
    let said = "";
    for await (const line of createInterface({ input: daemon.stderr })) {
      said = line;
      if (line.includes("API listen on")) break;
    }
    if (!said.includes("API listen on")) {
      console.log(`skipped: no Docker daemon can run here: ${said}`);
      test.skip(said);
    }
    await work((...args) =>
      execFileSync(client, ["-H", host, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }),
    );
  } finally {
    daemon.stderr.resume();
    daemon.kill();
    await ended;
  }
}

describe("docker", () => {
  it("loads what we write, and saves what we read", (test) =>
    inFolder((folder) =>
      withDaemon(test, folder, async (docker) => {
        for (const compression of ["none", "gzip"] as const) {
          const files = [Buffer.from("lower"), Buffer.alloc(100_000, "upper"), Buffer.from("lower")];
          const sample = sampleImage({ compression, files });
          const path = under(folder, `${compression}.tar`);
          await using archive = openArchive(path, { form: "docker" });
          const other = parseReference(`app:${compression}`);
          const { imageId } = await archive.write(sample.image, [name, other], sample.blobs);
          expect(docker("load", "-i", path)).toContain(`Loaded image: app:${compression}`);
          expect(docker("image", "inspect", "-f", "{{.Id}}", formatReference(name)).trim()).toBe(imageId);
          docker("save", "-o", `${folder}/saved.tar`, `app:${compression}`);
          await using saved = openArchive(under(folder, "saved.tar"), { form: "oci" });
          const stored = await saved.read(other);
          expect(stored?.identity.imageId).toBe(imageId);
          expect(await copyImage(stored!, memoryStore(), [name])).toEqual(stored?.identity);
        }
      }),
    ));
});
