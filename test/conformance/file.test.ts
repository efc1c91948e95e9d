import { describe, expect, it } from "vitest";
import { formatAnalyzed } from "../../src/cnb/analyzed-file.ts";
import { encodeBuildMetadata, parseBuildMetadata } from "../../src/cnb/build-metadata.ts";
import { encodeCacheMetadata, parseCacheMetadata } from "../../src/cnb/cache-file.ts";
import {
  appShas,
  encodeLifecycleMetadata,
  type LayerRecord,
  type LifecycleMetadata,
  parseLifecycleMetadata,
} from "../../src/cnb/label.ts";
import type { Process } from "../../src/cnb/launch.ts";
import { type BuildMetadataFile, formatMetadata, parseMetadata } from "../../src/cnb/metadata-file.ts";
import { encodeProjectMetadata, parseProjectMetadata } from "../../src/cnb/project-file.ts";
import { formatReport } from "../../src/cnb/report-file.ts";
import { parseToml } from "../../src/std/toml.ts";

const layer: LayerRecord = { sha: "sha256:l", data: { b: 1, a: "x" }, build: true, launch: true, cache: true };
const metadata: LifecycleMetadata = {
  app: [{ sha: "sha256:a1" }, { sha: "sha256:a2" }],
  sbom: { sha: "sha256:s" },
  buildpacks: [
    {
      key: "team/a",
      version: "1",
      layers: { z: layer, "10": { ...layer, data: null }, "9": layer },
      store: { metadata: {} },
    },
    { key: "b", version: "2", layers: {} },
  ],
  config: { sha: "sha256:c" },
  launcher: { sha: "sha256:n" },
  "process-types": { sha: "" },
  runImage: { topLayer: "sha256:t", reference: "run@sha256:r" },
  stack: { runImage: {} },
};

describe("analyzed.toml", () => {
  it("FILE-001 FILE-002 TRAP-015 the previous image stands under [image], empty without one", () => {
    const table = parseToml(formatAnalyzed({ runImage: { reference: "run@sha256:r" } }), "analyzed.toml");
    expect(table).toMatchObject({ image: { reference: "" }, "run-image": { reference: "run@sha256:r" } });
    expect(Object.keys(table)).toEqual(["image", "metadata", "run-image"]);
  });

  it("FILE-003 its metadata is the label in TOML", () => {
    const previousImage = { reference: "app@sha256:p", metadata };
    const table = parseToml(formatAnalyzed({ previousImage, runImage: { reference: "r" } }), "analyzed.toml");
    const flags = { sha: "sha256:l", build: true, launch: true, cache: true };
    expect(table).toMatchObject({
      image: { reference: "app@sha256:p" },
      metadata: {
        app: [{ sha: "sha256:a1" }, { sha: "sha256:a2" }],
        sbom: { sha: "sha256:s" },
        buildpacks: [
          {
            key: "team/a",
            version: "1",
            layers: { z: { ...flags, metadata: { a: "x", b: 1 } }, "10": flags },
            store: { metadata: {} },
          },
          { key: "b", version: "2", layers: {} },
        ],
        "process-types": { sha: "" },
        "run-image": { "top-layer": "sha256:t", reference: "run@sha256:r" },
      },
    });
  });

  it("FILE-004 FILE-005 the run image's name, whether it is extended, its target; the build image", () => {
    const target = { os: "linux", arch: "arm", variant: "v7", distro: { name: "debian", version: "12" } };
    const runImage = { reference: "r", image: "run:1", extend: true, target };
    const table = parseToml(formatAnalyzed({ buildImage: { reference: "b" }, runImage }), "analyzed.toml");
    expect(table["run-image"]).toEqual({
      reference: "r",
      image: "run:1",
      extend: true,
      target: { os: "linux", arch: "arm", "arch-variant": "v7", distro: { name: "debian", version: "12" } },
    });
    expect(table["build-image"]).toEqual({ reference: "b" });
    const extended = formatAnalyzed({ buildImage: { reference: "b", extend: true }, runImage });
    expect(parseToml(extended, "analyzed.toml")["build-image"]).toEqual({ reference: "b", extend: true });
    expect(formatAnalyzed({ runImage: { ...runImage, extend: false } })).not.toContain("extend");
  });
});

const process: Process = { type: "web", command: ["a & b"], direct: true, default: false, buildpackId: "a" };
const file: BuildMetadataFile = {
  buildpacks: [{ id: "a", version: "1", api: "0.12" }],
  extensions: [{ id: "e", version: "1", api: "0.10", homepage: "h" }],
  labels: [{ key: "k", value: "v" }],
  processes: [process, { ...process, type: "x", args: [], workingDirectory: "/w", execEnv: ["test"] }],
  defaultProcessType: "web",
  slices: [{ paths: ["*"] }],
};

describe("metadata.toml", () => {
  it("FILE-030 FILE-031 FILE-033 FILE-034 FILE-035 everything it holds comes back", () => {
    expect(parseMetadata(formatMetadata(file), "metadata.toml")).toEqual(file);
  });

  it("FILE-030 without processes their empty list comes first", () => {
    const text = formatMetadata({ ...file, processes: [], extensions: [], labels: [], slices: [] });
    expect(text).toBe(
      'processes = []\nbuildpack-default-process-type = "web"\n\n[[buildpacks]]\n  id = "a"\n  version = "1"\n  api = "0.12"\n',
    );
  });

  it("FILE-032 a command is a list, quoted as JSON, and one text is read too", () => {
    expect(formatMetadata(file)).toContain('  command = ["a \\u0026 b"]\n');
    const old = '[[processes]]\ntype = "web"\ncommand = "bash"\nargs = ["-c"]\n';
    expect(parseMetadata(old, "metadata.toml").processes[0]!.command).toEqual(["bash"]);
  });

  it("FILE-036 there is no bom", () => {
    expect(formatMetadata(file)).not.toContain("bom");
  });
});

