import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { BuildOptions } from "../../src/build.ts";
import { builderLabels } from "../../src/cnb/builder-label.ts";
import { encodePackageMetadata } from "../../src/cnb/package-label.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { hostPath } from "../../src/std/path.ts";
import { openArchive } from "../../src/store/archive.ts";
import { copyImage } from "../../src/store/copy.ts";
import { openLayoutDirectory } from "../../src/store/layout-directory.ts";
import { writePackageImage } from "../support/builder-image.ts";
import { Bench, type Outcome } from "../support/flow.ts";

const bench = new Bench();
const names = ({ report, fault }: Outcome) => report?.group.map(({ id, version }) => `${id}@${version}`) ?? fault;
const build = (buildpacks: readonly string[], options: Partial<BuildOptions> = {}) => bench.build(buildpacks, options);

let composite: string;
let moon: string;
let world: string;
const universe = ["test/world@1.0.0", "test/moon@1.0.0"];

beforeAll(async () => {
  await bench.runImage();
  world = bench.buildpack({ id: "test/world" }, "bp/world");
  moon = bench.buildpack({ id: "test/moon" }, "bp/moon");
  composite = bench.buildpack(
    {
      id: "test/universe",
      more: '[[order]]\ngroup = [{ id = "test/world", version = "1.0.0" }, { id = "test/moon", version = "1.0.0" }]\n',
    },
    "bp/universe",
  );
  await writePackageImage(bench.home, "universe", [composite, world, moon]);
});

/** Writes an image of the local store to a directory or file. */
async function put(name: string, to: "layout" | "oci" | "docker", path: string): Promise<string> {
  const full = hostPath(join(bench.root, path));
  await bench.look(name, async (stored) => {
    await using images =
      to === "layout" ? openLayoutDirectory(full) : openArchive(full, { form: to, compression: "none" });
    await copyImage(stored, images, [parseReference(`${name}:latest`)]);
  });
  return full;
}

describe("packages", () => {
  it("BPKG-011 one brings all of its buildpacks, so that a composite finds its components in it", async () => {
    expect(names(await build(["docker://universe"]))).toEqual(universe);
    expect(names(await build(["universe"]))).toEqual(universe);
  });

  it("BPKG-001 BPKG-002 BPKG-003 one is an image, a .cnb, such a file of another name or compressed, or an image layout", async () => {
    const cnb = await put("universe", "oci", "universe.cnb");
    expect(names(await build([cnb]))).toEqual(universe);
    expect(names(await build([`oci-archive:${cnb}`]))).toEqual(universe);
    execFileSync("cp", [cnb, join(bench.root, "named.otherwise")]);
    expect(names(await build([join(bench.root, "named.otherwise")]))).toEqual(universe);
    execFileSync("gzip", ["-k", cnb]);
    expect(names(await build([`${cnb}.gz`]))).toEqual(universe);
    const directory = await put("universe", "layout", "universe-layout");
    expect(names(await build([`oci:${directory}`]))).toEqual(universe);
    expect(names(await build([directory]))).toEqual(universe);
  });

  it("TRAP-021 what `docker save` wrote is read as well", async () => {
    expect(names(await build([await put("universe", "docker", "saved.tar")]))).toEqual(universe);
  });

  it("BPKG-017 many buildpacks may share a layer", async () => {
    const image = await writePackageImage(bench.home, "flat", [composite, world, moon], { flatten: true });
    expect(image.layers).toHaveLength(1);
    expect(names(await build(["docker://flat"]))).toEqual(universe);
  });

  it("BPKG-018 of one for several platforms this machine's is taken", async () => {
    const directory = join(bench.root, "platforms");
    const other = bench.buildpack({ id: "test/world", version: "2.0.0" }, "bp/other-world");
    await writePackageImage(bench.home, "own", [world]);
    const foreign = await writePackageImage(bench.home, "foreign", [other]);
    await using images = openLayoutDirectory(hostPath(directory));
    await bench.look("foreign", async (stored) => {
      const config = { ...foreign.config, architecture: "s390x" };
      await images.write({ ...stored.image, config }, [parseReference("foreign:latest")], stored.blobs);
    });
    await bench.look("own", async (stored) => copyImage(stored, images, [parseReference("own:latest")]));
    expect(names(await build([`oci:${directory}`]))).toEqual(["test/world@1.0.0"]);
  });

  it.each([
    ["is no package", { [builderLabels.package]: undefined }, "it has no label io.buildpacks.buildpackage.metadata"],
    [
      "is about what it does not hold",
      { [builderLabels.package]: encodePackageMetadata({ id: "test/other", version: "1", stacks: [] }) },
      "it is about test/other@1, which none of its layers holds",
    ],
    [
      "has a layer's name and no layer",
      {
        [builderLabels.buildpackLayers]: JSON.stringify({
          "test/world": { "1.0.0": { api: "0.12", layerDiffID: `sha256:${"0".repeat(64)}` } },
        }),
      },
      "of test/world@1.0.0 is not in it",
    ],
  ])("BPKG-007 an image that %s is refused", async (_, labels, found) => {
    const kept = Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined));
    await writePackageImage(bench.home, "wrong", [world], { labels: kept as Record<string, string> });
    if (Object.values(labels).includes(undefined as never)) {
      expect((await build(["docker://run"])).fault?.message).toContain(found);
      return;
    }
    const { fault } = await build(["docker://wrong"]);
    expect(fault).toMatchObject({ code: "package.label", exit: "usage" });
    expect(fault?.message).toContain(found);
  });

  it("BPKG-005 a package's links lead nowhere but into its own layer", async () => {
    const evil = join(bench.root, "bp/evil");
    execFileSync("cp", ["-r", world, evil]);
    execFileSync("rm", ["-r", join(evil, "bin")]);
    execFileSync("ln", ["-s", "/", join(evil, "bin")]);
    execFileSync("mv", [join(evil, "buildpack.toml"), join(bench.root, "outside.toml")]);
    execFileSync("ln", ["-s", join(bench.root, "outside.toml"), join(evil, "buildpack.toml")]);
    // Its maker still sees a descriptor through the link; whoever reads the layer must not.
    await writePackageImage(bench.home, "evil", [evil]);
    const { fault } = await build(["docker://evil"]);
    expect(fault).toMatchObject({ code: "package.label" });
    expect(fault?.message).toContain("does not hold test/world@1.0.0");
  });
});

