import { describe, expect, it } from "vitest";
import { parseDockerfile } from "../../src/cnb/dockerfile.ts";
import { parseExtendConfig } from "../../src/cnb/extend-config.ts";
import {
  type AppliedStep,
  addedLayers,
  checkFinalUser,
  extendedConfig,
  isRebasableAfter,
  userOf,
  userWarnings,
} from "../../src/cnb/extended-image.ts";
import { parseExtension } from "../../src/cnb/extension.ts";
import { parseExtensionDockerfile } from "../../src/cnb/extension-dockerfile.ts";
import { planRunImage } from "../../src/cnb/run-image-switch.ts";
import type { ContainerConfig, ImageConfig } from "../../src/oci/config.ts";
import { diffIdOfTar, parseDiffId } from "../../src/oci/digest.ts";
import { withLayers } from "../../src/oci/image.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { keepExtended, readExtended } from "../../src/phase/extended-cache.ts";
import { exitCodeOf } from "../../src/std/fault.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { dockerfile } from "../support/extension.ts";
import { faultOf } from "../support/fault.ts";

const given = "$" + "{base_image}";
const read = (text: string, kind: "build" | "run" = "run") =>
  parseExtensionDockerfile(text, kind, `${kind}.Dockerfile`);
const refused = (text: string, kind: "build" | "run" = "run") => faultOf(() => read(text, kind));

describe("extension.toml", () => {
  const extension = (info: string, rest = "") => `api = "0.10"\n[extension]\n${info}\n${rest}`;
  const parse = (text: string, hasScripts = true) => parseExtension(text, "extension.toml", { hasScripts });

  it("EXT-001 an extension is what its extension.toml says, and has no order", () => {
    expect(parse(extension('id = "a/b"\nversion = "1.2.3"'))).toMatchObject({ id: "a/b", version: "1.2.3" });
    const order = '[[order]]\n[[order.group]]\nid = "x"\nversion = "1"';
    expect(faultOf(() => parse(extension('id = "a"\nversion = "1"', order))).code).toBe("extension.order");
    expect(faultOf(() => parse('api = "0.10"\n[buildpack]\nid = "a"\nversion = "1"')).code).toBe("extension.missing");
  });

  it("EXT-002 id, version, api and licences follow the rules of buildpacks", () => {
    const text = extension('id = "a"\nversion = "1"\n[[extension.licenses]]\ntype = "MIT"\nuri = "https://l.example"');
    expect(parse(text).licenses).toEqual([{ type: "MIT", uri: "https://l.example" }]);
    expect(faultOf(() => parse(extension('id = ".."\nversion = "1"'))).code).toBe("buildpack.coordinates");
    expect(faultOf(() => parse(extension('id = "a"'))).code).toBe("toml.missing");
    expect(exitCodeOf(faultOf(() => parse('[extension]\nid = "a"\nversion = "1"')))).toBe(12);
  });

  it("EXT-003 targets limit it, and its metadata is free", () => {
    const rest = '[[targets]]\nos = "linux"\narch = "arm64"\n[metadata]\nanything = { goes = 1 }';
    const text = extension('id = "a"\nversion = "1"', rest);
    expect(parse(text).targets).toEqual([{ os: "linux", arch: "arm64", distros: [] }]);
  });

  it("EXT-040 clear-env is read of an extension too", () => {
    expect(parse(extension('id = "a"\nversion = "1"\nclear-env = true')).clearEnv).toBe(true);
    expect(parse(extension('id = "a"\nversion = "1"')).clearEnv).toBe(false);
  });
});

