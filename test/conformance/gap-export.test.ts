import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseGroup } from "../../src/cnb/group-file.ts";
import { labelNames, parseLifecycleMetadata } from "../../src/cnb/label.ts";
import { parseMetadata } from "../../src/cnb/metadata-file.ts";
import { parsePlanFile } from "../../src/cnb/plan-file.ts";
import { labelsOf } from "../../src/oci/config.ts";
import { writePlatform } from "../../src/phase/platform.ts";
import { openWorkspace } from "../../src/phase/workspace.ts";
import { collect } from "../../src/std/byte.ts";
import { hostPath } from "../../src/std/path.ts";
import { parseToml } from "../../src/std/toml.ts";
import type { StoredImage } from "../../src/store/contract.ts";
import { Bench } from "../support/flow.ts";
import { layerEntries } from "../support/tar-list.ts";

const bench = new Bench();
beforeAll(async () => {
  await bench.runImage();
});

const lifecycle = ({ image }: StoredImage) => parseLifecycleMetadata(labelsOf(image.config)[labelNames.lifecycle])!;
const layer = (name: string, types: string) =>
  `mkdir -p "$CNB_LAYERS_DIR/${name}"; echo x > "$CNB_LAYERS_DIR/${name}/f"; printf '[types]\\n${types}\\n' > "$CNB_LAYERS_DIR/${name}.toml"`;

