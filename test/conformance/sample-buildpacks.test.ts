import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { BuildOptions } from "../../src/build.ts";
import { parseToml } from "../../src/std/toml.ts";
import { Bench } from "../support/flow.ts";
import { checkout } from "../support/program.ts";
import { layerEntries } from "../support/tar-list.ts";

const bench = new Bench();
beforeAll(async () => {
  await bench.runImage();
});

const sample = (name: string) => join(checkout, "samples/buildpacks", name);
const all = ["hello-world", "hello-moon", "hello-universe", "hello-processes"].map(sample);

/** Builds with these groups of the sample buildpacks and reads what the phases wrote down. */
async function built(name: string, groups: readonly (readonly string[])[], options: Partial<BuildOptions> = {}) {
  const reportDirectory = join(bench.root, `report-${name}`);
  const builder = bench.builder(all, groups);
  const outcome = await bench.build([], { builder, image: name, reportDirectory, ...options });
  const document = (file: string) => parseToml(bench.read(`report-${name}/${file}.toml`), file);
  return { ...outcome, document };
}

// What the reference's detector and builder make of the same buildpacks.
describe("the sample buildpacks", () => {
  it("hello-world and hello-moon take part, and the world gets both requirements", async () => {
    const { fault, output, document } = await built("world", [["samples/hello-world", "samples/hello-moon"]]);
    expect(fault).toBeUndefined();
    expect(document("group")["group"]).toMatchObject([
      { id: "samples/hello-world", version: "0.0.2", api: "0.10" },
      { id: "samples/hello-moon", version: "0.0.2", api: "0.10" },
    ]);
    expect(document("plan")["entries"]).toMatchObject([
      {
        providers: [{ id: "samples/hello-world", version: "0.0.2" }],
        requires: [{ name: "some-world" }, { name: "some-world", metadata: { world: "Earth-616" } }],
      },
    ]);
    const plan = output.slice(output.indexOf("plan:"), output.indexOf("Hello Moon"));
    expect(plan.match(/name = "some-world"/g)).toHaveLength(2);
    expect(plan.indexOf("Earth-616")).toBeGreaterThan(plan.lastIndexOf("[[entries]]"));
    expect(output).toContain("plan: 0 bytes");
    expect(document("metadata")).toMatchObject({ processes: [] });
    expect(document("metadata")).not.toHaveProperty("buildpack-default-process-type");
    await bench.look("world", ({ image }) =>
      expect(image.config.config.Entrypoint).toEqual(["/cnb/lifecycle/launcher"]),
    );
  });

  it("hello-moon alone takes part in nothing", async () => {
    const { fault } = await built("moon", [["samples/hello-moon"]]);
    expect([fault?.code, fault?.exit]).toEqual(["detect.none", "detectNone"]);
  });

  it("hello-universe is the two of them, and stands nowhere itself", async () => {
    const { report, document } = await built("universe", [["samples/hello-universe"]]);
    expect(report?.group.map(({ id }) => id)).toEqual(["samples/hello-world", "samples/hello-moon"]);
    const world = await built("world-again", [["samples/hello-world", "samples/hello-moon"]]);
    expect(document("plan")).toEqual(world.document("plan"));
    expect(report?.imageId).toBe(world.report?.imageId);
  });

  it("hello-processes adds a program and its process, and chooses no default", async () => {
    const { report, document } = await built("processes", [["samples/hello-processes"]], { sandbox: "namespace" });
    expect(document("plan")["entries"] ?? []).toEqual([]);
    const metadata = document("metadata");
    expect(metadata["processes"]).toMatchObject([
      { type: "sys-info", command: ["/layers/samples_hello-processes/sys-info/sys-info"], direct: true },
    ]);
    expect(metadata).not.toHaveProperty("buildpack-default-process-type");
    await bench.look("processes", async (stored) => {
      expect(stored.image.config.config.Entrypoint).toEqual(["/cnb/lifecycle/launcher"]);
      const { diffId } = report!.layers.find(({ id }) => id === "samples/hello-processes:sys-info")!;
      const program = (await layerEntries(stored, diffId)).find(({ name }) => name.endsWith("sys-info/sys-info"));
      expect(program).toMatchObject({ type: "file", mode: 0o755 });
    });
  });

  it("PROJ-004 PROJ-014 PROJ-016 bash-script is built by its own buildpack, which sees neither itself nor the README", async () => {
    const app = join(checkout, "samples/bash-script");
    const { report, output, document } = await built("script", [["samples/hello-processes"]], {
      app,
      sandbox: "namespace",
    });
    expect(report?.group).toEqual([{ id: "samples/bash-script", version: "0.0.1" }]);
    expect(output).toBe("./app.sh\n./project.toml\n");
    expect(document("metadata")).toMatchObject({
      processes: [{ type: "web", command: ["./app.sh"] }],
      "buildpack-default-process-type": "web",
    });
    await bench.look("script", async (stored) => {
      expect(stored.image.config.config.Entrypoint).toEqual(["/cnb/process/web"]);
      const { diffId } = report!.layers.find(({ id }) => id === "slice-1")!;
      const names = (await layerEntries(stored, diffId)).map(({ name }) => name);
      expect(names.filter((name) => name.startsWith("/workspace/"))).toEqual([
        "/workspace/app.sh",
        "/workspace/project.toml",
      ]);
    });
  });
});
