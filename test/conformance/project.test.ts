import { describe, expect, it } from "vitest";
import { parseProject } from "../../src/cnb/project-descriptor.ts";
import { faultOf } from "../support/fault.ts";

const parse = (text: string) => parseProject(text, "project.toml");
const modern = (text: string) => parse(`[_]\nschema-version = "0.2"\n${text}`);
const group = (text: string) => modern(`[[io.buildpacks.group]]\n${text}`).group;

describe("the project descriptor", () => {
  it("PROJ-002 the schema's version is said; one that says none is of the first, one we do not know is refused", () => {
    expect(modern("").schema).toBe("0.2");
    expect(modern("").warnings).toEqual([]);
    expect(parse('[_]\nschema-version = "0.3"').schema).toBe("0.3");
    const silent = parse('[project]\nid = "a"');
    expect(silent.schema).toBe("0.1");
    expect(silent.warnings).toEqual(["No schema version declared in project.toml, defaulting to schema version 0.1"]);
    for (const version of ["0.9", "zero", "0.2.0", "1"]) {
      const fault = faultOf(() => parse(`[_]\nschema-version = "${version}"`));
      expect([fault.code, fault.exit]).toEqual(["project.schema", "usage"]);
      expect(fault.message).toContain(version);
    }
  });

  const about = `id = "io.example/app"
name = "App"
version = "1.2.3"
authors = ["Ada <ada@example.com>", "Grace"]
documentation-url = "https://docs.example"
source-url = "https://src.example"
[[NAME.licenses]]
type = "MIT OR Apache-2.0"
[[NAME.licenses]]
uri = "https://licence.example"
`;
  const told = {
    id: "io.example/app",
    name: "App",
    version: "1.2.3",
    authors: ["Ada <ada@example.com>", "Grace"],
    documentationUrl: "https://docs.example",
    sourceUrl: "https://src.example",
    licenses: [{ type: "MIT OR Apache-2.0" }, { uri: "https://licence.example" }],
    metadata: { colour: "blue" },
  };

  it("PROJ-003 what a project says of itself", () => {
    const { about: found, warnings } = parse(
      `[_]\nschema-version = "0.2"\n${about.replaceAll("NAME", "_")}[_.metadata]\ncolour = "blue"\n`,
    );
    expect(found).toEqual(told);
    expect(warnings).toEqual([]);
  });

  it("PROJ-004 the same under [project] in the first schema", () => {
    const found = parse(`[project]\n${about.replaceAll("NAME", "project")}[metadata]\ncolour = "blue"\n`);
    expect(found.about).toEqual(told);
    expect(found.warnings).toHaveLength(1);
  });

  it("PROJ-005 tables of others are none of our business", () => {
    const found = modern(
      '[com.heroku.buildpacks]\nfuture = true\n[io.other]\na = 1\n[org.example]\nschema-version = "7"\n[build]\nb = 1\n',
    );
    expect(found.warnings).toEqual([]);
  });

  it("PROJ-006 a licence has a type, a place, or both, never neither", () => {
    const each = ['type = "MIT"', 'uri = "LICENSE"', 'type = "MIT"\nuri = "LICENSE"'];
    const { licenses } = modern(each.map((text) => `[[_.licenses]]\n${text}\n`).join("")).about;
    expect(licenses).toEqual([{ type: "MIT" }, { uri: "LICENSE" }, { type: "MIT", uri: "LICENSE" }]);
    expect(faultOf(() => modern("[[_.licenses]]\n")).code).toBe("project.license");
    expect(faultOf(() => parse('[[project.licenses]]\nname = "MIT"')).code).toBe("project.license");
  });

  it("PROJ-008 files are included or excluded, not both", () => {
    expect(modern('[io.buildpacks]\ninclude = ["a"]').files).toEqual({ kind: "include", patterns: ["a"] });
    expect(modern('[io.buildpacks]\nexclude = ["a"]').files).toEqual({ kind: "exclude", patterns: ["a"] });
    expect(modern("[io.buildpacks]\nexclude = []").files).toBeUndefined();
    expect(faultOf(() => modern('[io.buildpacks]\ninclude = ["a"]\nexclude = ["b"]')).code).toBe("project.files");
    expect(faultOf(() => parse("[build]\ninclude = []\nexclude = []")).code).toBe("project.files");
  });

  it("PROJ-013 a buildpack has one of version, uri and script", () => {
    const script = '[io.buildpacks.group.script]\napi = "0.10"\ninline = "true"';
    expect(group('uri = "docker://a"')).toEqual([{ kind: "located", locator: "docker://a", execEnv: [] }]);
    expect(group('id = "a/b"\nversion = "1"')).toEqual([{ kind: "located", locator: "a/b@1", execEnv: [] }]);
    for (const mixed of [
      'uri = "x"\nversion = "1"',
      `id = "a"\nversion = "1"\n${script}`,
      `id = "a"\nuri = "x"\n${script}`,
    ])
      expect(faultOf(() => group(mixed)).code).toBe("project.buildpack");
    expect(faultOf(() => group("")).code).toBe("project.buildpack");
    expect(faultOf(() => group(script)).code).toBe("project.buildpack");
  });

  it("TRAP-023 an id alone is any version", () => {
    expect(group('id = "a/b"')).toEqual([{ kind: "located", locator: "a/b", execEnv: [] }]);
  });

  it("PROJ-014 in the first schema an id excludes a uri, and a uri a version", () => {
    const old = (text: string) => parse(`[[build.buildpacks]]\n${text}`).group;
    expect(old('id = "a"\nversion = "1"')).toEqual([{ kind: "located", locator: "a@1", execEnv: [] }]);
    expect(old('uri = "b"')).toEqual([{ kind: "located", locator: "b", execEnv: [] }]);
    expect(faultOf(() => old('id = "a"\nuri = "b"')).code).toBe("project.buildpack");
    expect(faultOf(() => old('uri = "b"\nversion = "1"')).code).toBe("project.buildpack");
    // Later ones may say which id they expect at a uri.
    expect(group('id = "a"\nuri = "b"')).toEqual([{ kind: "located", locator: "b", execEnv: [] }]);
  });

  it("PROJ-017 a script has an api and a text, and a shell when it is not /bin/sh", () => {
    const inline = (lines: string) => group(`id = "a"\n[io.buildpacks.group.script]\n${lines}`)[0];
    expect(inline('api = "0.10"\ninline = "true"')).toEqual({
      kind: "inline",
      id: "a",
      script: { api: "0.10", shell: "/bin/sh", inline: "true" },
      execEnv: [],
    });
    expect(inline('api = "0.10"\ninline = "true"\nshell = "/bin/bash"')).toMatchObject({
      script: { shell: "/bin/bash" },
    });
    expect(faultOf(() => inline('inline = "true"')).message).toContain("script.api");
    expect(faultOf(() => inline('api = "0.10"')).message).toContain("script.inline");
    expect(faultOf(() => inline('api = "ten"\ninline = "true"')).code).toBe("api.parse");
    expect(faultOf(() => inline('api = "0.10"\ninline = "true"\nshell = "a\\nb"')).code).toBe("project.shell");
  });

  it("PROJ-020 variables have a name and a value, in the first schema directly under the build", () => {
    const variables = [{ name: "A", value: "1", execEnv: [] }];
    expect(parse('[[build.env]]\nname = "A"\nvalue = "1"').env).toEqual(variables);
    expect(modern('[[io.buildpacks.build.env]]\nname = "A"\nvalue = "1"').env).toEqual(variables);
    expect(faultOf(() => parse('[[build.env]]\nvalue = "1"')).message).toContain("build.env[0].name");
  });

  it("PROJ-021 the variables of 0.2 may stand under the name they had at first", () => {
    const found = modern('[[io.buildpacks.env.build]]\nname = "A"\nvalue = "1"');
    expect(found.env).toEqual([{ name: "A", value: "1", execEnv: [] }]);
    expect(found.warnings).toEqual([]);
    const both = modern(
      '[[io.buildpacks.env.build]]\nname = "A"\nvalue = "old"\n[[io.buildpacks.build.env]]\nname = "B"\nvalue = "new"',
    );
    expect(both.env.map(({ name }) => name)).toEqual(["B"]);
    expect(faultOf(() => modern('[[io.buildpacks.build.env]]\nname = "A=B"')).code).toBe("project.env");
  });

  it("PROJ-022 the draft 0.3 limits buildpacks and variables to execution environments", () => {
    const text = (version: string) => `[_]
schema-version = "${version}"
[[io.buildpacks.group]]
id = "a"
exec-env = ["test"]
[[io.buildpacks.build.env]]
name = "A"
exec-env = ["test", "production"]
`;
    const draft = parse(text("0.3"));
    expect(draft.group[0]!.execEnv).toEqual(["test"]);
    expect(draft.env[0]!.execEnv).toEqual(["test", "production"]);
    expect(draft.warnings).toEqual([]);
    const earlier = parse(text("0.2"));
    expect([earlier.group[0]!.execEnv, earlier.env[0]!.execEnv]).toEqual([[], []]);
    expect(earlier.warnings).toHaveLength(4);
  });

  it("PROJ-023 unknown keys of known tables are named and ignored", () => {
    const found = modern(
      'nmae = "x"\n[_.metadata]\nfree = 1\n[io.buildpacks]\nincludes = ["a"]\n[[io.buildpacks.group]]\nid = "a"\ntype = "b"\n',
    );
    expect(found.warnings).toEqual([
      "The following keys declared in project.toml are not supported in schema version 0.2:",
      "- _.nmae",
      "- io.buildpacks.includes",
      "- io.buildpacks.group[0].type",
      "The above keys will be ignored. If this is not intentional, try updating your schema version.",
    ]);
    const old = parse('[project]\nnmae = "x"\n[build]\nfiles = []\n[io.buildpacks]\nbuilder = "b"\n[other]\na = 1\n');
    expect(old.warnings.slice(2, -1)).toEqual(["- project.nmae", "- build.files", "- io.buildpacks.builder"]);
    expect(old.builder).toBeUndefined();
  });
});
