import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createBuilder } from "../../src/builder-create.ts";
import { parseLifecycleMetadata } from "../../src/cnb/label.ts";
import { labelsOf } from "../../src/oci/config.ts";
import { compressionOf } from "../../src/oci/media-type.ts";
import { rebase } from "../../src/rebase.ts";
import { exitCodeOf, type Fault } from "../../src/std/fault.ts";
import type { StoredImage } from "../../src/store/contract.ts";
import { decompress } from "../../src/tar/gzip.ts";
import { readTar } from "../../src/tar/read.ts";
import { engineFor } from "../support/dockerd.ts";
import { dockerfile, requires, writeExtension } from "../support/extension.ts";
import { Bench } from "../support/flow.ts";
import { writeMachineImage } from "../support/machine-image.ts";
import { peer } from "../support/peer.ts";

const docker = engineFor("Docker");

/** What a test context offers to leave a test out. */
interface Skippable {
  skip(note?: string): never;
}

const config = {
  User: "1000:1001",
  Env: ["PATH=/usr/bin:/bin", "CNB_USER_ID=1000", "CNB_GROUP_ID=1001"],
  Labels: { "io.buildpacks.base.distro.name": "debian", "io.buildpacks.base.distro.version": "12" },
};

const user = "$" + "{user_id}:$" + "{group_id}";

/** A heredoc for a shell script that writes a Dockerfile. */
const writing = (kind: "build" | "run", ...instructions: readonly string[]) =>
  `cat >"$CNB_OUTPUT_DIR/${kind}.Dockerfile" <<'END'\n${dockerfile(...instructions)}END`;

async function entriesOf({ image, blobs }: StoredImage, diffId: string) {
  const layer = image.layers.find((one) => one.diffId === diffId)!;
  const entries: { name: string; mtime: number; uid: number; text: string }[] = [];
  const tar = decompress(blobs.open(layer.descriptor), compressionOf(layer.descriptor.mediaType)!);
  for await (const { header, content } of readTar(tar)) {
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    entries.push({ name: header.name, mtime: header.mtime, uid: header.uid, text: Buffer.concat(parts).toString() });
  }
  return entries;
}