describe("locators", () => {
  it("BPKG-016 a directory brings what its package.toml depends on, wherever that is", async () => {
    bench.write(
      "bp/universe/package.toml",
      '[buildpack]\nuri = "."\n[[dependencies]]\nuri = "../world"\n[[dependencies]]\nuri = "docker://moon"\n',
    );
    await writePackageImage(bench.home, "moon", [moon]);
    expect(names(await build([composite]))).toEqual(universe);
  });

  it("BPKG-016 a URL is downloaded once, and again only when its server has something else", async () => {
    const tgz = (directory: string) => execFileSync("tar", ["-C", directory, "-czf", "-", "."]);
    let served = { bytes: tgz(world), etag: '"1"' };
    const answered: number[] = [];
    const server = createServer((request, response) => {
      if (request.url === "/moved.tgz") response.writeHead(302, { location: "/world.tgz" });
      else if (request.url !== "/world.tgz") response.writeHead(404);
      else if (request.headers["if-none-match"] === served.etag) response.writeHead(304);
      else response.writeHead(200, { etag: served.etag });
      answered.push(response.statusCode);
      response.end(response.statusCode === 200 ? served.bytes : undefined);
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const world1 = ["test/world@1.0.0"];
      expect(names(await build([`${url}/moved.tgz`]))).toEqual(world1);
      expect(names(await build([`${url}/moved.tgz`]))).toEqual(world1);
      expect(answered).toEqual([302, 200, 302, 304]);
      served = { bytes: tgz(bench.buildpack({ id: "test/world", version: "2.0.0" }, "bp/world-2")), etag: '"2"' };
      expect(names(await build([`${url}/moved.tgz`]))).toEqual(["test/world@2.0.0"]);
      const { fault } = await build([`${url}/absent.tgz`]);
      expect(fault?.message).toBe(`Cannot download ${url}/absent.tgz: its server answered 404`);
    } finally {
      server.close();
    }
  });

  it("REG-008 REG-011 a buildpack of a registry must be what it is registered as", async () => {
    await writePackageImage(bench.home, "registered", [world]);
    const digest = await bench.look("registered", ({ identity }) => identity.digest);
    const line = (name: string, version: string) =>
      `${JSON.stringify({ ns: "test", name, version, yanked: false, addr: `registry.example/any@${digest}` })}\n`;
    bench.write("index/wo/rl/test_world", line("world", "0.9.0") + line("world", "1.0.0"));
    bench.write("index/ot/he/test_other", line("other", "1.0.0"));
    const buildpackRegistry = { name: "own", url: join(bench.root, "index") };
    const from = (text: string) => build([text], { buildpackRegistry });
    expect(names(await from("urn:cnb:registry:test/world"))).toEqual(["test/world@1.0.0"]);
    expect(names(await from("test/world@1.0.0"))).toEqual(["test/world@1.0.0"]);
    for (const [text, asked] of [
      ["urn:cnb:registry:test/world@0.9.0", "test/world@0.9.0"],
      ["urn:cnb:registry:test/other", "test/other@1.0.0"],
    ]) {
      const { fault } = await from(text!);
      expect(fault?.code).toBe("registry.package");
      expect(fault?.message).toContain(`as ${asked} of the registry: it is test/world@1.0.0`);
    }
  });

  it("BPKG-016 an id is one of the builder's, by itself or with the version, and a builder takes packages", async () => {
    const builder = bench.write(
      "taking/builder.toml",
      '[[buildpacks]]\nuri = "docker://universe"\n[[buildpacks]]\nuri = "../bp/other"\n[[order]]\ngroup = [{ id = "test/universe" }]\n',
    );
    bench.buildpack({ id: "test/other" }, "bp/other");
    expect(names(await build([], { builder }))).toEqual(universe);
    const from = (...texts: string[]) => build(texts, { builder });
    expect(names(await from("test/moon"))).toEqual(["test/moon@1.0.0"]);
    expect(names(await from("urn:cnb:builder:test/moon@1.0.0", "from=builder:test/other"))).toEqual([
      "test/moon@1.0.0",
      "test/other@1.0.0",
    ]);
    expect(names(await from("test/other", "from=builder"))).toEqual(["test/other@1.0.0", ...universe]);
    const { fault } = await from("urn:cnb:builder:test/moon@7");
    expect(fault?.message).toContain("the builder has only 1.0.0");
    expect((await from("from=builder", "from=builder")).fault?.code).toBe("order.choice");
  });

  it("PROJ-012 a project's group takes packages", async () => {
    bench.write(
      "project/project.toml",
      '[_]\nschema-version = "0.2"\n[[io.buildpacks.group]]\nuri = "docker://universe"\n',
    );
    expect(names(await build([], { app: join(bench.root, "project") }))).toEqual(universe);
  });

  it("BPKG-016 what is brought along takes the place of the builder's of the same name", async () => {
    const own = bench.buildpack({ id: "test/world", build: "echo mine" }, "bp/own-world");
    const { output } = await build([own, "docker://universe"]);
    expect(output).toBe("mine\n");
  });
});
