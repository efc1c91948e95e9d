import { describe, expect, it } from "vitest";
import { abilitiesOf, parseApi } from "../../src/cnb/api.ts";
import { appLabels } from "../../src/cnb/app-image.ts";
import { encodeBuildMetadata, parseBuildMetadata } from "../../src/cnb/build-metadata.ts";
import {
  checkProcessTypes,
  type Launch,
  mergeProcesses,
  noProcesses,
  type Process,
  type ProcessTable,
  parseBuildToml,
  parseLaunch,
} from "../../src/cnb/launch.ts";
import { formatMetadata, parseMetadata } from "../../src/cnb/metadata-file.ts";
import { formatLegacyBom } from "../../src/cnb/sbom.ts";
import { faultOf } from "../support/fault.ts";

function launch(api: string, text: string, buildpackId = "a"): Launch {
  return parseLaunch(text, "launch.toml", abilitiesOf(parseApi(api, "test")), buildpackId);
}

function process(type: string, more: Partial<Process> = {}): Process {
  return { type, command: [type], direct: true, default: false, buildpackId: "a", ...more };
}

function merged(...buildpacks: readonly (readonly Process[])[]): ProcessTable {
  return buildpacks.reduce<ProcessTable>((table, processes) => mergeProcesses(table, processes).table, noProcesses);
}

