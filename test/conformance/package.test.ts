import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type PackageBuildpackOptions, packageBuildpack } from "../../src/buildpack-package.ts";
import { builderLabels } from "../../src/cnb/builder-label.ts";
import { parseModuleLayers } from "../../src/cnb/module-layers.ts";
import { checkComponents, mergeStacks, packageStacks } from "../../src/cnb/package-check.ts";
import { labelsOf } from "../../src/oci/config.ts";
import { parseReference } from "../../src/oci/reference.ts";
import type { Event } from "../../src/std/event.ts";
import { hostPath } from "../../src/std/path.ts";
import { openArchive } from "../../src/store/archive.ts";
import { isStoredIndex, type StoredImage } from "../../src/store/contract.ts";
import { faultOf } from "../support/fault.ts";
import { Bench } from "../support/flow.ts";
import { startRegistry } from "../support/registry.ts";
import { serve } from "../support/serve.ts";
import { layerEntries } from "../support/tar-list.ts";

const bench = new Bench();
const events: Event[] = [];
const make = (options: PackageBuildpackOptions) =>
  packageBuildpack({ home: bench.home, base: bench.root, onEvent: (event) => events.push(event), ...options });

/** A composite of two components, and its package.toml with these dependencies. */
function composite(name: string, dependencies: readonly string[]): string {
  bench.buildpack(
    {
      id: `acme/${name}`,
      more: '[[order]]\n[[order.group]]\nid = "acme/one"\nversion = "1.0.0"\n[[order.group]]\nid = "acme/two"\nversion = "1.0.0"\noptional = true\n',
    },
    `bp/${name}`,
  );
  const lines = dependencies.map((uri) => `[[dependencies]]\nuri = "${uri}"\n`);
  return bench.write(`${name}.toml`, `[buildpack]\nuri = "bp/${name}"\n${lines.join("")}`);
}

const targets = '[[targets]]\nos = "linux"\narch = "amd64"\n[[targets]]\nos = "linux"\narch = "arm64"\n';
bench.buildpack({ id: "acme/one", info: 'name = "One"\nhomepage = "https://acme.example"' }, "bp/one");
bench.buildpack({ id: "acme/two", more: targets }, "bp/two");

async function inFile<T>(path: string, look: (stored: StoredImage) => Promise<T> | T): Promise<T> {
  await using archive = openArchive(hostPath(path), { form: "oci" });
  return await look((await archive.sole())!);
}

const idOf = (path: string) => inFile(path, ({ identity }) => identity.imageId);
const modulesIn = ({ image }: StoredImage) =>
  parseModuleLayers(labelsOf(image.config)[builderLabels.buildpackLayers]!, "label");

