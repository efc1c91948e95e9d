import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import { lifecycleOf } from "../../src/cnb/refusal.ts";
import { copy, rebase } from "../../src/index.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { openRegistry } from "../../src/store/registry.ts";
import { Bench } from "../support/flow.ts";
import { threeLayers } from "../support/layers.ts";
import { peer } from "../support/peer.ts";
import { startRegistry } from "../support/registry.ts";
import { startRelay } from "../support/relay.ts";

const bench = new Bench();
const make = `mkdir -p "$CNB_LAYERS_DIR/l"; echo x > "$CNB_LAYERS_DIR/l/f"; printf '[types]\\nlaunch=true\\n' > "$CNB_LAYERS_DIR/l.toml"`;

let buildpack: string;
beforeAll(async () => {
  await threeLayers(bench, "base");
  await threeLayers(bench, "newer");
  buildpack = bench.buildpack({ id: "t/publish", build: make });
});

describe("publishing", () => {
  it("REPRO-001 EXPORT-031 an image goes to a registry with the same ID as the local one, and unchanged layers go only once", async (context) => {
    await using registry = await startRegistry(context);
    await using relay = await startRelay(registry.host);
    const image = `${relay.host}/team/app`;
    const local = await bench.build([buildpack], { runImage: "base", image: "local" });
    const first = await bench.build([buildpack], {
      runImage: "base",
      image,
      output: "registry",
      tags: [`${image}:two`],
    });
    expect(first.fault).toBeUndefined();
    expect(first.report!.imageId).toBe(local.report!.imageId);
    expect(first.lines().join("\n")).toContain(`*** Images (${first.report!.digest}):`);
    const skopeo = peer("skopeo", context);
    // Not execFileSync: the relay it asks lives in this process.
    const { stdout } = await execa(skopeo, ["inspect", "--tls-verify=false", `docker://${image}:two`]);
    const seen = JSON.parse(stdout) as { Digest: string };
    expect(seen.Digest).toBe(first.report!.digest);

    relay.requests.length = 0;
    const second = await bench.build([buildpack], { runImage: "base", image, output: "registry" });
    expect(second.report!.digest).toBe(first.report!.digest);
    expect(relay.seen().filter((line) => line.startsWith("PATCH"))).toEqual([]);
  });

  it("REBASE-003 REBASE-004 a rebase in a registry moves no layer and is economical", async (context) => {
    await using registry = await startRegistry(context);
    await using relay = await startRelay(registry.host);
    const [app, base, newer] = ["app", "run:1", "run:2"].map((name) => `${relay.host}/${name}`) as [
      string,
      string,
      string,
    ];
    await copy({ from: "base", to: `docker://${base}`, home: bench.home });
    await copy({ from: "newer", to: `docker://${newer}`, home: bench.home });
    const built = await bench.build([buildpack], {
      runImage: base,
      image: app,
      output: "registry",
      pullPolicy: "if-not-present",
    });
    expect(built.fault).toBeUndefined();

    // Who published the image has its config, and any rebase that of the run image.
    relay.requests.length = 0;
    const moved = await rebase({
      image: app,
      tags: [`${app}:two`],
      runImage: newer,
      output: "registry",
      home: bench.home,
    });
    const seen = relay.seen();
    expect(seen.length, seen.join("\n")).toBeLessThanOrEqual(9);
    expect(seen.filter((line) => /^(PATCH|HEAD)/.test(line))).toEqual([]);
    expect(seen.filter((line) => /^GET .*blobs/.test(line))).toEqual([]);

    await using remote = openRegistry();
    const stored = await remote.read(parseReference(app));
    expect(stored?.identity.digest).toBe(moved.digest);
    expect(lifecycleOf(stored!.image.config)?.runImage.reference).toBe(moved.to);
    expect((await remote.read(parseReference(`${app}:two`)))?.identity.digest).toBe(moved.digest);
    const own = built.report!.layers.map((layer) => layer.diffId);
    expect(stored!.image.config.diffIds.slice(-own.length)).toEqual(own);
  });

  it("REBASE-004 a machine that knows nothing of the images fetches each config once, and no layer", async (context) => {
    await using registry = await startRegistry(context);
    await using relay = await startRelay(registry.host);
    const [app, newer] = [`${relay.host}/app`, `${relay.host}/run:2`];
    await copy({ from: "newer", to: `docker://${newer}`, home: bench.home });
    await bench.build([buildpack], { runImage: "base", image: app, output: "registry" });
    const move = (runImage: string) =>
      rebase({ image: app, runImage, output: "registry", home: join(bench.root, "another-home"), force: true });
    const configs = () => relay.seen().filter((line) => /^GET .*blobs/.test(line)).length;
    relay.requests.length = 0;
    await move(newer);
    expect(configs()).toBe(2);
    expect(relay.seen().filter((line) => line.startsWith("PATCH"))).toEqual([]);
    relay.requests.length = 0;
    await move(newer);
    expect(configs()).toBe(0);
  });

  it("RUNIMG-001 a run image that is only in a registry is fetched once", async (context) => {
    await using registry = await startRegistry(context);
    await using relay = await startRelay(registry.host);
    const base = `${relay.host}/run`;
    await copy({ from: "base", to: `docker://${base}`, home: bench.home });
    const first = await bench.build([buildpack], { runImage: base, image: "pulled", pullPolicy: "if-not-present" });
    expect(first.fault).toBeUndefined();
    expect(first.lines().join("\n")).toContain(`Pulling run image ${base}:latest`);
    relay.requests.length = 0;
    const second = await bench.build([buildpack], { runImage: base, image: "pulled", pullPolicy: "if-not-present" });
    expect(second.report!.imageId).toBe(first.report!.imageId);
    expect(relay.requests).toEqual([]);
    const never = await bench.build([buildpack], { runImage: `${base}:other`, image: "pulled", pullPolicy: "never" });
    expect(never.fault?.code).toBe("run-image.missing");
    expect(relay.requests).toEqual([]);
  });

  it("RUNIMG-001 RUNIMG-002 RESTORE-009 a mirror on the app image's registry is taken, else the first that can be read", async (context) => {
    await using registry = await startRegistry(context);
    await using relay = await startRelay(registry.host);
    const mirror = `${relay.host}/mirror/run`;
    await copy({ from: "base", to: `docker://${mirror}`, home: bench.home });
    const builder = (image: string, mirrors: readonly string[]) =>
      bench.builder(
        [buildpack],
        [["t/publish"]],
        `[[run.images]]\nimage = "${image}"\nmirrors = ${JSON.stringify(mirrors)}\n`,
      );
    const options = { ...({ runImage: undefined } as { runImage?: never }), pullPolicy: "always" as const };
    const near = await bench.build([], {
      ...options,
      builder: builder("127.0.0.1:1/run", [`127.0.0.1:2/run`, mirror]),
      image: `${relay.host}/mirrored`,
      output: "registry",
    });
    expect(near.fault).toBeUndefined();
    const labelled = async (image: string) => {
      await using remote = openRegistry();
      return lifecycleOf((await remote.read(parseReference(image)))!.image.config)!.runImage;
    };
    const record = await labelled(`${relay.host}/mirrored`);
    expect(record.reference).toMatch(new RegExp(`^${mirror}@sha256:`));
    expect(record.image).toBe("127.0.0.1:1/run");
    // It goes nowhere else: what cannot be reached is passed over, and a mirror of the user's own is one too.
    const far = await bench.build([], {
      ...options,
      builder: builder("127.0.0.1:1/run", ["127.0.0.1:2/run"]),
      runImageMirrors: { "127.0.0.1:1/run": [mirror] },
      image: "from-mirror",
    });
    expect(far.fault).toBeUndefined();
    expect(far.lines().join("\n")).toContain(`Pulling run image ${mirror}:latest`);
    const listed = builder("127.0.0.1:1/run", ["127.0.0.1:2/run", mirror]);
    expect((await bench.build([], { ...options, builder: listed, image: "from-listed" })).fault).toBeUndefined();
    // A rebase finds the recorded run image by the same ways.
    relay.requests.length = 0;
    const moved = await rebase({
      image: `${relay.host}/mirrored`,
      output: "registry",
      home: bench.home,
    });
    expect(moved.to).toBe(record.reference);
    expect(relay.seen()).toContain("GET /v2/mirror/run/manifests/latest");
    const none = await bench.build([], { ...options, builder: builder("127.0.0.1:1/run", []), image: "none" });
    expect(none.fault).toMatchObject({ code: "run-image.unreachable", exit: "analyze" });
  });

  it("an interval is waited for before an image is asked for again, and a registry that is gone does no harm then", async (context) => {
    const base = await (async () => {
      await using registry = await startRegistry(context);
      await using relay = await startRelay(registry.host);
      const name = `${relay.host}/interval`;
      await copy({ from: "base", to: `docker://${name}`, home: bench.home });
      const first = await bench.build([buildpack], { runImage: name, image: "interval", pullPolicy: "daily" });
      expect(first.lines().join("\n")).toContain("Pulling run image");
      relay.requests.length = 0;
      await bench.build([buildpack], { runImage: name, image: "interval", pullPolicy: "daily" });
      expect(relay.requests).toEqual([]);
      await bench.build([buildpack], { runImage: name, image: "interval", pullPolicy: "interval=0m" });
      expect(relay.seen()).toEqual([`GET /v2/interval/manifests/latest`]);
      return name;
    })();
    const late = await bench.build([buildpack], { runImage: base, image: "interval", pullPolicy: "interval=0m" });
    expect(late.fault).toBeUndefined();
    expect(late.lines("warn").join("\n")).toContain("Using the run image of the local store");
    const always = await bench.build([buildpack], { runImage: base, image: "interval", pullPolicy: "always" });
    expect(always.fault?.code).toBe("run-image.unreachable");
  });

  it("a registry that cannot be reached is named in one sentence, and nothing changes", async () => {
    const { fault } = await bench.build([buildpack], {
      runImage: "base",
      image: "127.0.0.1:1/app",
      output: "registry",
    });
    expect(fault?.message).toMatch(/^Cannot .*127\.0\.0\.1:1/);
  });
});