describe("Dockerfiles of extensions", () => {
  it("EXT-016 a build.Dockerfile begins with ARG base_image and FROM that", () => {
    expect(read(dockerfile("RUN true"), "build").extends).toBe(true);
    const hint = `begin it with "ARG base_image" and "FROM ${given}"`;
    for (const head of ["", "ARG other\n", "ARG base_image\nARG other\n", "ARG base_image other\n"])
      expect(refused(`${head}FROM ${given}\nRUN true`, "build"), head).toMatchObject({ hint });
    expect(refused("ARG base_image\nFROM debian", "build").message).toContain(`its FROM is not ${given}`);
    expect(refused("ARG base_image\nFROM $base_image", "build").message).toContain("its FROM is not");
  });

  it("EXT-016 EXT-017 there is one FROM, neither none nor two", () => {
    for (const kind of ["build", "run"] as const) {
      expect(refused("ARG base_image\n", kind).message).toContain("it has no FROM");
      expect(refused(`${dockerfile("RUN a")}FROM b`, kind).message).toContain("it has several FROM");
    }
  });

  it("EXT-017 from Buildpack API 0.10 on a run.Dockerfile may have more than FROM", () => {
    expect(read(dockerfile("RUN true", "USER 1000"))).toMatchObject({ extends: true });
    expect(read("FROM registry.example/run:2")).toMatchObject({ extends: false, switchesTo: "registry.example/run:2" });
  });

  it("EXT-018 instructions that are not recommended are warned of by line", () => {
    const text = dockerfile("EXPOSE 80", "RUN true", "ENTRYPOINT x", "ONBUILD RUN y");
    expect(read(text).warnings).toEqual([
      "run.Dockerfile command EXPOSE on line 3 is not recommended",
      "run.Dockerfile command ENTRYPOINT on line 5 is not recommended",
      "run.Dockerfile command ONBUILD on line 6 is not recommended",
    ]);
    const fine = [
      "ADD a /",
      "ARG x",
      "COPY a /",
      "ENV a=b",
      "LABEL a=b",
      "RUN x",
      'SHELL ["sh"]',
      "USER 1",
      "WORKDIR /",
    ];
    expect(read(dockerfile(...fine)).warnings).toEqual([]);
  });

  it.each([
    ["FROM $other", "its FROM is $other"],
    ["FROM scratch", "names no run image"],
    ["FROM UPPER/case:!", "names no run image"],
    ["FROM a b", "FROM takes one image"],
    ["RUN x\nFROM a", "RUN stands before FROM"],
    ["FROM a\nFOO bar", "is no instruction"],
    ["FROM a\nRUN <<EOF\nnever ended", "the heredoc EOF has no end"],
    ["# escape=x\nFROM a", "cannot be the escape character"],
    ["# escape=`\n# escape=`\nFROM a", "is said twice"],
    ["FROM a\0", "zero byte"],
  ])("%j is refused with what was found", (text, found) => {
    expect(refused(text).message).toContain(found);
  });

  it("what an engine gets begins with the given image, whatever the Dockerfile begins with", () => {
    const base = `ARG base_image\nFROM ${given}\nRUN x\n`;
    expect(read("FROM other:1\nRUN x\n").text).toBe(base);
    expect(read(`FROM ${given}\nRUN x\n`).text).toBe(base);
    expect(read(`# escape=\`\nARG base_image=d\nFROM --platform=linux/amd64 \`\n  ${given} AS me\nRUN x`).text).toBe(
      `# escape=\`\nARG base_image=d\nFROM --platform=linux/amd64 ${given}\nRUN x`,
    );
  });

  it("knows comments, continued lines, heredocs and parser directives", () => {
    const text = [
      "# syntax=docker/dockerfile:1",
      "# a comment",
      "FROM a",
      "RUN one \\",
      "  # a comment within",
      "",
      "  FROM here",
      "RUN <<-EOF cat <<'END'",
      "FROM b",
      "\tEOF",
      "FROM c",
      "END",
      'RUN echo "<<EOF"',
      "COPY . /",
    ].join("\r\n");
    const { stages } = parseDockerfile(text, "Dockerfile");
    expect(stages).toHaveLength(1);
    expect(stages[0]!.instructions.map(({ name, from, to }) => [name, from, to])).toEqual([
      ["RUN", 3, 7],
      ["RUN", 7, 12],
      ["RUN", 12, 13],
      ["COPY", 13, 14],
    ]);
  });

  it("a backtick continues lines where the directive says so, a backslash does then not", () => {
    const text = "# escape=`\nFROM a\nRUN one `\n  two\nRUN c:\\\nRUN d";
    expect(parseDockerfile(text, "f").stages[0]!.instructions.map((one) => one.text)).toEqual([
      "one   two",
      "c:\\",
      "d",
    ]);
  });

  it("the arguments it declares are known, with defaults and without", () => {
    const text = dockerfile("ARG build_id=0", 'ARG user_id group_id="x y"', "RUN true");
    expect(read(text).arguments).toEqual(["build_id", "user_id", "group_id"]);
  });
});

describe("the run image that extensions choose", () => {
  const extending = { extends: true };
  const switching = (switchesTo: string, isExtended = false) => ({ switchesTo, extends: isExtended });

  it("EXT-019 when all begin with the given image, it stays and all are applied", () => {
    expect(planRunImage([extending, extending])).toEqual({ applied: [extending, extending], ignored: [] });
  });

  it("EXT-020 the last one that switches wins, those before it are ignored", () => {
    const [a, b, c] = [switching("a", true), switching("b"), extending];
    expect(planRunImage([extending, a, b, c])).toEqual({ switchesTo: "b", applied: [c], ignored: [extending, a] });
  });

  it("EXT-021 the one that switches is applied when it has more than FROM", () => {
    const both = switching("b", true);
    expect(planRunImage([both])).toEqual({ switchesTo: "b", applied: [both], ignored: [] });
    expect(planRunImage([switching("b")]).applied).toEqual([]);
  });
});

describe("extend-config.toml", () => {
  const parse = (text: string) => parseExtendConfig(text, "extend-config.toml");

  it("EXT-028 arguments need a name and a value, for each kind", () => {
    const text = '[[build.args]]\nname = "a"\nvalue = "1"\n[[run.args]]\nname = "b"\nvalue = ""';
    expect(parse(text)).toEqual({ build: [{ name: "a", value: "1" }], run: [{ name: "b", value: "" }] });
    expect(parse("")).toEqual({ build: [], run: [] });
    for (const kind of ["build", "run"]) {
      expect(faultOf(() => parse(`[[${kind}.args]]\nvalue = "1"`)).message).toContain(`${kind}.args[0].name`);
      expect(faultOf(() => parse(`[[${kind}.args]]\nname = "a"`)).message).toContain(`${kind}.args[0].value`);
    }
  });

  it.each(["build_id", "user_id", "group_id", "base_image", "a b", "-x"])("the name %j cannot be given", (name) => {
    expect(faultOf(() => parse(`[[run.args]]\nname = "${name}"\nvalue = "1"`)).code).toBe("extend.config");
  });
});