describe("the image", () => {
  it("EXPORT-001 ANALYZE-001 names that are none are refused before anything runs", async () => {
    const bp = bench.buildpack({ id: "x/names", detect: "echo ran" });
    for (const options of [{ image: "Not A Name" }, { image: "" }, { tags: ["also:not:one"] }]) {
      const { fault, events } = await bench.build([bp], options);
      expect(fault?.code).toMatch(/^(reference|location)\.parse$/);
      expect(events).toEqual([]);
    }
  });

  it("ANALYZE-008 EXPORT-003 EXPORT-004 RESTORE-008 FILE-062 FILE-066 FILE-067 it stands on the run image that was analyzed, recorded by its digest", async () => {
    await bench.runImage("chosen", (config) => ({ ...config, config: { ...config.config, Env: ["CHOSEN=1"] } }));
    await bench.build([bench.buildpack({ id: "x/base" })], { image: "on-chosen", runImage: "chosen" });
    const base = await bench.look("chosen", ({ image, identity }) => ({ image, identity }));
    await bench.look("on-chosen", (stored) => {
      const { runImage, stack } = lifecycle(stored);
      expect(runImage.reference).toBe(`index.docker.io/library/chosen@${base.identity.digest}`);
      expect(runImage.topLayer).toBe(base.image.config.diffIds.at(-1));
      expect([runImage.image, stack]).toEqual(["chosen", { runImage: { image: "chosen" } }]);
      expect(stored.image.config.config.Env).toContain("CHOSEN=1");
    });
  });

  it("SBOM-015 SBOM-017 EXPORT-026 the SBOM layer is the one the label names; what is for the build stays outside", async () => {
    const info = 'sbom-formats = ["application/vnd.cyclonedx+json"]';
    const write = (name: string) => `echo '{"of":"${name}"}' > "$CNB_LAYERS_DIR/${name}.sbom.cdx.json"`;
    const build = `${layer("l", "launch=true")}; ${layer("b", "build=true")}; ${["l", "b", "build", "launch"].map(write).join("; ")}`;
    const sbomDirectory = join(bench.root, "sboms");
    await bench.build([bench.buildpack({ id: "x/sbom", info, build })], { image: "sboms", sbomDirectory });
    await bench.look("sboms", async (stored) => {
      const sha = lifecycle(stored).sbom!.sha;
      expect(stored.image.config.diffIds).toContain(sha);
      const files = (await layerEntries(stored, sha)).filter(({ type }) => type === "file");
      expect(files.map(({ name }) => name.replace(/^.*\/sbom\//, ""))).toEqual([
        "launch/sbom.legacy.json",
        "launch/x_sbom/l/sbom.cdx.json",
        "launch/x_sbom/sbom.cdx.json",
      ]);
    });
    for (const path of ["build/x_sbom/b/sbom.cdx.json", "build/x_sbom/sbom.cdx.json", "launch/x_sbom/l/sbom.cdx.json"])
      expect(bench.exists(`sboms/${path}`), path).toBe(true);
  });

  it("SLICE-001 SLICE-003 SLICE-004 SLICE-005 SLICE-007 a slice takes what it matches of the app, first come first served, and nothing from outside", async () => {
    for (const name of ["a/1", "a/2", "b/1", "rest"]) bench.write(`sliced/${name}`, name);
    const slices = [["a/1"], ["a", "/etc/*", "../app/*"], ["nothing*"]];
    const [first, ...more] = slices.map(
      (paths) => `printf '[[slices]]\\npaths = ${JSON.stringify(paths)}\\n' >> "$CNB_LAYERS_DIR/launch.toml"`,
    );
    const buildpacks = [
      bench.buildpack({ id: "x/slices", build: first! }),
      bench.buildpack({ id: "x/more", build: more.join("; ") }),
    ];
    const { report } = await bench.build(buildpacks, { image: "sliced", app: join(bench.root, "sliced") });
    const ids = report!.layers.filter(({ id }) => id.startsWith("slice-"));
    const files = await bench.look("sliced", (stored) =>
      Promise.all(
        ids.map(async ({ diffId }) =>
          (await layerEntries(stored, diffId)).flatMap(({ type, text }) => (type === "file" ? [text] : [])),
        ),
      ),
    );
    expect(files).toEqual([["a/1"], ["a/2"], [], ["b/1", "rest"]]);
  });

  it("REPRO-001 REPRO-003 FILE-070 equal builds give equal images, whatever their reports say of the way", async () => {
    const bp = bench.buildpack({ id: "x/same", build: layer("l", "launch=true\\ncache=true") });
    const first = await bench.build([bp], { image: "same" });
    const again = await bench.build([bp], { image: "same" });
    const other = await bench.build([bp], { image: "same-elsewhere" });
    expect(again.report!.imageId).toBe(first.report!.imageId);
    expect(other.report!.digest).toBe(first.report!.digest);
    expect(again.report!.layers.map(({ action }) => action)).not.toEqual(
      first.report!.layers.map(({ action }) => action),
    );
  });
});

describe("what the phases decided, in files", () => {
  it("ANALYZE-009 DET-027 BUILD-008 FILE-001 FILE-002 FILE-003 FILE-004 FILE-010 FILE-020 FILE-030 EXPORT-025 stands beside the report", async () => {
    const plan = 'printf "[[provides]]\\nname = \\"x\\"\\n[[requires]]\\nname = \\"x\\"\\n" > "$CNB_BUILD_PLAN_PATH"';
    const launch = `printf '[[processes]]\\ntype="web"\\ncommand=["true"]\\n' > "$CNB_LAYERS_DIR/launch.toml"`;
    const info = 'homepage = "https://example.com"';
    const bp = bench.buildpack({ id: "x/files", info, detect: plan, build: launch });
    const no = bench.buildpack({ id: "x/no", detect: "exit 100" });
    const builder = bench.builder([bp, no], [["x/no?", "x/files"]]);
    const reportDirectory = join(bench.root, "reports");
    const of = (name: string) => bench.read(`reports/${name}.toml`);
    const first = await bench.build([], { builder, image: "files", reportDirectory });
    expect(parseToml(of("analyzed"), "")).toMatchObject({
      image: { reference: "" },
      "run-image": {
        image: "run",
        reference: `index.docker.io/library/run@${await bench.look("run", ({ identity }) => identity.digest)}`,
        target: { os: "linux", distro: { name: "debian", version: "12" } },
      },
    });
    expect(parseGroup(of("group"), "").group).toEqual([
      { id: "x/files", version: "1.0.0", api: "0.12", homepage: "https://example.com" },
    ]);
    expect(parsePlanFile(of("plan"), "")).toEqual(first.report!.plan);
    expect(parseMetadata(of("metadata"), "").processes.map(({ type }) => type)).toEqual(["web"]);
    expect(parseToml(of("report"), "")).toMatchObject({ image: { tags: ["files"], digest: first.report!.digest } });

    await bench.build([], { builder, image: "files", reportDirectory });
    const label = await bench.look("files", lifecycle);
    expect(parseToml(of("analyzed"), "")).toMatchObject({
      image: { reference: `files@${first.report!.digest}` },
      metadata: { config: { sha: label.config.sha }, "run-image": { reference: label.runImage.reference } },
    });
  });

  it("TARGET-013 the target in analyzed.toml is the run image's", async () => {
    await bench.runImage("thirteen", (config) => ({
      ...config,
      config: {
        ...config.config,
        Labels: { ...config.config.Labels, [labelNames.distroVersion]: "13", [labelNames.baseId]: "my.base" },
      },
    }));
    const reportDirectory = join(bench.root, "target");
    await bench.build([bench.buildpack({ id: "x/target" })], {
      image: "target",
      runImage: "thirteen",
      reportDirectory,
    });
    expect(parseToml(bench.read("target/analyzed.toml"), "")).toMatchObject({
      "run-image": { target: { id: "my.base", distro: { name: "debian", version: "13" } } },
    });
  });
});

describe("service bindings", () => {
  const secret = "c3VjaCBhIHNlY3JldA";
  const projected = join(bench.root, "bindings");
  beforeAll(() => {
    // As Kubernetes projects them: files are links through a directory that is replaced as a whole.
    mkdirSync(join(projected, "db", "..2026"), { recursive: true });
    for (const [name, text] of Object.entries({ type: "postgres", provider: "us", password: secret })) {
      writeFileSync(join(projected, "db", "..2026", name), text);
      symlinkSync(`..data/${name}`, join(projected, "db", name));
    }
    symlinkSync("..2026", join(projected, "db", "..data"));
    mkdirSync(join(projected, "old", "metadata"), { recursive: true });
    mkdirSync(join(projected, "old", "secret"));
    writeFileSync(join(projected, "old", "metadata", "kind"), "redis");
    writeFileSync(join(projected, "old", "secret", "key"), "k");
  });
  const volumes = ["db", "old"].map((name) => ({
    host: join(projected, name),
    guest: `/platform/bindings/${name}`,
    access: "ro" as const,
  }));

  it("BIND-002 BIND-003 BIND-008 BIND-009 are found below the platform directory, in the new shape and the old one", async () => {
    const say =
      'cd "$CNB_PLATFORM_DIR/bindings" && echo "$(cat db/type db/provider db/password) $(cat old/metadata/kind old/secret/key) $(cat one/key)"';
    const bp = bench.buildpack({ id: "x/bind", detect: say, build: say });
    const file = {
      host: join(projected, "old/secret/key"),
      guest: "/platform/bindings/one/key",
      access: "ro" as const,
    };
    const { output, lines } = await bench.build([bp], { volumes: [...volumes, file], sandbox: "namespace" });
    expect(output).toBe(`postgresus${secret} redisk k\n`);
    expect(lines("debug").join("\n")).toContain(output);
  });

  it("BIND-006 their content is nowhere in the image, its config or the cache", async () => {
    const use = 'test "$(cat "$CNB_PLATFORM_DIR/bindings/db/password" | wc -c)" -gt 9';
    const bp = bench.buildpack({ id: "x/secret", build: `${use}; ${layer("l", "launch=true\\ncache=true")}` });
    const { report } = await bench.build([bp], { image: "secret", volumes, sandbox: "namespace" });
    expect(report).toBeDefined();
    await bench.look("secret", async ({ image, blobs }) => {
      expect(JSON.stringify(image)).not.toContain(secret);
      for (const { descriptor } of image.layers)
        expect((await collect(blobs.open(descriptor))).includes(secret), descriptor.digest).toBe(false);
    });
  });

  it("BIND-007 buildpacks cannot change them", async () => {
    const build =
      'for f in db/password db/new own/password own/new; do echo x > "$CNB_PLATFORM_DIR/bindings/$f" && exit 9; done; true';
    const { report } = await bench.build([bench.buildpack({ id: "x/fixed", build: `set +e; ${build}` })], {
      volumes,
      bindings: { own: join(projected, "db") },
      sandbox: "namespace",
    });
    expect(report).toBeDefined();
    expect(existsSync(join(projected, "db", "new"))).toBe(false);
  });

  it.each(["Up", "a_b", "a/b", "..", "", "x".repeat(254)])("BIND-005 %j is no name of a binding", async (name) => {
    await using workspace = await openWorkspace(hostPath(join(bench.root, "workspaces")), true, "");
    const inputs = { userVariables: {}, buildConfig: [] };
    await expect(writePlatform(workspace, { ...inputs, bindings: { [name]: {} } })).rejects.toMatchObject({
      code: "binding.name",
    });
    await writePlatform(workspace, { ...inputs, bindings: { "a-b.9": { type: "t" } } });
  });
});
