import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { builderInfoOf, isTrusted } from "../../src/builder-inspect.ts";
import { suggestBuilders } from "../../src/builder-suggest.ts";
import { builderText } from "../../src/cli/render/builder.ts";
import { orderText } from "../../src/cli/render/order.ts";
import { builderLabels } from "../../src/cnb/builder-label.ts";
import { detectionOrder, detectionOrderJson } from "../../src/cnb/detection-order.ts";
import { knownBuilders } from "../../src/cnb/known-builders.ts";
import type { OpenOrder } from "../../src/cnb/order-file.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { encodeJson } from "../../src/std/json.ts";
import { faultOf } from "../support/fault.ts";

const group = (text: string) =>
  text.split(" ").map((word) => {
    const [id, version] = word.replace("?", "").split("@");
    return { id: id!, ...(version && { version }), optional: word.endsWith("?") };
  });
const order = (...groups: string[]): OpenOrder => groups.map(group);
const composites = [
  { id: "all", version: "1", order: order("one@1 two@2?", "three@1") },
  { id: "loop", version: "1", order: order("one@1 loop@1") },
  { id: "top", version: "1", order: order("all@1") },
  { id: "one", version: "1", order: [] },
];

describe("the order of a builder as a tree", () => {
  it("opens a composite once for each of its groups, as pack draws it", () => {
    expect(orderText(detectionOrder(order("all long/name@10.0.0? x@1?", "y"), composites))).toBe(
      [
        " ├ Group #1:",
        " │  ├ all",
        " │  │  └ Group #1:",
        " │  │     ├ one@1",
        " │  │     └ two@2    (optional)",
        " │  ├ all",
        " │  │  └ Group #2:",
        " │  │     └ three@1",
        " │  ├ long/name@10.0.0    (optional)",
        " │  └ x@1                 (optional)",
        " └ Group #2:",
        "    └ y",
      ].join("\n"),
    );
    expect(orderText([])).toBe("  (none)");
  });

  it("opens no deeper than asked, and what stands above itself not again", () => {
    expect(orderText(detectionOrder(order("top@1"), composites, 1))).toBe(
      [" └ Group #1:", "    └ top@1", "       └ Group #1:", "          └ all@1"].join("\n"),
    );
    expect(orderText(detectionOrder(order("top@1"), composites, 0))).toBe(" └ Group #1:\n    └ top@1");
    expect(encodeJson(detectionOrderJson(detectionOrder(order("loop@1"), composites)))).toBe(
      '[{"buildpacks":[{"id":"loop","version":"1","buildpacks":[{"id":"one","version":"1"},{"id":"loop","version":"1","cyclic":true}]}]}]',
    );
  });

  it("ends for an order that opens without end", () => {
    const wide = Array.from({ length: 30 }, (_, at) => ({
      id: `c${at}`,
      version: "1",
      order: order(`c${at + 1}@1 c${at + 1}@1`, `c${at + 1}@1`, `c${at + 1}@1`),
    }));
    const nodes = detectionOrder(order("c0@1"), wide);
    expect(JSON.stringify(detectionOrderJson(nodes)).length).toBeLessThan(20_000_000);
  });
});

const labels = {
  [builderLabels.metadata]:
    '{"description":"Small","buildpacks":[{"id":"b","version":"1"},{"id":"a","version":"2","name":"A"},{"id":"b","version":"1"}],"extensions":null,"stack":{"runImage":{"image":"run","mirrors":null}},' +
    '"lifecycle":{"version":"0.21.0","api":{"buildpack":"0.7","platform":"0.7"},"apis":{"buildpack":{"deprecated":[],"supported":["0.7","0.12"]},"platform":{"deprecated":["0.7"],"supported":["0.15"]}}},' +
    '"createdBy":{"name":"Pack CLI","version":"0.40.5"},"images":[{"image":"run","mirrors":["near/run"]}]}',
  [builderLabels.order]: '[{"group":[{"id":"a"},{"id":"b","version":"1","optional":true}]}]',
  [builderLabels.buildpackLayers]:
    '{"a":{"2":{"api":"0.10","layerDiffID":"x"}},"b":{"1":{"api":"0.10","layerDiffID":"y"}}}',
  "io.buildpacks.stack.id": "s",
  "io.buildpacks.stack.mixins": '["build:m","n"]',
};
const found = (more: Record<string, string> = labels) => ({
  config: { architecture: "amd64", os: "linux", history: [], diffIds: [], config: { Labels: more } },
  imageId: digestOf("a"),
  digest: digestOf("b"),
});
const standing = {
  name: "acme/builder",
  isTrusted: false,
  isDefault: false,
  isVerbose: true,
  mirrors: [{ image: "run", mirrors: ["mine/run"] }],
};

