import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseDefinition } from "../../../src/base/definition.ts";
import { withTools } from "../../../src/base/tools.ts";
import { faultOf } from "../../support/fault.ts";

describe("base.toml", () => {
  it("has a default for everything but its packages", () => {
    expect(parseDefinition("", "base.toml")).toEqual({
      kind: "run",
      tools: [],
      about: {},
      rebasable: true,
      suites: ["release"],
      packages: [],
      without: [],
      pins: new Map(),
      documentation: false,
      env: {},
      files: [],
    });
  });

  it("says all of it", () => {
    const text = `
      release = "bookworm"
      suites = ["release", "bookworm-security"]
      components = ["main", "universe"]
      architecture = "arm64"
      packages = ["libc6", "libstdc++6", "libc6"]
      without = ["dpkg"]
      documentation = true
      [base]
      id = "team.example/base-1"
      description = "one"
      stack = "team.stack"
      rebasable = false
      [pins]
      "libstdc++6" = "12.*"
      libc6 = "2:2.36-9+deb12u1~x"
      [user]
      name = "app"
      uid = 1001
      gid = 0
      [env]
      LANG = "C.UTF-8"
      [[files]]
      path = "/etc/motd"
      content = "hello"
      mode = 0o600
      [[files]]
      path = "/etc/issue"
      link = "motd"
    `;
    expect(parseDefinition(text, "base.toml")).toEqual({
      kind: "run",
      tools: [],
      about: { id: "team.example/base-1", description: "one" },
      stack: "team.stack",
      rebasable: false,
      release: "bookworm",
      suites: ["release", "bookworm-security"],
      components: ["main", "universe"],
      architecture: "arm64",
      packages: ["libc6", "libstdc++6"],
      without: ["dpkg"],
      pins: new Map([
        ["libc6", "2:2.36-9+deb12u1~x"],
        ["libstdc++6", "12.*"],
      ]),
      documentation: true,
      user: { name: "app", uid: 1001, gid: 0, home: "/home/app" },
      env: { LANG: "C.UTF-8" },
      files: [
        { path: "/etc/motd", content: "hello", mode: 0o600 },
        { path: "/etc/issue", link: "motd" },
      ],
    });
  });

  it.each([
    ['package = ["a1"]', "Cannot use package at base.toml: there is no such key"],
    ["[user]\nid = 1", "Cannot use user.id at base.toml: there is no such key"],
    ['packages = ["-oDir=/"]', 'Cannot use packages at base.toml: "-oDir=/" is not the name of a package'],
    ['packages = ["libc6-"]', 'Cannot use packages at base.toml: "libc6-" is not the name of a package'],
    ['packages = ["a1"]\nwithout = ["a1"]', "Cannot use without at base.toml: a1 is wanted by packages too"],
    ["suites = []", "Cannot use suites at base.toml: it is empty"],
    ['suites = ["a\\nb"]', "is not the name of a suite"],
    ['architecture = "amd64\\";"', "is not an architecture"],
    ['[pins]\nlibc6 = "1 2"', 'Cannot use pins.libc6 at base.toml: "1 2" is not a version'],
    ["[user]\nname = 'a:b'", 'Cannot use user.name at base.toml: "a:b" is not a user name'],
    ["[user]\nhome = '/a:b'", "Cannot use user.home at base.toml: it cannot stand in /etc/passwd"],
    ["[env]\nCNB_USER_ID = '1'", "Cannot use env.CNB_USER_ID at base.toml: variables that begin with CNB_"],
    [
      "[[files]]\npath = '/etc/../x'\ncontent = ''",
      'Cannot use files[0].path at base.toml: "/etc/../x" is not a plain',
    ],
    ["[[files]]\npath = '/a'", "Cannot use files[0].path at base.toml: /a needs either content or link"],
    ["[[files]]\npath = '/a'\ncontent = ''\nmode = 8192", "8192 is not a file mode"],
    ["packages = 1", "Cannot read packages at base.toml: expected a list"],
    ["packages = [", "Cannot parse TOML at base.toml:1:"],
  ])("refuses %j", (text, message) => {
    expect(faultOf(() => parseDefinition(text, "base.toml")).message).toContain(message);
  });

  it.each([
    ["IMG-001", "[user]\nuid = 0", "Cannot use user.uid at base.toml: 0 is not an id from 1 to 4294967294"],
    ["IMG-008", '[base]\nid = "a b"', 'Cannot use base.id at base.toml: "a b" has other characters than'],
  ])("%s refuses %j", (_row, text, message) => {
    expect(faultOf(() => parseDefinition(text, "base.toml")).message).toContain(message);
  });
});

describe("what a base is for", () => {
  it("a build image has tools unless it chooses them", () => {
    const read = (text: string) => parseDefinition(text, "base.toml");
    expect(read('kind = "build"')).toMatchObject({ kind: "build", tools: ["core", "fetch", "git"] });
    expect(read('kind = "build"\ntools = []').tools).toEqual([]);
    expect(read('tools = ["git", "core"]')).toMatchObject({ kind: "run", tools: ["core", "git"] });
    expect(faultOf(() => read('kind = "test"')).message).toContain('"test" is none of run, build');
    expect(faultOf(() => read('tools = ["rust"]')).message).toContain("core, fetch, git, c, node, python");
  });

  it("tools are packages; those that only scripts would need stay out unless they are wanted", () => {
    const { packages, without } = withTools({ tools: ["git", "fetch"], packages: ["git", "jq"], without: ["curl"] });
    expect(packages).toEqual(["git", "jq", "ca-certificates"]);
    expect(without).toEqual(["curl", "debconf", "dpkg"]);
    const wanted = withTools({ tools: ["git"], packages: ["dpkg"], without: [] });
    expect(wanted.without).toEqual(["debconf"]);
    const none = { tools: [], packages: ["libc6"], without: [] };
    expect(withTools(none)).toBe(none);
  });

  it("the sample build image has a shell, git and compilers", () => {
    const file = join(import.meta.dirname, "../../../samples/base/build.toml");
    const { kind, packages, about, user } = withTools(parseDefinition(readFileSync(file, "utf8"), file));
    expect(kind).toBe("build");
    expect(packages).toEqual(expect.arrayContaining(["bash", "coreutils", "ca-certificates", "git", "gcc", "python3"]));
    expect([about["id"], user]).toEqual(["plinth.samples.base", undefined]);
  });
});
