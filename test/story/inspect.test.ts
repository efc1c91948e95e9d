import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Format, inspectionText } from "../../src/cli/render/inspection.ts";
import { downloadSbom, inspectSides } from "../../src/index.ts";
import { parseToml } from "../../src/std/toml.ts";
import { Bench } from "../support/flow.ts";
import { pack } from "../support/program.ts";
import { startRegistry } from "../support/registry.ts";

const bench = new Bench();
const make = `mkdir -p "$CNB_LAYERS_DIR/l"; echo x > "$CNB_LAYERS_DIR/l/f"; printf '[types]\\nlaunch=true\\n' > "$CNB_LAYERS_DIR/l.toml"
echo '{"bomFormat":"CycloneDX"}' > "$CNB_LAYERS_DIR/launch.sbom.cdx.json"
printf '[[processes]]\\ntype="web"\\ncommand=["serve"]\\nargs=["a","b"]\\ndefault=true\\n' > "$CNB_LAYERS_DIR/launch.toml"`;

let buildpack: string;
beforeAll(async () => {
  await bench.runImage();
  buildpack = bench.buildpack({
    id: "t/inspect",
    build: make,
    info: 'sbom-formats = ["application/vnd.cyclonedx+json"]\nhomepage = "https://example.com"',
  });
});

async function inspected(image: string, format: Format, isBom = false): Promise<string> {
  return inspectionText(image, await inspectSides({ image, home: bench.home }), format, isBom);
}

describe("inspecting an image", () => {
  it("IMG-010 shows what is in the registry and what is here, each by itself", async (context) => {
    await using registry = await startRegistry(context);
    const image = `${registry.host}/app`;
    const local = await bench.build([buildpack], { image });
    expect(local.fault).toBeUndefined();
    const before = await inspected(image, "human-readable");
    expect(before).toContain(`Inspecting image: '${image}'\n\nREMOTE:\n(not present)\n\nLOCAL:\n`);
    expect(before).toMatch(/t\/inspect +1\.0\.0 +https:\/\/example\.com/);
    expect(before).toMatch(/web \(default\) +serve +a b +\/workspace/);
    const published = await bench.build([buildpack], { image, output: "registry" });
    expect(published.fault).toBeUndefined();
    const seen = JSON.parse(await inspected(image, "json"));
    expect(Object.keys(seen)).toEqual(["image_name", "remote_info", "local_info"]);
    expect(Object.keys(seen.remote_info)).toEqual([
      "stack",
      "base_image",
      "run_images",
      "buildpacks",
      "extensions",
      "processes",
      "rebasable",
    ]);
    expect(seen.local_info.processes[0]).toEqual({
      type: "web",
      shell: "",
      command: "serve",
      default: true,
      args: ["a", "b"],
      "working-dir": "/workspace",
    });
    expect(parse(await inspected(image, "yaml"))).toEqual(seen);
    const toml = parseToml(await inspected(image, "toml"), "toml") as Record<string, Record<string, unknown>>;
    expect(toml["remote_info"]?.["buildpacks"]).toEqual(seen.remote_info.buildpacks);
    expect(JSON.parse(await inspected(image, "json", true))).toEqual({ remote: [], local: [] });
  });

  it("a side that cannot tell is a line, and the other side is there", async () => {
    const image = "127.0.0.1:1/team/app";
    await bench.build([buildpack], { image });
    const ended = await pack(["inspect", image], { home: bench.home });
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/REMOTE:\nCannot pull from .*127\.0\.0\.1:1.*\n\nLOCAL:\n\n/);
    const seen = JSON.parse(await inspected(image, "json"));
    expect(seen.remote_info).toBeNull();
    expect(seen.remote_error).toMatch(/^Cannot pull from /);
    expect(seen.local_info.rebasable).toBe(true);
  });
});

describe("getting the bill of materials of an image", () => {
  it("SBOM-001 unpacks what the buildpacks wrote, from the registry as from here", async (context) => {
    await using registry = await startRegistry(context);
    const image = `${registry.host}/sbom`;
    await bench.build([buildpack], { image, output: "registry" });
    const place = (name: string) => ({ image, home: bench.home, directory: join(bench.root, name) });
    await expect(downloadSbom(place("none"))).rejects.toMatchObject({
      code: "image.missing",
      hint: expect.stringContaining("--remote"),
    });
    await downloadSbom({ ...place("remote"), remote: true });
    const file = "layers/sbom/launch/t_inspect/sbom.cdx.json";
    expect(bench.read(join("remote", file))).toContain("CycloneDX");
    await bench.build([buildpack], { image });
    await downloadSbom(place("local"));
    expect(bench.read(join("local", file))).toBe(bench.read(join("remote", file)));
    // Once more over the same directory.
    await downloadSbom(place("local"));
  });

  it("says when there is none", async () => {
    const ended = await pack(["sbom", "download", "run"], { home: bench.home, cwd: bench.root });
    expect(ended.stderr).toContain("Cannot read bill of materials of run: it has none");
    expect(ended.code).toBe(1);
  });
});