describe("what a builder says of itself", () => {
  it("is what pack shows, section by section", async () => {
    const info = builderInfoOf(found(), "acme/builder");
    expect(await builderText({ local: { info }, remote: {} }, standing, "human-readable")).toBe(
      [
        "Inspecting builder: 'acme/builder'\n",
        "REMOTE:\n(not present)\n",
        "LOCAL:\n",
        "Description: Small\n",
        "Created By:\n  Name: Pack CLI\n  Version: 0.40.5\n",
        "Trusted: No\n",
        "Stack:\n  ID: s\n  Mixins:\n    n\n    build:m\n",
        "Lifecycle:\n  Version: 0.21.0\n  Buildpack APIs:\n    Deprecated: (none)\n    Supported: 0.7, 0.12\n  Platform APIs:\n    Deprecated: 0.7\n    Supported: 0.15\n",
        "Run Images:\n  mine/run    (user-configured)\n  run\n  near/run\n",
        "Buildpacks:\n  ID        NAME        VERSION        HOMEPAGE\n  a         A           2              -\n  b         -           1              -\n",
        "Detection Order:\n └ Group #1:\n    ├ a\n    └ b@1    (optional)",
      ].join("\n"),
    );
  });

  it("has the keys of pack in its forms for machines", async () => {
    const info = builderInfoOf(found(), "acme/builder");
    const json = JSON.parse(await builderText({ local: { info }, remote: {} }, standing, "json"));
    expect(json).toEqual({
      builder_name: "acme/builder",
      trusted: false,
      default: false,
      remote_info: null,
      local_info: {
        description: "Small",
        created_by: { name: "Pack CLI", version: "0.40.5" },
        stack: { id: "s", mixins: ["n", "build:m"] },
        lifecycle: {
          version: "0.21.0",
          buildpack_apis: { deprecated: [], supported: ["0.7", "0.12"] },
          platform_apis: { deprecated: ["0.7"], supported: ["0.15"] },
        },
        run_images: [{ name: "mine/run", user_configured: true }, { name: "run" }, { name: "near/run" }],
        buildpacks: [
          { id: "a", name: "A", version: "2" },
          { id: "b", version: "1" },
        ],
        detection_order: [{ buildpacks: [{ id: "a" }, { id: "b", version: "1", optional: true }] }],
      },
    });
    const toml = await builderText({ local: { info }, remote: {} }, standing, "toml");
    expect(toml).toContain('[[local_info.detection_order.buildpacks]]\n      id = "a"');
    expect(await builderText({ local: { info }, remote: {} }, standing, "yaml")).toContain(
      "builder_name: acme/builder",
    );
  });

  it("is trusted by its whole name: another registry's is another builder, any tag is the same one", () => {
    expect(isTrusted("paketobuildpacks/builder-jammy-base:latest", [])).toBe(true);
    expect(isTrusted("evil.example/paketobuildpacks/builder-jammy-base", [])).toBe(false);
    expect(isTrusted("acme/builder:1", ["acme/builder"])).toBe(true);
    expect(isTrusted("acme/builder:1", ["acme/builder:2"])).toBe(false);
    expect(isTrusted("heroku/builder:18", [])).toBe(false);
  });

  it("is nothing when the image is no builder", () => {
    expect(faultOf(() => builderInfoOf(found({}), "x")).code).toBe("builder.label");
  });
});

describe("builders to begin with", () => {
  it("are known where no registry can be asked, and say so", async () => {
    const home = mkdtempSync(join(tmpdir(), "plinth-suggest-"));
    try {
      const env = { HTTPS_PROXY: "http://127.0.0.1:1" };
      const suggested = await suggestBuilders({ home, outside: { env } });
      const known = knownBuilders.filter(({ isSuggested }) => isSuggested);
      expect(suggested).toEqual(
        known.map(({ vendor, image, description }) => ({ vendor, image, description, isUnasked: true })),
      );
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  it("are not waited for by who has stopped", async () => {
    await expect(suggestBuilders({ signal: AbortSignal.abort(new Error("stopped")) })).rejects.toThrow("stopped");
  });
});
