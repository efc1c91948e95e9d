import { beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";
import { Bench } from "../../support/flow.ts";
import { pack } from "../../support/program.ts";

const bench = new Bench();
beforeAll(async () => {
  await bench.runImage();
});

const builderOf = (id: string) => bench.builder([bench.buildpack({ id })], [[id]]);
const ids = ({ report, fault }: Awaited<ReturnType<typeof bench.build>>) => {
  if (fault) throw fault;
  return report!.group.map(({ id }) => id);
};

describe("what is configured", () => {
  it("holds for what neither a flag nor the project says", async () => {
    const config = parseConfig(`default-builder-image = "${builderOf("c/config")}"`, "config.toml");
    expect(ids(await bench.build([], { config }))).toEqual(["c/config"]);
    bench.write(
      "app/project.toml",
      `[_]\nschema-version = "0.2"\n[io.buildpacks]\nbuilder = "${builderOf("c/project")}"`,
    );
    expect(ids(await bench.build([], { config }))).toEqual(["c/project"]);
    expect(ids(await bench.build([], { config, builder: builderOf("c/flag") }))).toEqual(["c/flag"]);
  });

  it("names mirrors of run images, which are tried first", async () => {
    await bench.runImage("mirror", (config) => ({
      ...config,
      config: { ...config.config, User: "7:7", Env: ["A=1"] },
    }));
    const config = parseConfig('[[run-images]]\nimage = "run"\nmirrors = ["mirror"]', "config.toml");
    const { report, fault } = await bench.build([bench.buildpack({ id: "c/mirror" })], { config });
    expect(fault).toBeUndefined();
    expect(report).toBeDefined();
    await bench.look("app", ({ image }) => expect(image.config.config.User).toBe("7:7"));
  });

  it("turns on the label of the source with pack's experiments", async () => {
    bench.write("app/project.toml", '[_]\nschema-version = "0.2"\nversion = "1.2.3"\n');
    const config = parseConfig("experimental = true", "config.toml");
    const bp = bench.buildpack({ id: "c/label" });
    const label = () => bench.look("app", ({ image }) => image.config.config.Labels!["io.buildpacks.project.metadata"]);
    expect((await bench.build([bp], { config })).fault).toBeUndefined();
    expect(await label()).toContain('"declared":"1.2.3"');
    expect((await bench.build([bp], { config, sourceMetadata: false })).fault).toBeUndefined();
    expect(await label()).toBe("{}");
  });

  it("is shown and changed by the command, in pack's words", async () => {
    const run = async (...words: string[]) => {
      const { code, stdout, stderr } = await pack(["config", ...words], { home: bench.home });
      return code === 0 ? stdout.trimEnd() : stderr.trimEnd();
    };
    expect(await run("pull-policy", "never")).toBe("Successfully set 'never' as the pull policy");
    expect(await run("registry-mirrors", "add", "index.docker.io", "--mirror", "mirror.example")).toContain(
      "configured with mirror",
    );
    expect(await run("registry-mirrors", "--json")).toBe('{"registry":"index.docker.io","mirror":"mirror.example"}');
    expect(await run("default-builder", "samples/none")).toBe("Builder 'samples/none' is now the default builder");
    expect(await run("pull-policy", "sometimes")).toContain('Cannot understand pull policy "sometimes"');
    expect(bench.read("home/config.toml")).toBe(
      'pull-policy = "never"\ndefault-builder-image = "samples/none"\n\n[registry-mirrors]\n  "index.docker.io" = "mirror.example"\n',
    );
  });
});
