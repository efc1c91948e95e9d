import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, type TestContext } from "vitest";
import { copy, downloadSbom, rebase } from "../../src/index.ts";
import { diffIdOfTar, digestOf } from "../../src/oci/digest.ts";
import { type Image, withLayers } from "../../src/oci/image.ts";
import { encodeManifest, type Index } from "../../src/oci/manifest.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";
import { ociArchitecture, parsePlatform } from "../../src/oci/platform.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { hostPath } from "../../src/std/path.ts";
import { isStoredIndex } from "../../src/store/contract.ts";
import { openLayout } from "../../src/store/layout.ts";
import { openLayoutDirectory } from "../../src/store/layout-directory.ts";
import { openRegistry } from "../../src/store/registry.ts";
import { Bench } from "../support/flow.ts";
import { peer } from "../support/peer.ts";
import { pack as runPack } from "../support/program.ts";
import { startRegistry } from "../support/registry.ts";

const bench = new Bench();
const home = bench.home;
const multi = parseReference("team/multi:latest");
const architectures = ["amd64", "arm64"] as const;
let apps: Image[];
let text: string;

/** An image of two platforms with what BuildKit puts beside them, in the white space that Docker's tools write. */
beforeAll(async () => {
  await bench.runImage();
  const sbom = `echo '{"bomFormat":"CycloneDX"}' > "$CNB_LAYERS_DIR/launch.sbom.cdx.json"`;
  const info = 'sbom-formats = ["application/vnd.cyclonedx+json"]';
  const { fault } = await bench.build([bench.buildpack({ id: "t/one", info, build: sbom })]);
  expect(fault).toBeUndefined();
  const app = await bench.look("app", ({ image }) => image);
  apps = architectures.map((architecture) => ({ ...app, config: { ...app.config, architecture } }));
  await using store = bench.store();
  const statement = await store.put("application/vnd.in-toto+json", [Buffer.from("{}")]);
  const bare = { ...app.config, os: "unknown", architecture: "unknown", config: {}, history: [], diffIds: [] };
  const layer = { diffId: diffIdOfTar(statement.digest), descriptor: statement };
  const attestation = withLayers({ family: "oci", layers: [], config: bare }, [layer]);
  const manifests = [];
  for (const image of [...apps, attestation]) {
    const { architecture, os } = image.config;
    manifests.push({ ...(await store.writePart(image, [multi], store)), platform: { architecture, os } });
  }
  const index: Index = { mediaType: mediaTypes.oci.index, manifests };
  text = JSON.stringify(JSON.parse(encodeManifest(index)), undefined, 2);
  await store.writeIndex(index, [multi], text);
});

const wholeIn = async (place: string) => {
  await using layout = openLayoutDirectory(hostPath(place));
  const found = await layout.readWhole();
  if (!found || !isStoredIndex(found)) throw new Error("there is no index");
  return found;
};

