import { beforeAll, describe, expect, it } from "vitest";
import { parseBuildMetadata } from "../../src/cnb/build-metadata.ts";
import { parseExtension } from "../../src/cnb/extension.ts";
import { parseLifecycleMetadata } from "../../src/cnb/label.ts";
import { labelsOf } from "../../src/oci/config.ts";
import { detect } from "../../src/phase/detect.ts";
import { readGenerated } from "../../src/phase/generated.ts";
import type { Runner } from "../../src/phase/script.ts";
import type { ScriptEnvironment } from "../../src/phase/script-environment.ts";
import type { Workspace } from "../../src/phase/workspace.ts";
import { exitCodeOf } from "../../src/std/fault.ts";
import { hostPath } from "../../src/std/path.ts";
import { anyOf, order } from "../support/buildpack.ts";
import { dockerfile, requires, type ShellExtension, writeExtension } from "../support/extension.ts";
import { Bench } from "../support/flow.ts";

const bench = new Bench();
const extension = (spec: ShellExtension) => writeExtension(bench, spec);
/** A buildpack that requires what the extension provides, and prints its own plan. */
let user: string;
const switching = (image: string) => `printf 'FROM ${image}\\n' >"$CNB_OUTPUT_DIR/run.Dockerfile"`;

beforeAll(async () => {
  await bench.runImage();
  await bench.runImage("other", (config) => ({
    ...config,
    config: {
      ...config.config,
      Labels: { "io.buildpacks.base.distro.name": "other", "io.buildpacks.base.distro.version": "9" },
    },
  }));
  user = bench.buildpack({
    id: "user",
    detect: requires("tool"),
    build: 'echo "plan: $(cat "$CNB_BP_PLAN_PATH")"; echo "distro: $CNB_TARGET_DISTRO_NAME"',
  });
});

/** What the generate scripts printed. */
const printed = (events: Awaited<ReturnType<Bench["build"]>>["events"]) =>
  events.flatMap((event) => (event.type === "output" && event.phase === "generate" ? [event.text] : [])).join("");