describe("packages", () => {
  it("BPKG-001 BPKG-003 are images and files under any name, and each can be a part of another", async (test) => {
    await using registry = await startRegistry(test);
    const outside = { insecureRegistries: [registry.host] };
    await make({ name: "acme/one", path: "bp/one" });
    await make({
      name: "two.cnb",
      path: "bp/two",
      format: "file",
      targets: [{ os: "linux", arch: "amd64", distros: [] }],
    });
    await make({
      name: "other.tar",
      path: "bp/two",
      format: "file",
      targets: [{ os: "linux", arch: "amd64", distros: [] }],
    });
    await make({ name: `${registry.host}/one`, path: "bp/one", output: "registry", outside });
    const { names } = await make({ name: "plain", path: "bp/one", format: "file" });
    expect(names).toEqual([join(bench.root, "plain.cnb")]);
    const unlike = events.flatMap((event) =>
      event.type === "log" && /should end with \.cnb/.test(event.text) ? [event.text] : [],
    );
    expect(unlike.map((text) => text.split(",")[0])).toEqual(["The file of a package should end with .cnb"]);
    expect(unlike[0]).toContain("other.tar");
    const ids = new Set<string>();
    for (const [one, two] of [
      ["docker://acme/one", "two.cnb"],
      [`docker://${registry.host}/one`, "other.tar"],
      ["bp/one", "bp/two"],
    ] as const) {
      const config = composite("all", [one, two]);
      const report = await make({ name: "all", config, outside });
      ids.add(report.images[0]!.imageId);
    }
    expect(ids.size).toBe(1);
  });

  it("BPKG-016 take their parts from a directory, a file's URL, a server, an image and a registry's index", async () => {
    execFileSync("tar", ["czf", "one.tgz", "-C", "bp", "one"], { cwd: bench.root });
    await using server = await serve((path) =>
      path === "/one.tgz" ? readFileSync(join(bench.root, "one.tgz")) : undefined,
    );
    const { digest } = await make({ name: "acme/one", path: "bp/one" });
    const entry = { ns: "acme", name: "one", version: "1.0.0", yanked: false, addr: `acme/one@${digest}` };
    bench.write("index/3/on/acme_one", `${JSON.stringify(entry)}\n`);
    const registries = [{ name: "near", url: join(bench.root, "index") }];
    const ids = new Set<string>();
    for (const locator of [
      "bp/one",
      `file://${bench.root}/one.tgz`,
      `${server.url}/one.tgz`,
      "docker://acme/one",
      "urn:cnb:registry:acme/one",
      "acme/one@1.0.0",
    ]) {
      const config = composite("sources", [locator, "bp/two"]);
      const report = await make({ name: "sources", config, registries, registry: "near", pullPolicy: "never" });
      ids.add(report.images[0]!.imageId);
    }
    expect(ids.size).toBe(1);
    expect(server.asked).toEqual(["/one.tgz"]);
    const gone = composite("sources", [`${server.url}/none.tgz`]);
    await expect(make({ name: "sources", config: gone })).rejects.toMatchObject({ code: "download.failed" });
  });

  it("BPKG-002 a .cnb is a plain tar of an OCI image layout; a compressed one is read as well", async () => {
    const target = { os: "linux", distros: [] };
    await make({ name: "one.cnb", path: "bp/one", format: "file", targets: [target] });
    const list = execFileSync("tar", ["tf", join(bench.root, "one.cnb")], { encoding: "utf8" }).split("\n");
    expect(list).toEqual(expect.arrayContaining(["oci-layout", "index.json"]));
    writeFileSync(join(bench.root, "small.cnb"), gzipSync(readFileSync(join(bench.root, "one.cnb"))));
    const plain = await make({ name: "a", config: composite("plain", ["one.cnb", "bp/two"]) });
    const small = await make({ name: "b", config: composite("plain", ["small.cnb", "bp/two"]) });
    expect(small.images[0]!.imageId).toBe(plain.images[0]!.imageId);
  });

  it("TRAP-021 another tar named .cnb is called by its name, docker save's is taken", async () => {
    execFileSync("tar", ["cf", join(bench.root, "wrong.cnb"), "-C", join(bench.root, "bp/one"), "."]);
    const wrong = make({ name: "x", config: composite("wrong", ["wrong.cnb"]) });
    await expect(wrong).rejects.toMatchObject({ code: "package.form" });
    await make({ name: "docker-archive:saved.tar:acme/one", path: "bp/one" });
    const report = await make({ name: "x", config: composite("saved", ["saved.tar", "bp/two"]) });
    expect(report.id).toBe("acme/saved");
  });

  it("BPKG-004 BPKG-005 each buildpack has one layer, at its id with _ for / and its version", async () => {
    await make({ name: "all", config: composite("all", ["bp/one", "bp/two"]) });
    await bench.look("all", async (stored) => {
      expect(stored.image.layers).toHaveLength(3);
      for (const { id, version, diffId } of modulesIn(stored)) {
        const entries = await layerEntries(stored, diffId);
        const place = `/cnb/buildpacks/${id.replace("/", "_")}`;
        expect(entries.slice(0, 2).map(({ name, type }) => [name, type])).toEqual([
          [place, "directory"],
          [`${place}/${version}`, "directory"],
        ]);
        expect(
          entries.every(
            ({ name, uid, gid, mtime }) => name.startsWith(place) && uid + gid === 0 && mtime === 315_532_801,
          ),
        ).toBe(true);
      }
    });
  });

  it("BPKG-013 its label has what each buildpack's descriptor says, and its layer", async () => {
    await make({ name: "all", config: composite("all", ["bp/one", "bp/two"]) });
    await bench.look("all", (stored) => {
      const modules = modulesIn(stored);
      const [all, one, two] = ["acme/all", "acme/one", "acme/two"].map((id) => modules.find((each) => each.id === id));
      expect(all).toMatchObject({ version: "1.0.0", api: "0.12" });
      expect(all!.order.map((group) => group.map(({ id, optional }) => [id, optional]))).toEqual([
        [
          ["acme/one", false],
          ["acme/two", true],
        ],
      ]);
      expect(one).toMatchObject({ name: "One", homepage: "https://acme.example", order: [] });
      expect(two!.targets.map(({ os, arch }) => [os, arch])).toEqual([
        ["linux", "amd64"],
        ["linux", "arm64"],
      ]);
      expect(new Set(modules.map(({ diffId }) => diffId))).toEqual(new Set(stored.image.config.diffIds));
    });
  });

  it("BPKG-007 a package whose layers do not hold what it is about is refused", async () => {
    await make({ name: "all", config: composite("all", ["bp/one", "bp/two"]) });
    const lie = async (name: string, change: (labels: Record<string, string>) => Record<string, string>) => {
      await bench.look("all", async (stored) => {
        await using store = bench.store();
        const { image } = stored;
        const config = { ...image.config.config, Labels: change({ ...labelsOf(image.config) }) };
        await store.write(
          { ...image, config: { ...image.config, config } },
          [parseReference(`${name}:latest`)],
          stored.blobs,
        );
      });
      return make({ name: "x", config: composite("user", [`docker://${name}`]) });
    };
    const about = lie("lie1", (labels) => ({ ...labels, [builderLabels.package]: '{"id":"acme/none","version":"1"}' }));
    await expect(about).rejects.toMatchObject({ code: "package.label" });
    const missing = lie("lie2", (labels) => ({
      ...labels,
      [builderLabels.buildpackLayers]: labels[builderLabels.buildpackLayers]!.replace(
        /sha256:[0-9a-f]{64}/,
        `sha256:${"0".repeat(64)}`,
      ),
    }));
    await expect(missing).rejects.toThrow("is not in it");
    await expect(lie("lie3", () => ({}))).rejects.toMatchObject({ code: "package.label" });
  });

  it("BPKG-019 has the labels that are in use, and none of an unreleased draft", async () => {
    await make({ name: "one", path: "bp/one", labels: { "org.acme": "yes" } });
    const labels = await bench.look("one", ({ image }) => labelsOf(image.config));
    expect(Object.keys(labels).sort()).toEqual([
      "io.buildpacks.buildpack.layers",
      "io.buildpacks.buildpackage.metadata",
      "org.acme",
    ]);
    expect(labels[builderLabels.package]).toBe(
      '{"id":"acme/one","name":"One","version":"1.0.0","homepage":"https://acme.example","stacks":[{"id":"*"}]}',
    );
  });

  it("BPKG-014 an extension's package has labels and a path of its own", async () => {
    bench.write("ext/extension.toml", 'api = "0.12"\n[extension]\nid = "acme/ext"\nversion = "2.0.0"\nname = "Ext"\n');
    bench.write("ext/bin/generate", "#!/bin/sh\n", 0o755);
    await make({ name: "ext", path: "ext", kind: "extension" });
    await bench.look("ext", async (stored) => {
      const labels = labelsOf(stored.image.config);
      expect(labels[builderLabels.package]).toBe('{"id":"acme/ext","name":"Ext","version":"2.0.0","stacks":null}');
      expect(labels[builderLabels.buildpackLayers]).toBeUndefined();
      const [layer] = parseModuleLayers(labels[builderLabels.extensionLayers]!, "label");
      const names = (await layerEntries(stored, layer!.diffId)).map(({ name }) => name);
      expect(names).toContain("/cnb/extensions/acme_ext/2.0.0/bin/generate");
    });
    await expect(make({ name: "x", config: composite("user", ["docker://ext"]) })).rejects.toThrow("of an extension");
  });

  it("BPKG-017 several buildpacks may stand in one layer, in ours and in those we read", async () => {
    await make({ name: "flat", config: composite("flat", ["bp/one", "bp/two"]), flatten: true });
    await bench.look("flat", async (stored) => {
      expect(stored.image.layers).toHaveLength(1);
      expect(new Set(modulesIn(stored).map(({ diffId }) => diffId)).size).toBe(1);
      const names = (await layerEntries(stored, modulesIn(stored)[0]!.diffId)).map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      expect(names).toContain("/cnb/buildpacks/acme_two/1.0.0/bin/build");
    });
    await make({
      name: "half",
      config: composite("flat", ["bp/one", "bp/two"]),
      flatten: true,
      flattenExclude: ["acme/two@1.0.0"],
    });
    await bench.look("half", ({ image }) => expect(image.layers).toHaveLength(2));
    // Another version of one of them takes it out of the shared layer, with all its files.
    bench.buildpack({ id: "acme/one", build: "echo other" }, "bp/one-other");
    bench.buildpack(
      { id: "acme/top", more: '[[order]]\n[[order.group]]\nid = "acme/flat"\nversion = "1.0.0"\n' },
      "bp/top",
    );
    const config = bench.write(
      "bp/top/package.toml",
      '[buildpack]\nuri = "."\n[[dependencies]]\nuri = "docker://flat"\n[[dependencies]]\nuri = "../one-other"\n',
    );
    await make({ name: "top", config });
    await bench.look("top", async (stored) => {
      const found = modulesIn(stored);
      expect(new Set(found.map(({ diffId }) => diffId)).size).toBe(4);
      const one = found.find(({ id }) => id === "acme/one")!;
      const script = (await layerEntries(stored, one.diffId)).find(({ name }) => name.endsWith("/bin/build"))!;
      expect(script.text).toContain("echo other");
    });
    expect(
      events.some((event) => event.type === "log" && event.level === "warn" && event.text.includes("given twice")),
    ).toBe(true);
  });

  it("BPKG-018 for several platforms is an index, each with its own files beside one descriptor", async () => {
    const folder = bench.buildpack({ id: "acme/many", more: targets }, "bp/many");
    for (const arch of ["amd64", "arm64"]) {
      bench.write(`bp/many/linux/${arch}/bin/build`, `#!/bin/sh\necho ${arch}\n`, 0o755);
      bench.write(`bp/many/linux/${arch}/bin/detect`, "#!/bin/sh\n", 0o755);
    }
    const report = await make({ name: "many", path: folder });
    expect(report.images.map(({ target }) => target)).toEqual(["linux/amd64", "linux/arm64"]);
    await using store = bench.store();
    const found = (await store.readWhole(parseReference("many:latest")))!;
    if (!isStoredIndex(found)) throw new Error("expected an index");
    expect(found.index.manifests.map(({ platform }) => platform)).toEqual([
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "arm64" },
    ]);
    for (const [at, arch] of ["amd64", "arm64"].entries()) {
      const stored = await found.read(found.index.manifests[at]!);
      const entries = await layerEntries(stored, modulesIn(stored)[0]!.diffId);
      const place = "/cnb/buildpacks/acme_many/1.0.0";
      expect(entries.map(({ name }) => name)).toEqual([
        "/cnb/buildpacks/acme_many",
        place,
        `${place}/bin`,
        `${place}/bin/build`,
        `${place}/bin/detect`,
        `${place}/buildpack.toml`,
      ]);
      expect(entries[3]!.text).toContain(`echo ${arch}`);
    }
    const files = await make({ name: "many.cnb", path: folder, format: "file" });
    expect(files.names.map((name) => name.slice(bench.root.length))).toEqual([
      "/many-linux-amd64.cnb",
      "/many-linux-arm64.cnb",
    ]);
    await expect(
      make({
        name: "many",
        path: folder,
        output: "daemon",
        targets: [
          { os: "linux", arch: "s390x", distros: [] },
          { os: "linux", arch: "riscv64", distros: [] },
        ],
      }),
    ).rejects.toMatchObject({ code: "package.target" });
  });

  it("are the same bytes from a directory and an archive, of other modes, times and clones", async () => {
    const first = bench.buildpack({ id: "acme/same" }, "bp/same-a");
    const second = bench.buildpack({ id: "acme/same" }, "bp/same-b");
    bench.write("bp/same-a/data", "x");
    bench.write("bp/same-b/data", "x", 0o640);
    bench.write("bp/same-b/.git/config", "x");
    chmodSync(join(second, "bin"), 0o700);
    chmodSync(join(second, "bin/build"), 0o644);
    for (const folder of [first, second]) symlinkSync("data", join(folder, "link"));
    mkdirSync(join(bench.root, "out"), { recursive: true });
    execFileSync("tar", [
      "czf",
      join(bench.root, "same.tgz"),
      "-C",
      bench.root,
      "bp/same-a",
      "--transform",
      "s,^bp/,,",
    ]);
    for (const [name, path] of [
      ["a", first],
      ["b", second],
      ["c", join(bench.root, "same.tgz")],
    ] as const)
      await make({ name: `out/${name}.cnb`, path, format: "file" });
    const [a, b, c] = ["a", "b", "c"].map((name) => readFileSync(join(bench.root, `out/${name}.cnb`)));
    expect(a!.equals(b!)).toBe(true);
    expect(a!.equals(c!)).toBe(true);
  });

  it("warn of what an author should mend", async () => {
    events.length = 0;
    bench.buildpack({ id: "acme/odd_id", info: 'fancy = "x"' }, "bp/odd");
    await make({ name: "odd", path: "bp/odd" });
    const warnings = events.flatMap((event) => (event.type === "log" && event.level === "warn" ? [event.text] : []));
    expect(warnings.join("\n")).toContain("buildpack.fancy");
    expect(warnings.join("\n")).toContain('the id "acme/odd_id" has other characters');
  });

  it("leave a name alone when they fail, and say what was meant", async () => {
    await make({ name: "kept", path: "bp/one" });
    const before = await bench.look("kept", ({ identity }) => identity.imageId);
    await expect(make({ name: "kept", config: composite("none", ["bp/one"]) })).rejects.toMatchObject({
      code: "package.component",
    });
    await expect(make({ name: "kept", path: "bp/nothing" })).rejects.toMatchObject({ code: "locator.parse" });
    await expect(make({ name: "kept", path: "bp/one", config: "x" })).rejects.toMatchObject({ code: "package.usage" });
    await expect(make({ name: "kept", config: "none.toml", kind: "extension" })).rejects.toMatchObject({
      code: "package.kind",
    });
    expect(await bench.look("kept", ({ identity }) => identity.imageId)).toBe(before);
    expect(await idOf(join(bench.root, "one.cnb"))).toMatch(/^sha256:/);
  });
});

