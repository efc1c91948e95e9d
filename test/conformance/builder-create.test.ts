import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CreateBuilderOptions, createBuilder } from "../../src/builder-create.ts";
import { packageBuildpack } from "../../src/buildpack-package.ts";
import { abilitiesOf, buildpackApis, parseApi } from "../../src/cnb/api.ts";
import { builderLabels, parseBuilderMetadata } from "../../src/cnb/builder-label.ts";
import { parseLifecycleFile } from "../../src/cnb/lifecycle-file.ts";
import { parseModuleLayers } from "../../src/cnb/module-layers.ts";
import { envOf, type ImageConfig, labelsOf } from "../../src/oci/config.ts";
import type { Descriptor } from "../../src/oci/descriptor.ts";
import { parseReference } from "../../src/oci/reference.ts";
import type { Event } from "../../src/std/event.ts";
import { isStoredIndex, type StoredImage } from "../../src/store/contract.ts";
import { openRegistry } from "../../src/store/registry.ts";
import { Bench } from "../support/flow.ts";
import { writeMachineImage } from "../support/machine-image.ts";
import { startRegistry } from "../support/registry.ts";
import { type LayerEntry, layerEntries } from "../support/tar-list.ts";

const bench = new Bench();
const parts: Descriptor[] = [];
const events: Event[] = [];
const warnings = () => events.flatMap((event) => (event.type === "log" && event.level === "warn" ? [event.text] : []));
const make = async (options: CreateBuilderOptions) => {
  events.length = 0;
  return createBuilder({
    home: bench.home,
    base: bench.root,
    pullPolicy: "never",
    onEvent: (event) => events.push(event),
    ...options,
  });
};

const one = bench.buildpack({ id: "acme/one", info: 'name = "One"' });
const two = bench.buildpack({ id: "acme/two", version: "2.0.0" });
const all = bench.buildpack({
  id: "acme/all",
  more: '[[order]]\n[[order.group]]\nid = "acme/one"\nversion = "1.0.0"\n',
});

/** A builder.toml with a build image, a run image, and these buildpacks and groups. */
function definition(directories: readonly string[], groups: readonly (readonly string[])[], more = ""): string {
  return bench.builder(
    directories,
    groups,
    `[build]\nimage = "build"\n[[run.images]]\nimage = "run"\nmirrors = ["near.example/run"]\n${more}`,
  );
}

async function images(change?: (config: ImageConfig) => ImageConfig): Promise<void> {
  await bench.runImage();
  await bench.runImage("build", change);
}

async function entriesOf(stored: StoredImage): Promise<Map<string, LayerEntry>> {
  const entries = new Map<string, LayerEntry>();
  for (const { diffId } of stored.image.layers.slice(1))
    for (const entry of await layerEntries(stored, diffId)) entries.set(entry.name, entry);
  return entries;
}