describe("extensions", () => {
  it("EXT-005 EXT-008 EXT-009 ORDER-018 bin/generate finds everything by variables and by place", async () => {
    const script = `env | grep ^CNB_ | sort; echo "args: $*"; pwd; ls -A "$CNB_OUTPUT_DIR/.."; cat "$CNB_BP_PLAN_PATH"`;
    const first = extension({ id: "acme/first", version: "2", generate: script, provides: "tool" });
    const second = extension({ id: "second", generate: script, provides: "tool" });
    const { events, fault } = await bench.build([user], { extensions: [first, second] });
    expect(fault).toBeUndefined();
    const text = printed(events);
    for (const line of [
      "CNB_EXTENSION_DIR=/cnb/extensions/acme_first/2",
      "CNB_OUTPUT_DIR=/layers/generated/acme_first",
      "CNB_OUTPUT_DIR=/layers/generated/second",
      "CNB_BP_PLAN_PATH=/cnb/plans/generate-acme_first/plan.toml",
      "CNB_PLATFORM_DIR=/platform",
      "CNB_TARGET_OS=linux",
      "CNB_TARGET_DISTRO_NAME=debian",
      "args: /layers/generated/acme_first /platform /cnb/plans/generate-acme_first/plan.toml",
      "/workspace",
      "[[entries]]",
      '  name = "tool"',
    ])
      expect(text.split("\n")).toContain(line);
    expect(text).not.toMatch(/CNB_BUILDPACK_DIR|CNB_LAYERS_DIR/);
    // Nobody sees the directory of another one.
    expect(text.split("\n").filter((line) => /^(acme_first|second)$/.test(line))).toEqual(["acme_first", "second"]);
  });

  it("EXT-007 bin/generate cannot write into the app", async () => {
    const one = extension({ id: "writer", generate: "echo x >>file.txt" });
    const { fault } = await bench.build([user], { extensions: [one] });
    expect(fault?.code).toBe("generate.failed");
    expect(bench.read("app/file.txt")).toBe("content\n");
  });

  it("ORDER-008 an extension is optional, whatever the builder's order says", async () => {
    const all = [extension({ id: "says-no", detect: "exit 100" }), extension({ id: "says-yes", generate: "exit 0" })];
    const entries = ["says-no", "says-yes"].map((id) => `{ id = "${id}", version = "1.0.0", optional = false }`);
    const more = `${all.map((uri) => `[[extensions]]\nuri = "${uri}"\n`).join("")}[[order-extensions]]\ngroup = [${entries.join(", ")}]\n`;
    const { report, fault } = await bench.build([], { builder: bench.builder([user], [["user"]], more) });
    expect(fault).toBeUndefined();
    expect(report?.extensions).toEqual([{ id: "says-yes", version: "1.0.0" }]);
  });

  it("EXT-004 an extension without bin/detect passes with the plan in its detect folder", async () => {
    const files = { "detect/plan.toml": '[[provides]]\nname = "tool"\n', "generate/run.Dockerfile": "FROM other\n" };
    const one = extension({ id: "static", detect: "none", files });
    const { report } = await bench.build([user], { extensions: [one] });
    expect(report?.extensions).toEqual([{ id: "static", version: "1.0.0" }]);
    expect(report?.plan).toEqual([]);
  });

  it("EXT-006 an extension that requires something errs, and the group goes on without it", async () => {
    const provides = `printf '[[provides]]\\nname = "own"\\n' >"$CNB_BUILD_PLAN_PATH"`;
    const plain = bench.buildpack({ id: "plain" });
    for (const name of ["tool", "own"]) {
      const one = extension({ id: `wants-${name}`, detect: `${provides}\n${requires(name)}`, generate: "exit 0" });
      const { report, fault } = await bench.build([plain], { extensions: [one] });
      expect(fault).toBeUndefined();
      expect(report?.extensions).toEqual([]);
    }
  });

  it("EXT-012 PLAN-023 what extensions provide is met, and buildpacks do not see it, even if they provide it too", async () => {
    const one = extension({ id: "provider", generate: 'cat "$CNB_BP_PLAN_PATH"' });
    const both = bench.buildpack({
      id: "both",
      detect: `${requires("tool")}\n${requires("own")}\nprintf '[[provides]]\\nname = "%s"\\n' own tool >>"$CNB_BUILD_PLAN_PATH"`,
      build: 'cat "$CNB_BP_PLAN_PATH"',
    });
    const { output, report, events } = await bench.build([both], {
      extensions: [one],
      reportDirectory: `${bench.root}/met`,
    });
    expect(printed(events)).toBe('[[entries]]\n  name = "tool"\n');
    expect(output).toBe(`${printed(events)}[[entries]]\n  name = "own"\n`);
    expect(report?.plan.map(({ requires: [first] }) => first?.name)).toEqual(["own"]);
    expect(bench.read("met/plan.toml")).not.toContain("tool");
  });

  it("EXT-010 without bin/generate the generate folder is the output", async () => {
    const one = extension({ id: "ready", files: { "generate/run.Dockerfile": "FROM other\n" } });
    const { output, fault } = await bench.build([user], { extensions: [one] });
    expect(fault).toBeUndefined();
    expect(output).toContain("distro: other");
  });

  it("EXT-011 API-016 extensions generate in order, and one that fails ends the build with 91", async () => {
    const first = extension({ id: "a-first", generate: "echo first" });
    const second = extension({ id: "b-second", generate: "echo second; exit 3" });
    const { events, fault } = await bench.build([user], { extensions: [first, second], image: "unmade" });
    expect(printed(events)).toBe("first\nsecond\n");
    expect(fault && [fault.message, exitCodeOf(fault)]).toEqual([
      "Cannot generate with b-second@1.0.0: exit status 3",
      91,
    ]);
    await expect(bench.look("unmade", () => true)).rejects.toThrow("no image");
  });

  it("API-016 output that cannot be used ends with 92", async () => {
    const text = "printf 'FROM a\\nFROM b\\n' >\"$CNB_OUTPUT_DIR/run.Dockerfile\"";
    const { fault } = await bench.build([user], { extensions: [extension({ id: "two-from", generate: text })] });
    expect(fault && exitCodeOf(fault)).toBe(92);
    expect(fault?.message).toBe("Cannot use run.Dockerfile of two-from@1.0.0: it has several FROM");
  });

  it("EXT-014 EXT-015 EXT-025 what is generated stands at its place, and other files mean nothing", async () => {
    const generate = `cd "$CNB_OUTPUT_DIR"; printf 'FROM other\\n' >run.Dockerfile; echo '{}' >launch.sbom.cdx.json
      printf '[[run.args]]\\nname = "a"\\nvalue = "b"\\n' >extend-config.toml; mkdir context.run; echo x >context.run/f`;
    const one = extension({ id: "acme/all", generate });
    const { fault, report } = await bench.build([user], {
      extensions: [one],
      reportDirectory: `${bench.root}/places`,
      sbomDirectory: `${bench.root}/sbom`,
    });
    expect(fault).toBeUndefined();
    for (const name of ["run.Dockerfile", "extend-config.toml", "context.run/f"])
      expect(bench.exists(`places/generated/acme_all/${name}`), name).toBe(true);
    expect(report?.layers.map(({ id }) => id)).not.toContain("acme/all");
    expect(bench.exists("sbom/launch/acme_all")).toBe(false);
  });

  it("EXT-014 EXT-030 what it makes are Dockerfiles, their arguments and their contexts", async () => {
    const one = parseExtension('api = "0.10"\n[extension]\nid = "a"\nversion = "1"', "here", { hasScripts: true });
    const config = (kind: string) => `[[${kind}.args]]\nname = "for"\nvalue = "${kind}"\n`;
    const make = async (folder: string, contexts: readonly string[]) => {
      bench.write(`${folder}/extend-config.toml`, config("build") + config("run"));
      bench.write(`${folder}/run.Dockerfile`, "FROM other\n");
      bench.write(`${folder}/build.Dockerfile`, dockerfile("RUN true"));
      for (const name of contexts) bench.write(`${folder}/${name}/file`, "x");
      const found = await readGenerated(hostPath(`${bench.root}/${folder}`), one);
      expect(found.map(({ kind, given }) => [kind, given])).toEqual([
        ["run", [{ name: "for", value: "run" }]],
        ["build", [{ name: "for", value: "build" }]],
      ]);
      return found.map(({ context }) => context?.slice(bench.root.length + folder.length + 2));
    };
    expect(await make("made/app", [])).toEqual([undefined, undefined]);
    expect(await make("made/both", ["context"])).toEqual(["context", "context"]);
    expect(await make("made/run", ["context.run"])).toEqual(["context.run", undefined]);
    expect(await make("made/each", ["context.build", "context.run"])).toEqual(["context.run", "context.build"]);
  });

  it.each([
    ["context and context.run", "mkdir context context.run", "generate.context"],
    ["context and context.build", "mkdir context context.build", "generate.context"],
    [
      "an argument of the platform's",
      'printf \'[[run.args]]\\nname = "user_id"\\nvalue = "0"\' >extend-config.toml',
      "extend.config",
    ],
    ["a Dockerfile that is a link out", "ln -s /etc/passwd run.Dockerfile", "layer.escape"],
    ["a context that is a link out", "ln -s /etc context", "layer.escape"],
    ["a Dockerfile that is a directory", "mkdir run.Dockerfile", "layer.file"],
  ])("EXT-029 %s cannot be used", async (name, script, code) => {
    const id = `bad-${name.length}`;
    const one = extension({ id, generate: `cd "$CNB_OUTPUT_DIR"; ${script}` });
    const { fault } = await bench.build([user], { extensions: [one] });
    expect(fault?.code).toBe(code);
  });

  it("EXT-020 EXT-021 EXT-022 EXT-024 the run image is the one the last extension switches to, with its own target", async () => {
    const first = extension({ id: "one", generate: switching("nowhere.example/never:1") });
    const last = extension({ id: "two", generate: switching("other") });
    const { report, output, lines } = await bench.build([user], {
      extensions: [first, last],
      reportDirectory: `${bench.root}/switch`,
      image: "switched",
    });
    expect(report?.extensions.map(({ id }) => id)).toEqual(["one", "two"]);
    expect(output).toContain("distro: other");
    expect(lines("warn")).toContain("new runtime base image 'other' not found in run metadata");
    expect(bench.read("switch/analyzed.toml")).toContain('name = "other"');
    expect(bench.read("switch/analyzed.toml")).not.toMatch(/extend|build-image/);
    expect(bench.exists("switch/generated/one/run.Dockerfile.ignore")).toBe(true);
    expect(bench.exists("switch/generated/two/run.Dockerfile")).toBe(true);
    await bench.look("switched", async ({ image }) => {
      const labels = labelsOf(image.config);
      expect(labels["io.buildpacks.base.distro.name"]).toBe("other");
      const metadata = parseLifecycleMetadata(labels["io.buildpacks.lifecycle.metadata"] ?? "");
      expect(metadata?.stack?.runImage).toEqual({ image: "other" });
      expect(metadata?.runImage.reference).toContain("library/other@sha256:");
    });
  });

  it("EXT-022 a run image the builder lists is no surprise", async () => {
    const one = extension({ id: "listed", generate: switching("other") });
    const more = `[[extensions]]\nuri = ${JSON.stringify(one)}\n[[order-extensions]]\n[[order-extensions.group]]\nid = "listed"\n[[run.images]]\nimage = "run"\n[[run.images]]\nimage = "other"\n`;
    const builder = bench.builder([user], [["user"]], more);
    const { report, lines } = await bench.build([], { builder });
    expect(report?.extensions).toEqual([{ id: "listed", version: "1.0.0" }]);
    expect(lines("warn").join()).not.toContain("not found in run metadata");
  });

  it("EXT-038 EXT-039 FILE-031 FILE-060 group.toml, metadata.toml and the label list extensions apart", async () => {
    const one = extension({ id: "acme/listed", info: 'homepage = "https://x.example"', generate: "exit 0" });
    const { fault } = await bench.build([user], { extensions: [one], reportDirectory: `${bench.root}/lists` });
    expect(fault).toBeUndefined();
    expect(bench.read("lists/group.toml")).toBe(
      '[[group]]\n  id = "user"\n  version = "1.0.0"\n  api = "0.12"\n\n[[group-extensions]]\n  id = "acme/listed"\n  version = "1.0.0"\n  api = "0.10"\n  homepage = "https://x.example"\n',
    );
    expect(bench.read("lists/metadata.toml")).toContain('[[extensions]]\n  id = "acme/listed"');
    await bench.look("app", async ({ image }) => {
      const label = parseBuildMetadata(labelsOf(image.config)["io.buildpacks.build.metadata"]);
      expect(label?.extensions).toEqual([{ id: "acme/listed", version: "1.0.0", homepage: "https://x.example" }]);
      expect(label?.buildpacks.map(({ id }) => id)).toEqual(["user"]);
    });
  });

  it("EXT-040 clear-env keeps the user's variables from an extension", async () => {
    const script = 'echo "word: $WORD"';
    const open = extension({ id: "open", generate: script });
    const shut = extension({ id: "shut", info: "clear-env = true", generate: script });
    const { events } = await bench.build([user], { extensions: [open, shut], env: { WORD: "hello" } });
    expect(printed(events)).toBe("word: hello\nword: \n");
  });

  it("EXT-031 a build.Dockerfile without a build image is a fault that says so", async () => {
    const text = dockerfile("RUN true").replaceAll("\n", "\\n");
    const one = extension({ id: "build", generate: `printf '${text}' >"$CNB_OUTPUT_DIR/build.Dockerfile"` });
    const { fault } = await bench.build([user], { extensions: [one] });
    expect(fault && [fault.code, exitCodeOf(fault)]).toEqual(["extend.build-image", 102]);
  });

  it("EXT-013 extensions are never run for Windows", async () => {
    const never = () => {
      throw new Error("an extension was looked for");
    };
    const on = (os: string) =>
      detect({
        order: [],
        lookup: anyOf({}),
        extensions: { order: order("x"), lookup: never, directoryOf: never },
        target: { os, arch: "amd64" },
        execEnv: "production",
        workspace: {} as Workspace,
        runner: {} as Runner,
        environment: {} as ScriptEnvironment,
        emit: () => undefined,
      });
    await expect(on("linux")).rejects.toThrow("an extension was looked for");
    expect((await on("windows")).failure?.code).toBe("detect.none");
  });
});