describe("launch.toml", () => {
  it("PROC-001 every label is taken", () => {
    const text = '[[labels]]\nkey = "a"\nvalue = "1"\n[[labels]]\nkey = "b"\nvalue = ""\n';
    expect(launch("0.12", text).labels).toEqual([
      { key: "a", value: "1" },
      { key: "b", value: "" },
    ]);
  });

  it("PROC-002 a label has a key and a value", () => {
    const text = '[[labels]]\nkey = "a"\nvalue = "1"\n[[labels]]\nkey = "b"\nvalue = ""\n';
    expect(launch("0.12", text).labels).toEqual([
      { key: "a", value: "1" },
      { key: "b", value: "" },
    ]);
  });

  it("PROC-003 the last of several labels with one key wins", () => {
    const buildpacks = [
      { key: "a", value: "1" },
      { key: "b", value: "2" },
      { key: "a", value: "3" },
    ];
    const labels = appLabels({ lifecycle: "{}", build: "{}", project: "{}", buildpacks, execEnv: "" });
    expect(Object.fromEntries(labels)).toMatchObject({ a: "3", b: "2" });
  });

  it.each(["a/b", "a>b", "a<b", "a:b", "a|b", "a&b", "a\\b", "", ".", ".."])(
    "PROC-004 EXPORT-010 the type %j is refused at export",
    (type) => {
      const fault = faultOf(() => checkProcessTypes([process("web"), process(type)]));
      expect([fault.code, fault.exit]).toEqual(["process-type.name", "export"]);
    },
  );

  it("PROC-004 letters, digits, dots, underscores and dashes make a type", () => {
    expect(() => checkProcessTypes([process("Web.1_a-b")])).not.toThrow();
  });

  it("PROC-005 since 0.9 the command is a list", () => {
    const text = '[[processes]]\ntype = "web"\ncommand = ["echo", "a"]\nargs = ["b"]\n';
    expect(launch("0.9", text).processes).toEqual([process("web", { command: ["echo", "a"], args: ["b"] })]);
  });

  it.each([
    ["0.8", 'command = ["echo"]', "expected a string"],
    ["0.9", 'command = "echo"', "expected a list"],
  ])("PROC-006 the command of the other API is refused: %s %s", (api, line, found) => {
    const fault = faultOf(() => launch(api, `[[processes]]\ntype = "web"\n${line}\n`));
    expect(fault.message).toContain("Cannot read processes[0].command at launch.toml");
    expect(fault.message).toContain(found);
  });

  it("PROC-006 PROC-007 before 0.9 the command is a text, for a shell unless direct is set", () => {
    const text =
      '[[processes]]\ntype = "a"\ncommand = "x && y"\n[[processes]]\ntype = "b"\ncommand = "z"\ndirect = true\n';
    expect(launch("0.8", text).processes).toEqual([
      process("a", { command: ["x && y"], direct: false }),
      process("b", { command: ["z"], direct: true }),
    ]);
  });

  it.each(["true", "false"])("PROC-008 since 0.9 the key direct is refused: %s", (value) => {
    const fault = faultOf(() => launch("0.9", `[[processes]]\ntype = "web"\ncommand = ["x"]\ndirect = ${value}\n`));
    expect(fault.message).toBe("Cannot read launch.toml: process.direct is not supported on this buildpack version");
    expect(fault.exit).toBe("build");
  });

  it("PROC-009 no args and an empty list of args stay apart", () => {
    const text = '[[processes]]\ntype = "a"\ncommand = ["x"]\n[[processes]]\ntype = "b"\ncommand = ["x"]\nargs = []\n';
    expect(launch("0.12", text).processes.map((one) => one.args)).toEqual([undefined, []]);
  });

  it("PROC-010 two defaults in one file are refused", () => {
    const one = (type: string) => `[[processes]]\ntype = "${type}"\ncommand = ["x"]\ndefault = true\n`;
    const fault = faultOf(() => launch("0.12", one("a") + one("b")));
    expect(fault.message).toBe("Cannot read launch.toml: multiple default process types aren't allowed");
    expect(fault.hint).toBe("default = true stands with a and b");
    expect(fault.exit).toBe("build");
    expect(launch("0.12", one("a")).processes[0]!.default).toBe(true);
  });

  it("PROC-014 working-dir counts since 0.8 and is warned of before", () => {
    const text = '[[processes]]\ntype = "web"\ncommand = "x"\nworking-dir = "/srv"\n';
    expect(launch("0.8", text).processes[0]!.workingDirectory).toBe("/srv");
    expect(launch("0.8", text).warnings).toEqual([]);
    const plain = '[[processes]]\ntype = "web"\ncommand = "x"\n';
    expect(launch("0.8", plain).processes[0]).not.toHaveProperty("workingDirectory");
    expect(launch("0.7", text).processes[0]).not.toHaveProperty("workingDirectory");
    expect(launch("0.7", text).warnings).toEqual([
      "Ignoring the working-dir of process type web of a: it needs Buildpack API 0.8",
    ]);
  });

  it("PROC-015 exec-env limits a process", () => {
    const text = '[[processes]]\ntype = "web"\ncommand = ["x"]\nexec-env = ["test"]\n';
    expect(launch("0.12", text).processes[0]!.execEnv).toEqual(["test"]);
  });

  it("PROC-019 SBOM-008 legacy bom entries are still read, and a version beside the name is not", () => {
    const text = '[[bom]]\nname = "x"\n[bom.metadata]\nq = 1\n[[bom]]\nname = "y"\n';
    const { bom } = launch("0.7", text);
    expect(bom).toEqual([
      { name: "x", metadata: { q: 1n } },
      { name: "y", metadata: null },
    ]);
    expect(parseBuildToml(text, "build.toml").bom).toEqual(bom);
    expect(formatLegacyBom([{ id: "a", version: "1", bom }])).toBe(
      '[{"name":"x","metadata":{"q":1},"buildpack":{"id":"a","version":"1"}},{"name":"y","metadata":null,"buildpack":{"id":"a","version":"1"}}]\n',
    );
    expect(faultOf(() => launch("0.7", '[[bom]]\nname = "x"\nversion = "1"\n')).code).toBe("bom.version");
  });

  it("BUILD-014 an empty file asks for nothing", () => {
    expect(launch("0.12", "")).toEqual({ processes: [], labels: [], slices: [], bom: [], warnings: [] });
  });

  it("SLICE-007 slices keep their order", () => {
    const text = '[[slices]]\npaths = ["b", "a"]\n[[slices]]\npaths = ["c"]\n';
    expect(launch("0.12", text).slices).toEqual([{ paths: ["b", "a"] }, { paths: ["c"] }]);
  });
});