describe("what may stand in a package together", () => {
  const part = (id: string, stacks: readonly string[] = [], order: readonly string[] = []) => ({
    info: { id, version: "1" },
    stacks: stacks.map((text) => {
      const [name, ...mixins] = text.split(" ");
      return { id: name!, ...(mixins.length > 0 && { mixins }) };
    }),
    order: order.length > 0 ? [order.map((one) => ({ id: one, version: "1", optional: false }))] : [],
  });

  it("BPKG-008 BPKG-009 has the stacks all of it runs on, each once, with all mixins", () => {
    const others = [part("b", ["s m1 m3", "t"]), part("c", ["s m2 m1", "u"])];
    expect(packageStacks(part("a", [], ["b", "c"]), others)).toEqual([{ id: "s", mixins: ["m1", "m2", "m3"] }]);
    expect(faultOf(() => packageStacks(part("a", ["s"]), [part("b", ["t"])])).code).toBe("package.stacks");
  });

  it("BPKG-010 those that name every stack or only targets leave the others to decide", () => {
    expect(packageStacks(part("a", ["*"]), [part("b", ["s", "t"]), part("c")])).toEqual([{ id: "s" }, { id: "t" }]);
    expect(packageStacks(part("a"), [])).toEqual([{ id: "*" }]);
    expect(mergeStacks([{ id: "*" }, { id: "s" }], [{ id: "*" }])).toEqual([{ id: "*" }]);
  });

  it("is all that the orders name, and nothing else", () => {
    const main = part("a", [], ["b"]);
    expect(() => checkComponents(main, [part("b")])).not.toThrow();
    expect(faultOf(() => checkComponents(main, [])).code).toBe("package.component");
    expect(faultOf(() => checkComponents(main, [part("b"), part("c")])).code).toBe("package.unused");
    const open = { ...main, order: [[{ id: "b", optional: false }]] };
    expect(faultOf(() => checkComponents(open, [part("b")])).message).toContain("without a version");
  });
});
