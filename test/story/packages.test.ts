import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { inspectPackage } from "../../src/buildpack-inspect.ts";
import { newBuildpack } from "../../src/buildpack-new.ts";
import { packageBuildpack } from "../../src/buildpack-package.ts";
import { pullBuildpack } from "../../src/buildpack-pull.ts";
import { packageText } from "../../src/cli/render/package.ts";
import { Bench } from "../support/flow.ts";
import { startRegistry } from "../support/registry.ts";

const bench = new Bench();
const common = { home: bench.home, base: bench.root };

beforeAll(async () => {
  await newBuildpack({ id: "acme/hello", base: bench.root });
  const order = '[[order]]\n[[order.group]]\nid = "acme/hello"\nversion = "1.0.0"\n';
  bench.buildpack({ id: "acme/all", more: order }, "all");
  bench.write("package.toml", '[buildpack]\nuri = "all"\n[[dependencies]]\nuri = "hello"\n');
  await packageBuildpack({ ...common, name: "acme/all", config: "package.toml" });
  await packageBuildpack({ ...common, name: "all.cnb", config: "package.toml", format: "file" });
});

describe("an author of buildpacks", () => {
  it("begins with one that builds as it is", async () => {
    expect(bench.read("hello/buildpack.toml")).toBe(
      'api = "0.12"\n\n[buildpack]\n  id = "acme/hello"\n  version = "1.0.0"\n\n[[targets]]\n  os = "linux"\n',
    );
    for (const script of ["detect", "build"])
      expect(execFileSync(join(bench.root, "hello/bin", script), { cwd: bench.root }).length).toBe(0);
    await expect(newBuildpack({ id: "acme/hello", base: bench.root })).rejects.toMatchObject({
      code: "buildpack.exists",
    });
    await expect(newBuildpack({ id: "acme/x", base: bench.root, api: "9.9" })).rejects.toMatchObject({
      code: "buildpack.api",
    });
    await expect(newBuildpack({ id: "..", base: bench.root })).rejects.toMatchObject({ code: "buildpack.coordinates" });
  });

  it("sees what is in an image, a file, an archive and a directory", async () => {
    execFileSync("tar", ["czf", "hello.tgz", "hello"], { cwd: bench.root });
    for (const [locator, location] of [
      ["acme/all", "LOCAL IMAGE"],
      ["docker://acme/all", "LOCAL IMAGE"],
      ["all.cnb", "LOCAL ARCHIVE"],
    ] as const) {
      const [info, ...more] = await inspectPackage({ ...common, locator, pullPolicy: "never" });
      expect(more).toEqual([]);
      expect(info).toMatchObject({ location, metadata: { id: "acme/all", version: "1.0.0", stacks: [{ id: "*" }] } });
      expect(info!.modules.map(({ id }) => id)).toEqual(["acme/all", "acme/hello"]);
    }
    for (const [locator, location] of [
      ["hello.tgz", "LOCAL ARCHIVE"],
      ["hello", "LOCAL DIRECTORY"],
    ] as const)
      expect(await inspectPackage({ ...common, locator })).toMatchObject([
        { location, metadata: { id: "acme/hello" } },
      ]);
    const found = await inspectPackage({ ...common, locator: "all.cnb" });
    expect(await packageText("all.cnb", found, "human-readable", false)).toBe(
      [
        "Inspecting buildpack: 'all.cnb'\n",
        "LOCAL ARCHIVE:\n",
        "Stacks:\n  ID: *\n    Mixins:\n      (omitted)\n",
        "Targets:\n  linux\n",
        "Buildpacks:\n  ID                NAME        VERSION        HOMEPAGE\n  acme/all          -           1.0.0          -\n  acme/hello        -           1.0.0          -\n",
        "Detection Order:\n └ Group #1:\n    └ acme/all@1.0.0\n       └ Group #1:\n          └ acme/hello@1.0.0",
      ].join("\n"),
    );
    const json = JSON.parse(await packageText("all.cnb", found, "json", false));
    expect(json).toMatchObject({ buildpack_name: "all.cnb", found: [{ location: "local-archive", id: "acme/all" }] });
    await expect(inspectPackage({ ...common, locator: "all.cnb", kind: "extension" })).rejects.toMatchObject({
      code: "package.label",
    });
    await expect(inspectPackage({ ...common, locator: "docker://acme/all", kind: "extension" })).rejects.toMatchObject({
      code: "package.kind",
    });
  });

  it("fetches one by name and by the id of a registry", async (test) => {
    await using registry = await startRegistry(test);
    const outside = { insecureRegistries: [registry.host] };
    const name = `${registry.host}/acme/all`;
    const { digest } = await packageBuildpack({ ...common, name, config: "package.toml", output: "registry", outside });
    const elsewhere = { ...common, home: join(bench.root, "elsewhere"), outside };
    expect(await pullBuildpack({ ...elsewhere, locator: `docker://${name}` })).toMatchObject({
      name,
      id: "acme/all",
      version: "1.0.0",
    });
    bench.write(
      "index/3/al/acme_all",
      `${JSON.stringify({ ns: "acme", name: "all", version: "1.0.0", yanked: false, addr: `${name}@${digest}` })}\n`,
    );
    const registries = [{ name: "near", url: join(bench.root, "index") }];
    const byId = { ...elsewhere, registries, registry: "near", locator: "urn:cnb:registry:acme/all" };
    expect(await pullBuildpack(byId)).toMatchObject({ name: `${name}@${digest}` });
    expect(await inspectPackage(byId)).toMatchObject([{ location: "REGISTRY IMAGE", metadata: { id: "acme/all" } }]);
    const both = await inspectPackage({ ...elsewhere, locator: `docker://${name}` });
    expect(both.map(({ location }) => location)).toEqual(["LOCAL IMAGE", "REMOTE IMAGE"]);
    await expect(pullBuildpack({ ...elsewhere, locator: "all.cnb" })).rejects.toMatchObject({ code: "locator.pull" });
  });
});