describe("processes of several buildpacks", () => {
  it("PROC-011 the last default is the image's", () => {
    const table = merged([process("web", { default: true })], [process("worker", { default: true })]);
    expect(table.defaultType).toBe("worker");
  });

  it("PROC-012 a type defined again is replaced as a whole", () => {
    const first = process("web", { command: ["a"], args: ["1"], workingDirectory: "/a" });
    const second = process("web", { command: ["b"], buildpackId: "b" });
    expect(merged([first], [second]).processes).toEqual([second]);
  });

  it("PROC-013 replacing the default by one that is none leaves none, and says so", () => {
    const table = merged([process("web", { default: true })]);
    const next = mergeProcesses(table, [process("web")]);
    expect(next.table).not.toHaveProperty("defaultType");
    expect(next.warning).toBe(
      "redefining the following default process type with a process not marked as default: web",
    );
    expect(mergeProcesses(table, [process("other")]).warning).toBeUndefined();
    expect(mergeProcesses(table, [process("web", { default: true })]).table.defaultType).toBe("web");
  });

  it("PROC-013 a new default in the same file makes up for the lost one", () => {
    const table = merged([process("web", { default: true })]);
    const next = mergeProcesses(table, [process("web"), process("api", { default: true })]);
    expect(next.table.defaultType).toBe("api");
    expect(next.warning).toBeUndefined();
  });

  it("PROC-017 processes are sorted by type and none is stored as default", () => {
    const { processes } = merged([process("b", { default: true }), process("a"), process("B")], [process("0")]);
    expect(processes.map((one) => [one.type, one.default])).toEqual([
      ["0", false],
      ["B", false],
      ["a", false],
      ["b", false],
    ]);
  });

  it("PROC-016 a process for every environment is written without exec-env, as the reference does", () => {
    const { processes } = launch("0.12", '[[processes]]\ntype = "web"\ncommand = ["x"]\n');
    const launcher = { version: "1", source: { git: { repository: "", commit: "" } } };
    expect(formatMetadata({ buildpacks: [], labels: [], processes, slices: [] })).not.toContain("exec-env");
    expect(encodeBuildMetadata({ buildpacks: [], launcher, processes })).not.toContain("exec-env");
    expect(parseMetadata('[[processes]]\ntype = "web"\nexec-env = ["*"]\n', "x").processes[0]!.execEnv).toEqual(["*"]);
  });

  it("FILE-060 the build label has args null without args, and none of api or default", () => {
    const metadata = {
      buildpacks: [{ id: "a", version: "1", api: "0.12" }],
      launcher: { version: "1", source: { git: { repository: "", commit: "" } } },
      processes: [process("web"), process("x", { args: [] })],
    };
    expect(encodeBuildMetadata(metadata)).toBe(
      '{"buildpacks":[{"id":"a","version":"1"}],"launcher":{"version":"1","source":{"git":{"repository":"","commit":""}}},' +
        '"processes":[{"type":"web","command":["web"],"args":null,"direct":true,"buildpackID":"a"},' +
        '{"type":"x","command":["x"],"args":[],"direct":true,"buildpackID":"a"}]}',
    );
  });

  it("FILE-060 a build label of any Platform API is read, a broken one is not", () => {
    const old = '{"bom":null,"processes":[{"type":"web","command":"bash","args":["-c"],"direct":true}]}';
    expect(parseBuildMetadata(old)!.processes[0]).toMatchObject({ type: "web", command: ["bash"], args: ["-c"] });
    expect([undefined, "", "[]", "{"].map((text) => parseBuildMetadata(text))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