describe("an extended image", () => {
  const diffId = (digit: string) => parseDiffId(`sha256:${digit.repeat(64)}`);
  const config = (container: ContainerConfig, layers = "a"): ImageConfig => ({
    architecture: "amd64",
    os: "linux",
    history: [...layers].map((layer) => ({ created_by: `RUN ${layer}` })),
    diffIds: [...layers].map(diffId),
    config: container,
  });
  const step = (container: ContainerConfig, saysRebasable = false, layers = "ab"): AppliedStep => ({
    extension: "ext",
    saysRebasable,
    config: config(container, layers),
  });
  const label = (value: string) => ({ Labels: { "io.buildpacks.rebasable": value } });

  it("EXT-033 is rebasable only when every Dockerfile says so itself", () => {
    expect(isRebasableAfter([step(label("true"), true), step(label("true"), true)])).toBe(true);
    expect(isRebasableAfter([step(label("true"), true), step(label("true"))])).toBe(false);
    expect(isRebasableAfter([step(label("false"), true)])).toBe(false);
    expect(isRebasableAfter([step({})])).toBe(false);
  });

  it.each(["0", "root", "0:0", "root:users", "00"])("EXT-034 a run image may not be left to the user %j", (User) => {
    const fault = faultOf(() => checkFinalUser("run", [step({ User: "1000" }), step({ User })]));
    expect([fault.code, exitCodeOf(fault)]).toEqual(["extend.root", 102]);
    expect(() => checkFinalUser("build", [step({ User })])).not.toThrow();
    expect(() => checkFinalUser("run", [step({ User }), step({ User: "1000:1000" })])).not.toThrow();
  });

  it("EXT-037 serves later builds for two weeks, and no longer", async () => {
    const store = memoryStore();
    const { digest } = await store.put(mediaTypes.oci.tar, [Buffer.from("a layer")]);
    const layer = { diffId: diffIdOfTar(digest), descriptor: { mediaType: mediaTypes.oci.tar, size: 7, digest } };
    const base = withLayers({ family: "oci", layers: [], config: config({}, "") }, []);
    const made = withLayers({ ...base, config: config({ User: "1000" }, "") }, [layer]);
    const [name, then] = [parseReference("cache.example/extended:run"), Date.UTC(2026, 0, 1)];
    await keepExtended(name, made, store, then);
    const readAfter = (days: number) => readExtended(name, base, store, then + days * 24 * 3600 * 1000);
    expect((await readAfter(13.9))?.image.config.config).toEqual({ User: "1000" });
    expect(await readAfter(14)).toBeUndefined();
    expect(await readAfter(-1)).toBeUndefined();
  });

  it("EXT-035 who leaves another user than there was is warned of", () => {
    const base = config({ User: "1000:1000" });
    expect(userWarnings(base, [step({ User: "1000:1000" })])).toEqual([]);
    expect(userWarnings(base, [step({ User: "0" }), step({ User: "1000" })])).toEqual([
      expect.stringContaining("Extension ext changed the user to root"),
    ]);
    expect(userWarnings(base, [step({ User: "2000" })])).toEqual([expect.stringContaining('the user "2000"')]);
  });

  it("EXT-027 the user an image names is told in two parts", () => {
    expect(userOf({ User: "1000:1001" })).toEqual({ user: "1000", group: "1001" });
    expect(userOf({ User: "cnb" })).toEqual({ user: "cnb", group: "" });
    expect(userOf({})).toEqual({ user: "", group: "" });
  });

  it("takes from an engine what Dockerfiles change, and nothing else", () => {
    const before = { User: "1", Hostname: "", Healthcheck: { Test: ["CMD"] }, Cmd: ["a"] };
    const after = { User: "2", Hostname: "f00", Image: "sha256:x", Env: ["A=b"] };
    expect(extendedConfig(before, after)).toEqual({
      User: "2",
      Hostname: "",
      Healthcheck: { Test: ["CMD"] },
      Env: ["A=b"],
    });
  });

  it("says of each layer which extension added it with what, and refuses another base", () => {
    const steps = [step({}, false, "ab"), { ...step({}, false, "abcd"), extension: "more" }];
    expect(addedLayers(config({}), steps)).toEqual([
      { diffId: diffId("b"), createdBy: "Layer: 'RUN b', Created by extension: ext" },
      { diffId: diffId("c"), createdBy: "Layer: 'RUN c', Created by extension: more" },
      { diffId: diffId("d"), createdBy: "Layer: 'RUN d', Created by extension: more" },
    ]);
    expect(faultOf(() => addedLayers(config({}), [step({}, false, "cd")])).code).toBe("extend.base");
    expect(faultOf(() => addedLayers(config({}), [step({}, false, "")])).code).toBe("extend.base");
  });
});