describe("report.toml", () => {
  it("FILE-040 TRAP-024 digest and size for a registry, image-id for a daemon", () => {
    expect(formatReport({ tags: ["a", "b"], digest: "sha256:d", manifestSize: 2 })).toBe(
      '[image]\n  tags = ["a", "b"]\n  digest = "sha256:d"\n  manifest-size = 2\n',
    );
    expect(formatReport({ tags: ["a"], imageId: "abc" })).toBe('[image]\n  tags = ["a"]\n  image-id = "abc"\n');
  });

  it("FILE-041 there is no bom", () => {
    expect(formatReport({ tags: [] })).toBe("[image]\n  tags = []\n");
  });
});

describe("labels", () => {
  const label = encodeLifecycleMetadata(metadata);

  it("FILE-060 FILE-061 the build label comes back", () => {
    const build = {
      buildpacks: [{ id: "a", version: "1", homepage: "https://a.example/?x=1&y=<2>" }],
      extensions: [{ id: "e", version: "1" }],
      launcher: { version: "1", source: { git: { repository: "r", commit: "c" } } },
      processes: file.processes,
      defaultProcessType: "web",
    };
    expect(parseBuildMetadata(encodeBuildMetadata(build))).toEqual(build);
    expect(encodeBuildMetadata(build)).toContain("x=1\\u0026y=\\u003c2\\u003e");
  });

  it("FILE-062 FILE-065 FILE-067 FILE-068 the lifecycle label is written key by key", () => {
    expect(label).toBe(
      '{"app":[{"sha":"sha256:a1"},{"sha":"sha256:a2"}],"sbom":{"sha":"sha256:s"},"buildpacks":[' +
        '{"key":"team/a","version":"1","layers":{' +
        '"10":{"sha":"sha256:l","data":null,"build":true,"launch":true,"cache":true},' +
        '"9":{"sha":"sha256:l","data":{"a":"x","b":1},"build":true,"launch":true,"cache":true},' +
        '"z":{"sha":"sha256:l","data":{"a":"x","b":1},"build":true,"launch":true,"cache":true}},' +
        '"store":{"metadata":{}}},' +
        '{"key":"b","version":"2","layers":{}}],' +
        '"config":{"sha":"sha256:c"},"launcher":{"sha":"sha256:n"},"process-types":{"sha":""},' +
        '"runImage":{"topLayer":"sha256:t","reference":"run@sha256:r"},"stack":{"runImage":{}}}',
    );
  });

  it("FILE-062 FILE-067 the lifecycle label comes back", () => {
    expect(parseLifecycleMetadata(label)).toEqual(metadata);
  });

  it("FILE-062 without an SBOM layer there is no key for it (SBOM-015)", () => {
    const { sbom: _, ...without } = metadata;
    expect(encodeLifecycleMetadata(without)).not.toContain('"sbom"');
  });

  it("FILE-063 one entry of app for each slice", () => {
    expect(appShas(parseLifecycleMetadata(label)!)).toEqual(["sha256:a1", "sha256:a2"]);
    expect(appShas({ ...metadata, app: { sha: "old shape" } })).toEqual([]);
    expect(appShas({ ...metadata, app: null })).toEqual([]);
  });

  it("FILE-064 a buildpack without layers is there with an empty object", () => {
    expect(label).toContain('{"key":"b","version":"2","layers":{}}');
  });

  it("FILE-066 the run image's names are there when known", () => {
    const names = { image: "run:1", mirrors: ["m:1"] };
    const named = { ...metadata, runImage: { ...metadata.runImage, ...names }, stack: { runImage: names } };
    const text = encodeLifecycleMetadata(named);
    expect(text).toContain('"reference":"run@sha256:r","image":"run:1","mirrors":["m:1"]}');
    expect(text).toContain('"stack":{"runImage":{"image":"run:1","mirrors":["m:1"]}}}');
    expect(parseLifecycleMetadata(text)).toEqual(named);
  });

  it("FILE-055 FILE-069 project metadata is its file as JSON, an empty object without one", () => {
    const text =
      '[source]\ntype = "git"\n[source.version]\ncommit = "c"\n[source.metadata]\nrefs = ["main"]\nempty = {}\n';
    expect(encodeProjectMetadata(parseProjectMetadata(text, "project-metadata.toml"))).toBe(
      '{"source":{"type":"git","version":{"commit":"c"},"metadata":{"empty":{},"refs":["main"]}}}',
    );
    expect(encodeProjectMetadata({ source: { version: { b: "1", a: "2" } } })).toBe(
      '{"source":{"version":{"a":"2","b":"1"}}}',
    );
    expect(encodeProjectMetadata(parseProjectMetadata("", "x"))).toBe("{}");
    expect(encodeProjectMetadata(undefined)).toBe("{}");
    expect(encodeProjectMetadata(parseProjectMetadata("[source]\n", "x"))).toBe('{"source":{}}');
  });
});

describe("the cache's metadata", () => {
  it("CACHE-002 CACHE-008 LAYER-030 it records what each layer is", () => {
    const cache = { sbom: { sha: "" }, buildpacks: [{ key: "a", version: "1", layers: { z: layer } }] };
    const text = encodeCacheMetadata(cache);
    expect(text).toBe(
      '{"sbom":{"sha":""},"buildpacks":[{"key":"a","version":"1","layers":{"z":' +
        '{"sha":"sha256:l","data":{"a":"x","b":1},"build":true,"launch":true,"cache":true}}}]}',
    );
    expect(parseCacheMetadata(text)).toEqual(cache);
  });
});
