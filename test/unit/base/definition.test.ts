import { describe, expect, it } from "vitest";
import { parseDefinition } from "../../../src/base/definition.ts";
import { faultOf } from "../../support/fault.ts";

describe("base.toml", () => {
  it("has a default for everything but its packages", () => {
    expect(parseDefinition("", "base.toml")).toEqual({
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
    ['[base]\nid = "a b"', 'Cannot use base.id at base.toml: "a b" has other characters than'],
    ["suites = []", "Cannot use suites at base.toml: it is empty"],
    ['suites = ["a\\nb"]', "is not the name of a suite"],
    ['architecture = "amd64\\";"', "is not an architecture"],
    ['[pins]\nlibc6 = "1 2"', 'Cannot use pins.libc6 at base.toml: "1 2" is not a version'],
    ["[user]\nuid = 0", "Cannot use user.uid at base.toml: 0 is not an id from 1 to 4294967294"],
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
});