describe("an image for several platforms", () => {
  it("is copied whole with --all: every image and attestation, and the index byte for byte", async (test: TestContext) => {
    await using registry = await startRegistry(test);
    const remote = `docker://${registry.host}/team/multi:v1`;
    const there = await copy({ home, from: "team/multi", to: remote, all: true, compression: "none" });
    expect(there).toEqual({ digest: digestOf(text), size: text.length, images: 2 });
    const directory = join(bench.root, "whole");
    const back = await copy({ home, from: remote, to: `oci:${directory}`, all: true });
    expect(back.images).toBe(2);
    const found = await wholeIn(directory);
    const read = await Promise.all(found.index.manifests.map((entry) => found.read(entry)));
    expect(read.map(({ image }) => image.config.architecture)).toEqual([...architectures, "unknown"]);
    // A directory of other tools has compressed layers, and with them other manifests. Once they are, nothing changes any more.
    const again = join(bench.root, "again");
    const second = await copy({ home, from: `oci:${directory}`, to: `oci:${again}`, all: true });
    expect(second).toEqual(back);
    expect((await wholeIn(again)).text).toBe(found.text);
    await copy({ home: join(bench.root, "other"), from: remote, to: "team/multi", all: true });
    await using other = openLayout(hostPath(join(bench.root, "other/store")));
    expect(await other.readWhole(multi)).toMatchObject({ text, descriptor: { digest: digestOf(text) } });
    const skopeo = peer("skopeo", test);
    const raw = execFileSync(skopeo, ["inspect", "--raw", "--tls-verify=false", remote], { encoding: "utf8" });
    expect(raw).toBe(text);
  });

  it("gives one image, the one for --platform or for this machine", async () => {
    for (const architecture of architectures) {
      const directory = join(bench.root, architecture);
      const platform = parsePlatform(`linux/${architecture}`);
      const { imageId } = await copy({ home, from: "team/multi", to: `oci:${directory}`, platform });
      await using layout = openLayoutDirectory(hostPath(directory), { platform });
      expect((await layout.sole())?.identity.imageId).toBe(imageId);
      expect((await layout.sole())?.image.config.architecture).toBe(architecture);
    }
    const absent = copy({
      home,
      from: "team/multi",
      to: `oci:${bench.root}/none`,
      platform: parsePlatform("linux/s390x"),
    });
    await expect(absent).rejects.toMatchObject({ code: "image.platform" });
    expect(existsSync(join(bench.root, "none"))).toBe(false);
  });

  it("has no place in an archive", async () => {
    const whole = copy({ home, from: "team/multi", to: `oci-archive:${bench.root}/whole.tar`, all: true });
    await expect(whole).rejects.toMatchObject({ code: "index.place", exit: "usage" });
  });

  it("is pushed whole by `pack push`, and taken whole or in one by `pack pull`", async (test: TestContext) => {
    await using registry = await startRegistry(test);
    const name = `${registry.host}/team/pushed`;
    await copy({ home, from: "team/multi", to: name, all: true });
    const pack = (...args: string[]) => runPack(args, { home, cwd: bench.root });
    expect((await pack("push", name, "--compression", "none")).stdout).toContain(`Copied ${name} for 2 platforms`);
    await using remote = openRegistry();
    expect(await remote.readWhole(parseReference(`${name}:latest`))).toMatchObject({ text });
    expect((await pack("pull", name, "--platform", "linux/arm64", "--quiet")).code).toBe(0);
    await using store = bench.store();
    const pulled = await store.readWhole(parseReference(`${name}:latest`));
    expect(pulled && !isStoredIndex(pulled) && pulled.image.config.architecture).toBe("arm64");
    expect((await pack("pull", name, "--all", "--quiet")).stdout.trim()).toBe(digestOf(text));
    expect((await pack("copy", name, "oci:x", "--all", "--platform", "linux/arm64")).code).toBe(2);
  });

  it("has bills of materials for each platform", async () => {
    for (const architecture of architectures) {
      const directory = join(bench.root, `sbom-${architecture}`);
      await downloadSbom({ home, image: "team/multi", platform: parsePlatform(`linux/${architecture}`), directory });
      expect(readFileSync(join(directory, "layers/sbom/launch/t_one/sbom.cdx.json"), "utf8")).toContain("CycloneDX");
    }
    const absent = downloadSbom({
      home,
      image: "team/multi",
      platform: parsePlatform("linux/s390x"),
      directory: bench.root,
    });
    await expect(absent).rejects.toMatchObject({ code: "image.platform" });
  });
});

describe("an image that stands alone", () => {
  const other = parsePlatform("linux/s390x");

  it("is neither copied nor moved nor opened for a platform it is not for", async () => {
    const directory = join(bench.root, "alone");
    const found = `at app: the image there is for linux/${ociArchitecture(process.arch)}`;
    for (const attempt of [
      () => copy({ home, from: "app", to: `oci:${directory}`, platform: other }),
      () => downloadSbom({ home, image: "app", directory, platform: other }),
      () => rebase({ home, image: "app", platform: other }),
    ]) {
      const message = `Cannot take image for linux/s390x ${found}`;
      await expect(attempt()).rejects.toMatchObject({ code: "image.platform", message });
    }
    expect(existsSync(directory)).toBe(false);
  });

  it("is taken for its own platform, and for any when it says none", async () => {
    const own = { os: "linux", architecture: ociArchitecture(process.arch) };
    await copy({ home, from: "app", to: `oci:${bench.root}/own`, platform: own });
    expect((await rebase({ home, image: "app", platform: own })).changed).toBe(false);
    await using store = bench.store();
    const [app] = apps;
    const silent = { ...app!, config: { ...app!.config, os: "", architecture: "" } };
    await store.write(silent, [parseReference("silent:latest")], store);
    await copy({ home, from: "silent", to: `oci:${bench.root}/silent`, platform: other });
    expect(existsSync(join(bench.root, "silent"))).toBe(true);
  });
});