describe.each(["buildah", "docker"] as const)("an app whose images are extended with %s", (engine) => {
  const bench = new Bench();
  let buildpack: string;

  /** Where the engine is, when it can be had here. */
  async function engineIn(test: Skippable) {
    if (engine === "buildah") {
      peer("buildah", test);
      return {};
    }
    const { address } = await docker(test);
    return { outside: { dockerHost: `unix://${(address as { path: string }).path}` } };
  }

  async function build(test: Skippable, extensions: readonly string[], options: Parameters<Bench["build"]>[1] = {}) {
    return await bench.build(options.builder ? [] : [buildpack], {
      extensions,
      engine,
      network: "none",
      ...(await engineIn(test)),
      ...options,
    });
  }

  beforeAll(async () => {
    for (const [name, mark] of [
      ["run", "1"],
      ["next", "2"],
      ["ground", "3"],
    ] as const)
      await writeMachineImage(bench.home, name, { config, files: { "etc/hosts": "", "etc/mark": mark } });
    buildpack = bench.buildpack({ id: "user", detect: requires("tool"), build: "exit 0" });
  });

  it("EXPORT-004 FILE-004 EXT-019 EXT-026 EXT-027 EXT-028 EXT-030 EXT-032 EXT-033 the run image gets layers, one Dockerfile upon the other", async (test) => {
    const first = writeExtension(bench, {
      id: "first",
      generate: `${writing(
        "run",
        "ARG user_id",
        "ARG group_id",
        "ARG word=none",
        "USER root",
        "COPY file.txt /opt/file.txt",
        `RUN mkdir /opt/first && echo "$user_id $group_id $word" >/opt/first/args && id >/opt/first/id`,
        "ENV FIRST=/opt/first",
        "LABEL io.buildpacks.rebasable=true",
        "USER 2000:2001",
      )}\nprintf '[[run.args]]\\nname = "word"\\nvalue = "hello"\\n' >"$CNB_OUTPUT_DIR/extend-config.toml"`,
    });
    const second = writeExtension(bench, {
      id: "second",
      generate: `${writing(
        "run",
        "ARG build_id",
        "ARG user_id",
        "ARG group_id",
        "USER root",
        "COPY own.txt /opt/own.txt",
        `RUN test -n "$build_id" && cat /opt/first/args >/opt/args && echo "$user_id $group_id" >>/opt/args`,
        "LABEL io.buildpacks.rebasable=true",
        "USER 1000:1001",
      )}\nmkdir "$CNB_OUTPUT_DIR/context"; echo own >"$CNB_OUTPUT_DIR/context/own.txt"`,
    });
    const reportDirectory = `${bench.root}/extended`;
    const { report, fault, lines } = await build(test, [first, second], { image: "extended", reportDirectory });
    expect(fault).toBeUndefined();
    expect(report?.extensions.map(({ id }) => id)).toEqual(["first", "second"]);
    expect(bench.read("extended/analyzed.toml")).toMatch(/\n {2}image = "run"\n {2}extend = true\n/);
    expect(lines("warn")).toEqual([]);
    await bench.look("extended", async (stored) => {
      const { image } = stored;
      const base = await bench.look("run", ({ image: run }) => run);
      const metadata = parseLifecycleMetadata(labelsOf(image.config)["io.buildpacks.lifecycle.metadata"] ?? "");
      expect(metadata?.runImage.topLayer).toBe(base.config.diffIds.at(-1));
      expect(labelsOf(image.config)["io.buildpacks.rebasable"]).toBe("true");
      expect(image.config.config.User).toBe("1000:1001");
      expect(image.config.config.Env).toContain("FIRST=/opt/first");
      const texts = image.config.history.map((entry) => entry.created_by ?? "");
      const added = texts.flatMap((text, at) => (text.includes("Created by extension:") ? [at] : []));
      expect(added.map((at) => /extension: (\w+)$/.exec(texts[at]!)![1])).toEqual([
        "first",
        "first",
        "second",
        "second",
      ]);
      expect(added[0]).toBe(1);
      const entries = (await Promise.all(added.map((at) => entriesOf(stored, image.config.diffIds[at]!)))).flat();
      const text = (name: string) => entries.find((one) => one.name.replace(/^\/|\/$/g, "") === name)?.text;
      expect(text("opt/file.txt")).toBe("content\n");
      expect(text("opt/first/args")).toBe("1000 1001 hello\n");
      expect(text("opt/first/id")).toContain("uid=0");
      expect(text("opt/own.txt")).toBe("own\n");
      expect(text("opt/args")).toBe("1000 1001 hello\n2000 2001\n");
      expect(new Set(entries.map(({ mtime }) => mtime))).toEqual(new Set([315_532_801]));
      expect(entries.map(({ name }) => name)).not.toContain("etc/resolv.conf");
    });
  });

  it("EXT-037 RESTORE-011 what was extended once serves again, until what it was made of changes", async (test) => {
    const generate = writing("run", "USER root", "RUN id >/made", "USER 1000:1001");
    const one = writeExtension(bench, { id: "kept", generate });
    const first = await build(test, [one], { image: "kept" });
    const again = await build(test, [one], { image: "kept" });
    const isReused = (lines: readonly string[]) =>
      lines.includes("Reusing the run image that an earlier build extended");
    expect([isReused(first.lines()), isReused(again.lines())]).toEqual([false, true]);
    expect(again.report?.imageId).toBe(first.report?.imageId);
    const cleared = await build(test, [one], { image: "kept", clearCache: true });
    expect([isReused(cleared.lines()), cleared.report?.imageId]).toEqual([false, first.report?.imageId]);
    const fresh = writeExtension(bench, {
      id: "fresh",
      generate: writing("run", "ARG build_id=0", "USER root", "RUN true", "USER 1000:1001"),
    });
    await build(test, [fresh], { image: "fresh" });
    expect(isReused((await build(test, [fresh], { image: "fresh" })).lines())).toBe(false);
  });

  it("EXPORT-021 EXT-033 the label decides whether the image may be rebased", async (test) => {
    for (const [id, label, image] of [
      ["yes", "LABEL io.buildpacks.rebasable=true", "may"],
      ["no", "ENV A=b", "may-not"],
    ] as const) {
      const one = writeExtension(bench, {
        id,
        generate: writing("run", "USER root", "RUN id >/made", label, "USER 1000:1001"),
      });
      expect((await build(test, [one], { image })).fault).toBeUndefined();
    }
    const move = (image: string) => rebase({ image, runImage: "next", home: bench.home, force: false });
    await expect(move("may-not")).rejects.toMatchObject({ code: "rebase.not-rebasable" });
    // Another name is not the question here, so the new base takes the old one's.
    await bench.look("next", async ({ image, blobs }) => {
      await using store = bench.store();
      const { parseReference } = await import("../../src/oci/reference.ts");
      await store.write(image, [parseReference("run:latest")], blobs);
    });
    const { changed } = await rebase({ image: "may", home: bench.home });
    expect(changed).toBe(true);
    await bench.look("may", async (stored) => {
      const next = await bench.look("next", ({ image }) => image);
      expect(stored.image.config.diffIds[0]).toBe(next.config.diffIds[0]);
      const made = await entriesOf(stored, stored.image.config.diffIds[1]!);
      expect(made.some(({ name }) => name.replace(/^\//, "") === "made")).toBe(true);
    });
    await writeMachineImage(bench.home, "run", { config, files: { "etc/hosts": "", "etc/mark": "1" } });
  });

  it("EXT-034 a run image left to root is refused, and nothing is written", async (test) => {
    const one = writeExtension(bench, { id: "root", generate: writing("run", "USER root", "RUN true") });
    const { fault } = await build(test, [one], { image: "rooted" });
    expect(fault && [fault.code, exitCodeOf(fault)]).toEqual(["extend.root", 102]);
    await expect(bench.look("rooted", () => true)).rejects.toThrow("no image");
  });

  it("a RUN that fails is told with its output, and leaves nothing", async (test) => {
    const generate = writing("run", "USER root", "RUN echo some words && exit 7", "USER 1000");
    const { fault, events } = await build(test, [writeExtension(bench, { id: "broken", generate })], {
      image: "broken",
    });
    const { code, message, exit } = fault as Fault;
    expect([code, exit]).toEqual(["extend.failed", "extend"]);
    expect(message).toMatch(/^Cannot apply the run\.Dockerfile of broken@1\.0\.0: .*7/);
    const said = events.flatMap((event) => (event.type === "output" && event.phase === "extend" ? [event.text] : []));
    expect(said.join("")).toContain("some words");
    await expect(bench.look("broken", () => true)).rejects.toThrow("no image");
    expect(readdirSync(join(bench.home, "engines"))).toEqual([]);
    if (engine === "docker") expect((await docker(test)).client("images", "--all", "--quiet")).toBe("");
  });

  it("RUN has no network when the build has none", async (test) => {
    const generate = writing("run", "USER root", "RUN cat /proc/net/dev >/devices", "USER 1000:1001");
    const one = writeExtension(bench, { id: "alone", generate });
    expect((await build(test, [one], { image: "alone" })).fault).toBeUndefined();
    await bench.look("alone", async (stored) => {
      const entries = await entriesOf(stored, stored.image.config.diffIds[1]!);
      const devices = entries.find(({ name }) => name.replace(/^\//, "") === "devices")!.text.match(/^\s*\w+(?=:)/gm);
      expect(devices?.map((name) => name.trim())).toEqual(["lo"]);
    });
  });

  it("BUILD-017 EXT-024 EXT-031 buildpacks build in the extended build image", async (test) => {
    const generate = writing(
      "build",
      "USER root",
      "RUN mkdir /opt && id >/opt/made",
      "ENV PATH=/opt/bin:/usr/bin:/bin",
      `USER ${user}`,
    );
    const one = writeExtension(bench, { id: "grow", generate });
    const looks = bench.buildpack({
      id: "looks",
      detect: `${requires("tool")}\n! test -e /opt/made`,
      build: 'cat /etc/mark /opt/made; id -u; echo "$PATH"',
    });
    const builder = bench.builder([looks], [["looks"]], '[build]\nimage = "ground"\n');
    const { fault, output, report } = await build(test, [one], {
      builder,
      image: "grown",
      reportDirectory: `${bench.root}/grown`,
    });
    expect(fault).toBeUndefined();
    expect(output).toContain("3uid=0");
    expect(output).toMatch(/\n1000\n/);
    expect(output).toContain("/opt/bin:/usr/bin:/bin");
    expect(report?.layers.some(({ id }) => id.includes("grow"))).toBe(false);
    expect(bench.read("grown/analyzed.toml")).toMatch(
      /\[build-image\]\n {2}reference = "\S+@sha256:\S+"\n {2}extend = true/,
    );
    await bench.look("grown", async ({ image }) => {
      const run = await bench.look("run", ({ image: base }) => base);
      expect(image.config.diffIds[0]).toBe(run.config.diffIds[0]);
      expect(labelsOf(image.config)["io.buildpacks.rebasable"]).toBeUndefined();
    });
  });

  it("ORDER-018 EXT-038 a builder image brings its extensions along, each at its place by id and version", async (test) => {
    const generate = `echo "here: $CNB_EXTENSION_DIR"; ${writing("build", "USER root", "RUN echo grown >/grown", "USER 1000")}`;
    const one = writeExtension(bench, { id: "acme/in-image", version: "2.3.4", generate });
    const looks = bench.buildpack({ id: "looks-in", detect: requires("tool"), build: "cat /grown" });
    const more = `[[extensions]]\nuri = ${JSON.stringify(one)}\n[[order-extensions]]\n[[order-extensions.group]]\nid = "acme/in-image"\n[build]\nimage = "ground"\n[[run.images]]\nimage = "run"\n`;
    const file = bench.builder([looks], [["looks-in"]], more);
    await createBuilder({ name: "builder", config: file, home: bench.home, base: bench.root, pullPolicy: "never" });
    const { fault, output, events, report } = await build(test, [], { builder: "builder", image: "from-image" });
    expect(fault).toBeUndefined();
    expect(report?.extensions).toEqual([{ id: "acme/in-image", version: "2.3.4" }]);
    const said = events.flatMap((event) => (event.type === "output" && event.phase === "generate" ? [event.text] : []));
    expect(said.join("")).toBe("here: /cnb/extensions/acme_in-image/2.3.4\n");
    expect(output).toContain("grown\n");
  });

  it("an interrupted RUN ends at once, and leaves nothing", async (test) => {
    const generate = writing("run", "USER root", "RUN echo it runs && sleep 600", "USER 1000");
    const one = writeExtension(bench, { id: "slow", generate });
    const interrupt = new AbortController();
    const stopped = build(test, [one], {
      image: "slow",
      signal: interrupt.signal,
      onEvent: (event) => {
        if (event.type === "output" && event.text.includes("it runs\n")) interrupt.abort(new Error("interrupted"));
      },
    });
    await expect(stopped).rejects.toThrow("interrupted");
    expect(readdirSync(join(bench.home, "engines"))).toEqual([]);
    await expect(bench.look("slow", () => true)).rejects.toThrow("no image");
  });
});
