import { beforeAll, describe, expect, it } from "vitest";
import { labelNames, parseLifecycleMetadata } from "../../src/cnb/label.ts";
import { type ImageConfig, labelsOf } from "../../src/oci/config.ts";
import { diffIdOfTar } from "../../src/oci/digest.ts";
import { type Image, withLayers } from "../../src/oci/image.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { type RebaseOptions, rebase } from "../../src/rebase.ts";
import type { Event } from "../../src/std/event.ts";
import { exitCodeOf, Fault } from "../../src/std/fault.ts";
import { parseToml } from "../../src/std/toml.ts";
import { Bench } from "../support/flow.ts";

const bench = new Bench();
type Labels = Readonly<Record<string, string>>;

/** Puts another run image under a name: `count` empty layers of their own, and these labels over the usual ones. */
async function putBase(
  name: string,
  count: number,
  labels: Labels = {},
  more: Partial<ImageConfig> = {},
): Promise<Image> {
  const plain = await bench.runImage(name, (config) => ({
    ...config,
    ...more,
    config: { ...config.config, Labels: { ...config.config.Labels, ...labels } },
  }));
  await using store = bench.store();
  const layers = [];
  for (let at = 1; at <= count; at++) {
    const descriptor = await store.put(mediaTypes.oci.tar, [Buffer.alloc(1024 + at * 512)]);
    layers.push({ diffId: diffIdOfTar(descriptor.digest), descriptor });
  }
  const image = withLayers({ ...plain, config: { ...plain.config, history: [], diffIds: [] } }, layers);
  await store.write(image, [parseReference(`${name}:latest`)], store);
  return image;
}

async function run(options: Omit<RebaseOptions, "home" | "base">) {
  const events: Event[] = [];
  try {
    const report = await rebase({
      home: bench.home,
      base: bench.root,
      onEvent: (event) => events.push(event),
      ...options,
    });
    return { report, fault: undefined, events };
  } catch (error) {
    if (error instanceof Fault) return { report: undefined, fault: error, events };
    throw error;
  }
}

const read = (name: string) => bench.look(name, ({ image, identity }) => ({ image, identity }));
const metadata = (image: Image) => parseLifecycleMetadata(labelsOf(image.config)[labelNames.lifecycle])!;

/** An app on a run image of its own, `<name>-run`. */
async function appOn(name: string, labels: Labels = {}): Promise<{ image: Image; base: Image }> {
  const base = await putBase(`${name}-run`, 1, labels);
  const launch = `printf '[[processes]]\\ntype="web"\\ncommand=["true"]\\ndefault=true\\n' > "$CNB_LAYERS_DIR/launch.toml"`;
  const layer = `mkdir "$CNB_LAYERS_DIR/l"; echo x > "$CNB_LAYERS_DIR/l/f"; printf '[types]\\nlaunch=true\\n' > "$CNB_LAYERS_DIR/l.toml"`;
  const bp = bench.buildpack({ id: "r/app", build: `${launch}; ${layer}` });
  const { fault } = await bench.build([bp], { image: name, runImage: `${name}-run` });
  if (fault) throw fault;
  return { image: (await read(name)).image, base };
}

beforeAll(async () => {
  await bench.runImage();
});

