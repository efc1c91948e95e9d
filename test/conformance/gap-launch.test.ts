import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseBuildpack } from "../../src/cnb/buildpack.ts";
import { type RunOptions, run } from "../../src/run.ts";
import { isolating, require } from "../contract/sandbox/kind.ts";
import { Bench } from "../support/flow.ts";
import { writeMachineImage } from "../support/machine-image.ts";

const bench = new Bench();
const subject = isolating[0]!;

beforeAll(async () => {
  await writeMachineImage(bench.home, "machine", {
    config: { Env: ["PATH=/usr/bin:/bin", "OF_THE_BASE=1"], User: "1000:1001" },
  });
});

describe("an image we built, started", () => {
  beforeEach((test) => require(subject, test));

  async function start(image: string, more: Partial<RunOptions> = {}) {
    let said = "";
    const hear = (chunk: Uint8Array) => {
      said += Buffer.from(chunk).toString();
    };
    const { exitCode } = await run({ image, home: bench.home, stdin: "ignore", onOutput: hear, ...more }, subject.kind);
    return { exitCode, said };
  }

  const layer = (name: string, types: string) =>
    `L="$CNB_LAYERS_DIR/${name}"; mkdir -p "$L/bin" "$L/env" "$L/env.launch/web"
printf '#!/bin/sh\\necho ${name}' > "$L/bin/say-${name}"; chmod 755 "$L/bin/say-${name}"
printf '${name} ' > "$L/env/WORDS.append"; printf 1 > "$L/env.launch/web/ONLY_WEB"
printf '[types]\\n${types}\\n' > "$L.toml"`;
  const process = (type: string, more = "") =>
    `printf '[[processes]]\\ntype="${type}"\\ncommand=["sh","-c"]\\nargs=["say-a; say-b; echo $WORDS$ONLY_WEB $OF_THE_BASE; say-c"]\\n${more}' >> "$CNB_LAYERS_DIR/launch.toml"`;

  it("LAYER-031 ENV-003 ENV-031 ENV-033 EXPORT-010 EXPORT-014 LAUNCH-002 it finds every launch layer, and nothing of the others", async () => {
    const first = bench.buildpack({ id: "l/first", build: layer("a", "launch=true") });
    const build = `${layer("b", "launch=true\\nbuild=true")}; ${layer("c", "build=true\\ncache=true")}; ${process("web", "default=true\\n")}; ${process("other")}`;
    const second = bench.buildpack({ id: "l/second", build });
    const { fault } = await bench.build([first, second], {
      image: "started",
      runImage: "machine",
      sandbox: "namespace",
    });
    expect(fault).toBeUndefined();
    const { said } = await start("started");
    expect(said.split("\n").slice(0, 3)).toEqual(["a", "b", "a b 1 1"]);
    expect(said).toContain("say-c: not found");
    expect((await start("started", { entrypoint: "/cnb/process/other" })).said.split("\n")[2]).toBe("a b 1");
  });

  it("BUILD-003 EXPORT-009 EXPORT-018 it starts in the app's directory, with what builds have changed there", async () => {
    bench.write("own-app/file.txt", "ours\n");
    const bp = bench.buildpack({
      id: "l/app",
      build: `echo changed >> file.txt; rm -f gone; printf '[[processes]]\\ntype="web"\\ncommand=["cat","file.txt"]\\ndefault=true\\n' > "$CNB_LAYERS_DIR/launch.toml"`,
    });
    const app = `${bench.root}/own-app`;
    await bench.build([bp], { image: "in-app", runImage: "machine", sandbox: "namespace", app });
    expect(await start("in-app")).toEqual({ exitCode: 0, said: "ours\nchanged\n" });
    expect(bench.read("own-app/file.txt")).toBe("ours\n");
  });
});

describe("TOML as real buildpacks write it", () => {
  it("TRAP-028 tables out of order, tabs, quoted keys and lists over several lines are read", () => {
    const text = `api = "0.8"\t# a comment
[[metadata.configurations]]
\tname = "BP_X"
\tdefault = ""
[buildpack]
id='team/a'
version = "1.2.3"
keywords = [
  "one", # first
  "two",
]
[metadata]
"quoted.key" = 1
dates = [1979-05-27, 1979-05-27T07:32:00Z]
[[stacks]]
id = "*"
mixins = []
`;
    const buildpack = parseBuildpack(text, "buildpack.toml", { hasBinBuild: true });
    expect(buildpack).toMatchObject({ id: "team/a", version: "1.2.3", targets: [{}] });
  });
});