describe("builders that are made", () => {
  it("BUILDER-001 BUILDER-002 BUILDER-005 FILE-053 have the files of a builder, each buildpack in a layer at its place", async () => {
    await images();
    const more =
      '[[build.env]]\nname = "JAVA_OPTS"\nvalue = "-Xmx1g"\nsuffix = "append"\ndelim = " "\n[[build.env]]\nname = "A"\nvalue = "b"\n' +
      '[system.pre]\n[[system.pre.buildpacks]]\nid = "acme/two"\nversion = "2.0.0"\n';
    const report = await make({ name: "builder", config: definition([one, two], [["acme/one", "acme/two?"]], more) });
    expect(report.hasPhases).toBe(false);
    await bench.look("builder", async (stored) => {
      expect(stored.identity.imageId).toBe(report.images[0]!.imageId);
      const entries = await entriesOf(stored);
      const text = (path: string) => entries.get(path)?.text;
      expect(text("/cnb/order.toml")).toBe(
        '[[order]]\n\n  [[order.group]]\n    id = "acme/one"\n    version = "1.0.0"\n\n  [[order.group]]\n    id = "acme/two"\n    version = "2.0.0"\n    optional = true\n',
      );
      expect(text("/cnb/run.toml")).toBe('[[images]]\n  image = "run"\n  mirrors = ["near.example/run"]\n');
      expect(text("/cnb/stack.toml")).toBe('[run-image]\n  image = "run"\n  mirrors = ["near.example/run"]\n');
      expect(text("/cnb/system.toml")).toBe(
        '[system]\n  [system.pre]\n\n    [[system.pre.buildpacks]]\n      id = "acme/two"\n      version = "2.0.0"\n',
      );
      expect([
        text("/cnb/build-config/env/A"),
        text("/cnb/build-config/env/JAVA_OPTS.append"),
        text("/cnb/build-config/env/JAVA_OPTS.delim"),
      ]).toEqual(["b", "-Xmx1g", " "]);
      expect(text("/cnb/buildpacks/acme_one/1.0.0/buildpack.toml")).toContain('id = "acme/one"');
      const shape = (path: string) => {
        const { type, mode, uid, gid } = entries.get(path)!;
        return [type, mode, uid, gid];
      };
      for (const path of ["/workspace", "/layers"]) expect(shape(path)).toEqual(["directory", 0o755, 1000, 1000]);
      for (const path of [
        "/cnb",
        "/cnb/buildpacks",
        "/cnb/extensions",
        "/platform",
        "/platform/env",
        "/cnb/build-config/env",
      ])
        expect(shape(path)).toEqual(["directory", 0o755, 0, 0]);
      expect(shape("/cnb/lifecycle/launcher")).toEqual(["file", 0o755, 0, 0]);
      expect(entries.get("/lifecycle")!.link).toBe("/cnb/lifecycle");
      const own = parseLifecycleFile(text("/cnb/lifecycle/lifecycle.toml")!, "lifecycle.toml");
      expect(own.buildpack.supported).toEqual(buildpackApis);
      const labels = labelsOf(stored.image.config);
      const modules = parseModuleLayers(labels[builderLabels.buildpackLayers]!, "label");
      expect(new Set(modules.map(({ diffId }) => diffId)).size).toBe(2);
      expect(parseBuilderMetadata(labels[builderLabels.metadata]!, "label").lifecycle).toEqual(own);
      expect(labels[builderLabels.order]).toBe('[{"group":[{"id":"acme/one"},{"id":"acme/two","optional":true}]}]');
      expect([labels[builderLabels.orderExtensions], labels[builderLabels.extensionLayers]]).toEqual(["null", "{}"]);
      expect(labels[builderLabels.system]).toBe(
        '{"pre":{"buildpacks":[{"id":"acme/two","version":"2.0.0"}]},"post":{}}',
      );
      expect(stored.image.config.config.WorkingDir).toBe("/layers");
    });
  });

  it("BUILDER-001 are used as any builder is, by their name", async () => {
    await bench.runImage();
    await writeMachineImage(bench.home, "build", {
      config: { Env: ["PATH=/usr/bin:/bin", "CNB_USER_ID=1000", "CNB_GROUP_ID=1000"], User: "1000:1000" },
    });
    const build = `mkdir "$CNB_LAYERS_DIR/l"; printf '[types]\nlaunch=true\n' > "$CNB_LAYERS_DIR/l.toml"; echo "$JAVA_OPTS" > "$CNB_LAYERS_DIR/l/f"`;
    const layer = bench.buildpack({ id: "acme/layer", build });
    const more = '[[build.env]]\nname = "JAVA_OPTS"\nvalue = "-Xmx1g"\n';
    await make({ name: "builder", config: definition([layer], [["acme/layer"]], more) });
    const { report, fault } = await bench.build([], { builder: "builder", image: "app1" });
    expect(fault).toBeUndefined();
    const { diffId } = report!.layers.find(({ id }) => id === "acme/layer:l")!;
    const entries = await bench.look("app1", (stored) => layerEntries(stored, diffId));
    expect(entries.find(({ name }) => name === "/layers/acme_layer/l/f")!.text).toBe("-Xmx1g\n");
  });

  it("TRAP-030 run buildpacks as they were released, each at the API that its own descriptor says", async () => {
    await bench.runImage();
    await writeMachineImage(bench.home, "build", {
      config: { Env: ["PATH=/usr/bin:/bin", "CNB_USER_ID=1000", "CNB_GROUP_ID=1000"], User: "1000:1000" },
      more: ["sha256sum"],
    });
    // As the libraries that buildpacks are written with do: another API than the one they were made for ends them.
    const made = buildpackApis.map((api) => {
      const refuse = `read -r line < "$CNB_BUILDPACK_DIR/buildpack.toml"; [ "$line" = 'api = "${api}"' ] || exit 3`;
      const build = `${refuse}\necho "${api} $(sha256sum < "$CNB_BUILDPACK_DIR/buildpack.toml")"`;
      const targets = abilitiesOf(parseApi(api, api)).targets ? '[[targets]]\nos = "linux"' : '[[stacks]]\nid = "*"';
      const id = `acme/at-${api}`;
      return { id, api, directory: bench.buildpack({ id, api, more: targets, detect: refuse, build }) };
    });
    const all = [made.map(({ directory }) => directory), [made.map(({ id }) => id)]] as const;
    await make({ name: "builder", config: definition(...all) });
    const { output, fault } = await bench.build([], { builder: "builder", image: "apis" });
    expect(fault).toBeUndefined();
    const sum = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
    expect(output.trim().split("\n")).toEqual(
      made.map(({ api, directory }) => `${api} ${sum(join(directory, "buildpack.toml"))}  -`),
    );
  });

  it("BUILDER-003 keep the variables and labels of the build image", async () => {
    await images((config) => ({
      ...config,
      config: {
        ...config.config,
        Env: [...config.config.Env!, "LANG=C.UTF-8"],
        Labels: { ...config.config.Labels, "org.acme": "kept" },
      },
    }));
    await make({ name: "builder", config: definition([one], [["acme/one"]]), labels: { "org.other": "new" } });
    await bench.look("builder", ({ image: { config } }) => {
      expect(envOf(config, "LANG")).toBe("C.UTF-8");
      expect(labelsOf(config)).toMatchObject({
        "org.acme": "kept",
        "org.other": "new",
        "io.buildpacks.base.distro.name": "debian",
      });
      expect(config.config.User).toBe("1000:1000");
    });
  });

  it("BUILDER-004 have the directories their variables name", async () => {
    await images((config) => ({
      ...config,
      config: {
        ...config.config,
        Env: [...config.config.Env!, "CNB_APP_DIR=/srv/app", "CNB_LAYERS_DIR=/srv/layers/", "CNB_PLATFORM_DIR=/p"],
      },
    }));
    await make({ name: "builder", config: definition([one], [["acme/one"]]) });
    await bench.look("builder", async (stored) => {
      const entries = await entriesOf(stored);
      expect([entries.get("/srv/app")!.uid, entries.get("/srv/layers")!.uid, entries.get("/p/env")!.uid]).toEqual([
        1000, 1000, 0,
      ]);
      expect(entries.has("/workspace")).toBe(false);
    });
  });

  it("BUILDER-013 may have no order, which is worth a warning", async () => {
    await images();
    await make({ name: "builder", config: definition([one], []) });
    expect(warnings().join()).toContain("the builder has no order");
    await bench.look("builder", async (stored) => {
      expect((await entriesOf(stored)).get("/cnb/order.toml")!.text).toBe("");
      expect(labelsOf(stored.image.config)[builderLabels.order]).toBe("null");
    });
  });

  it("BPKG-011 BUILDER-014 take all that comes with a package, and the one version there is", async () => {
    await images();
    await packageBuildpack({
      home: bench.home,
      base: bench.root,
      name: "all",
      config: bench.write("all.toml", `[buildpack]\nuri = "${all}"\n[[dependencies]]\nuri = "${one}"\n`),
    });
    await make({ name: "builder", config: definition(["docker://all"], [["acme/all"], ["acme/one"]]) });
    await bench.look("builder", async (stored) => {
      expect((await entriesOf(stored)).get("/cnb/order.toml")!.text).toContain(
        'id = "acme/one"\n    version = "1.0.0"',
      );
      const labels = labelsOf(stored.image.config);
      expect(labels[builderLabels.order]).toBe('[{"group":[{"id":"acme/all"}]},{"group":[{"id":"acme/one"}]}]');
      expect(parseBuilderMetadata(labels[builderLabels.metadata]!, "l").buildpacks.map(({ id }) => id)).toEqual([
        "acme/all",
        "acme/one",
      ]);
    });
  });

  it.each([
    ["an order names what is not there", () => definition([one], [["acme/none"]]), "builder.order"],
    ["a composite names what is not there", () => definition([all], [["acme/all"]]), "builder.component"],
    [
      "a system buildpack is not there",
      () =>
        definition(
          [one],
          [["acme/one"]],
          '[system.post]\n[[system.post.buildpacks]]\nid = "acme/none"\nversion = "1"\n',
        ),
      "builder.order",
    ],
    [
      "the lifecycle does not know an API",
      () => definition([bench.buildpack({ id: "acme/old", api: "0.6" })], []),
      "builder.api",
    ],
    [
      "a buildpack runs elsewhere",
      () => definition([bench.buildpack({ id: "acme/win", more: '[[targets]]\nos = "windows"\n' })], []),
      "builder.target",
    ],
    [
      "a buildpack is for another distribution",
      () =>
        definition(
          [
            bench.buildpack({
              id: "acme/dist",
              more: '[[targets]]\nos = "linux"\n[[targets.distros]]\nname = "alpine"\nversion = "3"\n',
            }),
          ],
          [],
        ),
      "builder.target",
    ],
    [
      "a buildpack is for another stack",
      () => definition([bench.buildpack({ id: "acme/stack", more: '[[stacks]]\nid = "s"\n' })], []),
      "builder.stack",
    ],
    [
      "a buildpack needs mixins the build image lacks",
      () =>
        definition(
          [bench.buildpack({ id: "acme/mixin", more: '[[stacks]]\nid = "*"\nmixins = ["git", "run:x"]\n' })],
          [],
        ),
      "builder.mixins",
    ],
    ["the stack is another one", () => definition([one], [], '[stack]\nid = "other"\n'), "builder.stack"],
    [
      "a module is not what the reference says",
      () => definition([], [], `[[buildpacks]]\nuri = "${one}"\nversion = "9"\n`),
      "builder.module",
    ],
    [
      "there is no build image",
      () => bench.builder([one], [], '[build]\nimage = "none"\n[[run.images]]\nimage = "run"\n'),
      "builder.image",
    ],
    ["no build image is named", () => bench.builder([one], [], '[[run.images]]\nimage = "run"\n'), "builder.image"],
    ["no run image is named", () => bench.builder([one], [], '[build]\nimage = "build"\n'), "builder.image"],
    [
      "the lifecycle is named twice",
      () => definition([one], [], '[lifecycle]\nuri = "x"\nversion = "1.0.0"\n'),
      "lifecycle.choice",
    ],
    ["the lifecycle is not there", () => definition([one], [], '[lifecycle]\nuri = "none.tgz"\n'), "lifecycle.file"],
  ])("BUILDER-015 are not made when %s", async (_, config, code) => {
    await images();
    await expect(make({ name: "refused", config: config() })).rejects.toMatchObject({ code });
    await expect(bench.look("refused", () => undefined)).rejects.toThrow("no image");
  });

  it("TARGET-007 check buildpacks against the build image when they are made, and against the run image in each build", async () => {
    await images();
    const distro = (config: ImageConfig): ImageConfig => ({
      ...config,
      config: { ...config.config, Labels: { ...config.config.Labels, "io.buildpacks.base.distro.version": "13" } },
    });
    await bench.runImage("newer", distro);
    const made = (version: string) =>
      bench.buildpack({
        id: `acme/debian-${version}`,
        more: `[[targets]]\nos = "linux"\n[[targets.distros]]\nname = "debian"\nversion = "${version}"\n`,
        detect: "echo detecting",
      });
    await expect(make({ name: "refused", config: definition([made("13")], []) })).rejects.toMatchObject({
      code: "builder.target",
    });
    await make({ name: "older", config: definition([made("12")], []) });
    expect((await bench.build([made("12")])).fault).toBeUndefined();
    const { fault, lines } = await bench.build([made("12")], { runImage: "newer" });
    expect(fault?.code).toBe("detect.error");
    expect(lines("debug").join("\n")).toContain("unable to satisfy target os/arch constraints");
    expect(lines("debug").join("\n")).not.toContain("detecting");
  });

  it("IMG-004 say so when apps run as the user who builds, and nothing when they do not", async () => {
    const said = () => events.flatMap((event) => (event.type === "log" ? [event.text] : [])).join("\n");
    const config = definition([one], [["acme/one"]]);
    await images();
    await make({ name: "builder", config });
    expect(said()).toContain("run image run runs apps as 1000, the user who builds: they can change their own files");
    await images((changed) => ({
      ...changed,
      config: { ...changed.config, Env: ["CNB_USER_ID=1001", "CNB_GROUP_ID=1000"] },
    }));
    await make({ name: "builder", config });
    expect(said()).not.toContain("the user who builds");
  });

  it("FILE-052 warn when mirrors share a registry, or are another image", async () => {
    await images();
    await bench.runImage("near.example/run", (config) => ({ ...config, author: "somebody else" }));
    const names = (mirrors: string) =>
      `[build]\nimage = "build"\n[[run.images]]\nimage = "run"\nmirrors = [${mirrors}]\n`;
    const warned = async (mirrors: string) => {
      await make({ name: "builder", config: bench.builder([one], [["acme/one"]], names(mirrors)) });
      return warnings().filter((text) => text.includes("mirror"));
    };
    const id = (name: string) => bench.look(name, ({ identity }) => identity.imageId);
    expect(await warned('"near.example/run"')).toEqual([
      `run image run is ${await id("run")}, and its mirror near.example/run is ${await id("near.example/run")}`,
    ]);
    await bench.runImage("near.example/run");
    expect(await warned('"near.example/run"')).toEqual([]);
    expect(await warned('"near.example/run", "near.example/again"')).toEqual([
      "run image near.example/run and its mirror near.example/again are both on near.example: each belongs on a registry of its own",
    ]);
    expect(await warned('"docker.io/library/run:latest"')).toEqual([
      "run image run and its mirror docker.io/library/run:latest are both on docker.io: each belongs on a registry of its own",
    ]);
  });

  it("BUILDER-015 a build image without its user's ids, or that is a builder, is refused", async () => {
    await images((config) => ({ ...config, config: { ...config.config, Env: [] } }));
    const config = definition([one], [["acme/one"]]);
    await expect(make({ name: "refused", config })).rejects.toMatchObject({ code: "builder.user" });
    await images();
    await make({ name: "builder", config });
    const again = bench.builder([one], [], '[build]\nimage = "builder"\n[[run.images]]\nimage = "run"\n');
    await expect(make({ name: "refused", config: again })).rejects.toMatchObject({ code: "builder.base" });
  });

  it("BUILDER-016 take the lifecycle of a release, with its APIs and phases", async () => {
    await images();
    for (const phase of ["detector", "restorer", "analyzer", "builder", "exporter", "creator", "launcher"])
      bench.write(`release/lifecycle/${phase}`, phase, 0o755);
    bench.write(
      "release/lifecycle.toml",
      '[apis.buildpack]\ndeprecated = ["0.12"]\nsupported = ["0.9"]\n[apis.platform]\nsupported = ["0.12"]\n[lifecycle]\nversion = "0.19.0"\n',
    );
    execFileSync("tar", ["czf", "lifecycle.tgz", "-C", "release", "lifecycle.toml", "lifecycle"], { cwd: bench.root });
    const config = definition([one], [["acme/one"]], '[lifecycle]\nuri = "./lifecycle.tgz"\n');
    const report = await make({ name: "builder", config });
    expect(report.hasPhases).toBe(true);
    expect(warnings().join()).toContain("acme/one@1.0.0 is using deprecated Buildpack API version 0.12");
    await bench.look("builder", async (stored) => {
      const entries = await entriesOf(stored);
      expect(entries.get("/cnb/lifecycle/creator")).toMatchObject({
        text: "creator",
        mode: 0o755,
        uid: 0,
        mtime: 315_532_801,
      });
      expect(entries.get("/cnb/lifecycle/lifecycle.toml")!.text).toBe(bench.read("release/lifecycle.toml"));
      const { lifecycle } = parseBuilderMetadata(labelsOf(stored.image.config)[builderLabels.metadata]!, "l");
      expect([lifecycle.version, lifecycle.platform.supported]).toEqual(["0.19.0", ["0.12"]]);
    });
    const extended = definition(
      [one],
      [["acme/one"]],
      '[lifecycle]\nuri = "./lifecycle.tgz"\n[[order-extensions]]\ngroup = [{ id = "acme/ext" }]\n',
    );
    await expect(make({ name: "refused", config: extended })).rejects.toMatchObject({ code: "builder.extensions" });
  });

  it("bring image extensions with an order of their own", async () => {
    await images();
    bench.write("ext/extension.toml", 'api = "0.12"\n[extension]\nid = "acme/ext"\nversion = "1.0.0"\n');
    bench.write("ext/bin/generate", "#!/bin/sh\n", 0o755);
    const more = `[[extensions]]\nuri = "${join(bench.root, "ext")}"\n[[order-extensions]]\ngroup = [{ id = "acme/ext", version = "1.0.0" }]\n`;
    await make({ name: "builder", config: definition([one], [["acme/one"]], more) });
    await bench.look("builder", async (stored) => {
      const labels = labelsOf(stored.image.config);
      expect(labels[builderLabels.orderExtensions]).toBe('[{"group":[{"id":"acme/ext","version":"1.0.0"}]}]');
      expect(parseModuleLayers(labels[builderLabels.extensionLayers]!, "l").map(({ id }) => id)).toEqual(["acme/ext"]);
      const entries = await entriesOf(stored);
      expect(entries.has("/cnb/extensions/acme_ext/1.0.0/bin/generate")).toBe(true);
      expect(entries.get("/cnb/order.toml")!.text).toContain(
        '[[order-extensions]]\n\n  [[order-extensions.group]]\n    id = "acme/ext"',
      );
    });
  });

  it("are the same image whatever order their parts are named in, and from wherever they come", async () => {
    await images();
    await packageBuildpack({ home: bench.home, base: bench.root, name: "one.cnb", path: one, format: "file" });
    const groups = [["acme/one", "acme/two"]];
    const first = await make({ name: "builder", config: definition([one, two], groups) });
    const second = await make({ name: "other", config: definition([two, join(bench.root, "one.cnb")], groups) });
    await bench.look("builder", (a) =>
      bench.look("other", (b) =>
        expect(b.image.layers.map(({ diffId }) => diffId)).toEqual(a.image.layers.map(({ diffId }) => diffId)),
      ),
    );
    const again = await make({ name: "again", config: definition([one, two], groups) });
    expect(again.images).toEqual(first.images);
    // Only the list in the label follows the definition, as pack's does.
    expect(second.images[0]!.imageId).not.toBe(first.images[0]!.imageId);
    const flat = await make({
      name: "flat",
      config: definition([one, two], groups),
      flatten: [["acme/one@1.0.0", "acme/two@2.0.0", "acme/none"]],
    });
    await bench.look("flat", ({ image }) => {
      const modules = parseModuleLayers(labelsOf(image.config)[builderLabels.buildpackLayers]!, "l");
      expect(new Set(modules.map(({ diffId }) => diffId)).size).toBe(1);
    });
    expect(warnings()).toContain("Nothing to flatten is called acme/none: names are id@version");
    expect(flat.images[0]!.imageId).not.toBe(first.images[0]!.imageId);
  });

  it("for several platforms are an index in a registry, whose images may have names of their own", async (test) => {
    await using registry = await startRegistry(test);
    await images();
    const outside = { insecureRegistries: [registry.host] };
    for (const arch of ["amd64", "arm64"]) {
      await bench.runImage(`build-${arch}`, (config) => ({ ...config, architecture: arch }));
      await bench.look(`build-${arch}`, async (stored) => {
        await using remote = openRegistry({ insecure: [registry.host] });
        const name = parseReference(`${registry.host}/build:latest`);
        const descriptor = await remote.writePart(stored.image, [name], stored.blobs);
        parts.push({ ...descriptor, platform: { os: "linux", architecture: arch } });
        if (parts.length === 2)
          await remote.writeIndex({ mediaType: "application/vnd.oci.image.index.v1+json", manifests: parts }, [name]);
      });
    }
    const config = bench.builder(
      [one],
      [["acme/one"]],
      `[build]\nimage = "${registry.host}/build"\n[[run.images]]\nimage = "run"\n[[targets]]\nos = "linux"\narch = "amd64"\n[[targets]]\nos = "linux"\narch = "arm64"\n`,
    );
    const report = await make({
      name: `${registry.host}/builder:1`,
      config,
      output: "registry",
      suffix: true,
      outside,
      pullPolicy: "if-not-present",
    });
    expect(report.images.map(({ target }) => target)).toEqual(["linux/amd64", "linux/arm64"]);
    await using remote = openRegistry({ insecure: [registry.host] });
    const found = (await remote.readWhole(parseReference(`${registry.host}/builder:1`)))!;
    if (!isStoredIndex(found)) throw new Error("expected an index");
    expect(found.index.manifests.map(({ platform }) => platform)).toEqual(parts.map(({ platform }) => platform));
    expect((await remote.tags(parseReference(`${registry.host}/builder`)))?.toSorted()).toEqual([
      "1",
      "1-linux-amd64",
      "1-linux-arm64",
    ]);
    await expect(
      make({
        name: "b",
        config,
        output: "daemon",
        targets: [
          { os: "linux", arch: "amd64", distros: [] },
          { os: "linux", arch: "arm64", distros: [] },
        ],
        outside,
      }),
    ).rejects.toMatchObject({ code: "builder.target" });
  });

  it("REG-008 a registry's buildpack has the version its index says", async () => {
    await images();
    await packageBuildpack({ home: bench.home, base: bench.root, name: "acme/one:1", path: one });
    const digest = await bench
      .look("acme/one:1", ({ identity }) => identity.digest)
      .catch(async () => {
        await using store = bench.store();
        return (await store.read(parseReference("acme/one:1")))!.identity.digest;
      });
    const index = (version: string) =>
      bench.write(
        "index/3/on/acme_one",
        `${JSON.stringify({ ns: "acme", name: "one", version, yanked: false, addr: `docker.io/acme/one@${digest}` })}\n`,
      );
    const registries = [{ name: "near", url: join(bench.root, "index") }];
    index("1.0.0");
    const config = definition(["urn:cnb:registry:acme/one"], [["acme/one"]]);
    const report = await make({ name: "builder", config, registries, registry: "near" });
    expect(report.images).toHaveLength(1);
    index("1.0.1");
    await expect(make({ name: "refused", config, registries, registry: "near" })).rejects.toMatchObject({
      code: "builder.module",
    });
  });
});