describe("a rebase of an image we built", () => {
  it("REBASE-003 REBASE-004 REBASE-005 REBASE-011 REBASE-013 REBASE-014 REBASE-021 REBASE-023 stands on the recorded name's new image, and is otherwise as it was", async () => {
    const { image: before, base: old } = await appOn("moved", {
      "io.buildpacks.stack.id": "s",
      "io.buildpacks.base.x": "1",
      own: "run",
    });
    const base = await putBase("moved-run", 3, { "io.buildpacks.base.x": "2", own: "ignored" });
    const { report } = await run({ image: "moved" });
    const { image: after, identity } = await read("moved");
    expect(report).toMatchObject({ names: ["moved"], changed: true, imageId: identity.imageId });
    expect(after.config.diffIds).toEqual([...base.config.diffIds, ...before.config.diffIds.slice(old.layers.length)]);
    const [was, is] = [metadata(before), metadata(after)];
    expect(is).toEqual({
      ...was,
      runImage: { ...was.runImage, topLayer: base.config.diffIds.at(-1), reference: report!.to },
    });
    expect(report!.to).not.toBe(report!.from);
    expect(report!.to).toMatch(/^index\.docker\.io\/library\/moved-run@sha256:[0-9a-f]{64}$/);
    expect(JSON.stringify(after.config)).not.toContain(report!.from.split("@")[1]);
    const labels = labelsOf(after.config);
    expect([labels["io.buildpacks.base.x"], labels["io.buildpacks.stack.id"], labels["own"]]).toEqual([
      "2",
      undefined,
      "run",
    ]);
    expect({ ...after.config.config, Labels: {} }).toEqual({ ...before.config.config, Labels: {} });
  });

  it("REBASE-015 REBASE-016 twice gives one image ID, under every tag, and a report says so", async () => {
    await appOn("twice");
    await putBase("twice-run", 2);
    const reportDirectory = `${bench.root}/rebase-report`;
    const first = await run({ image: "twice", tags: ["twice:other"], reportDirectory });
    expect(parseToml(bench.read("rebase-report/report.toml"), "report.toml")).toMatchObject({
      image: { tags: ["twice", "twice:other"], digest: first.report!.digest },
    });
    const second = await run({ image: "twice" });
    expect(second.report).toMatchObject({ imageId: first.report!.imageId, changed: false });
  });

  it("REBASE-012 the previous image is the source and stays untouched", async () => {
    const { base: old } = await appOn("source");
    await putBase("source-run", 2);
    const before = await read("source");
    const { report } = await run({ image: "result", previousImage: "source" });
    expect((await read("source")).identity).toEqual(before.identity);
    const { image, identity } = await read("result");
    expect(identity.imageId).toBe(report!.imageId);
    expect(image.layers).toHaveLength(before.image.layers.length - old.layers.length + 2);
  });

  it("REBASE-006 REBASE-007 REBASE-009 every refusal is said at once with exit 72, and nothing has changed", async () => {
    await appOn("refused", { [labelNames.rebasable]: "false" });
    await putBase("stranger", 2, { [labelNames.distroVersion]: "13" }, { architecture: "riscv64" });
    const before = await read("refused");
    const { fault } = await run({ image: "refused", runImage: "stranger" });
    expect(fault && exitCodeOf(fault)).toBe(72);
    for (const part of ["not marked as rebasable", "riscv64", "debian 13", "not found in existing run image metadata"])
      expect(fault!.message).toContain(part);
    expect(fault!.hint).toContain("--force");
    expect((await read("refused")).identity).toEqual(before.identity);
  });

  it("REBASE-006 REBASE-008 REBASE-010 REBASE-011 with force all of that is said and done, and the new run image is recorded by the name it was given by", async () => {
    await appOn("forced", { [labelNames.rebasable]: "false" });
    await putBase("foreign", 2, { [labelNames.distroVersion]: "13" }, { architecture: "riscv64" });
    const { report, events } = await run({ image: "forced", runImage: "foreign", force: true });
    expect(report).toBeDefined();
    expect(events.filter((event) => event.type === "log" && event.level === "warn")).toHaveLength(4);
    // The local store looks for this machine's platform, so the image is looked up by its digest.
    await using store = bench.store();
    const after = (await store.read(parseReference(`docker.io/library/forced@${report!.digest}`)))!;
    expect(after.image.config.architecture).toBe("riscv64");
    expect(metadata(after.image).runImage).toMatchObject({ image: "foreign" });
    expect(metadata(after.image).runImage.mirrors).toBeUndefined();
  });

  it("REBASE-001 a name that is none, or has no image, is refused", async () => {
    expect((await run({ image: "Not A Name" })).fault?.code).toBe("reference.parse");
    const { fault } = await run({ image: "nobody" });
    expect(fault).toMatchObject({ code: "rebase.missing" });
    expect(exitCodeOf(fault!)).toBe(72);
    await appOn("tagged");
    expect((await run({ image: "tagged", tags: ["Not A Name"] })).fault?.code).toBe("reference.parse");
  });

  it("REBASE-002 an image no buildpack built is refused, force or not", async () => {
    await bench.runImage("plain");
    for (const force of [false, true]) {
      const { fault } = await run({ image: "plain", runImage: "run", force });
      expect(fault).toMatchObject({ code: "rebase.no-metadata", exit: "rebase" });
    }
  });

  it("REBASE-022 keys of the label that we do not know are kept", async () => {
    const { image } = await appOn("unknown-keys");
    await putBase("unknown-keys-run", 2);
    {
      await using store = bench.store();
      const labels = labelsOf(image.config);
      const label = { ...JSON.parse(labels[labelNames.lifecycle]!), "some-day": { x: [1] } };
      const config = {
        ...image.config,
        config: { ...image.config.config, Labels: { ...labels, [labelNames.lifecycle]: JSON.stringify(label) } },
      };
      await store.write({ ...image, config }, [parseReference("unknown-keys:latest")], store);
    }
    expect((await run({ image: "unknown-keys" })).report?.changed).toBe(true);
    const { image: after } = await read("unknown-keys");
    expect(JSON.parse(labelsOf(after.config)[labelNames.lifecycle]!)).toMatchObject({ "some-day": { x: [1] } });
  });

  it("REBASE-019 what a rebase changes of the system's packages is told", async () => {
    const listed = (packages: Labels) => ({ "io.buildpacks.base.metadata": JSON.stringify({ packages }) });
    await appOn("listed", listed({ libc6: "2.36-9", openssl: "3.0.1", tzdata: "2024a" }));
    await putBase("listed-run", 2, listed({ libc6: "2.36-9", openssl: "3.0.2", curl: "8" }));
    expect((await run({ image: "listed" })).report?.packages).toEqual({
      added: [{ name: "curl", version: "8" }],
      removed: [{ name: "tzdata", version: "2024a" }],
      upgraded: [{ name: "openssl", from: "3.0.1", to: "3.0.2" }],
      downgraded: [],
    });
  });
});
