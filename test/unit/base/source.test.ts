import { describe, expect, it } from "vitest";
import { parseListFile, parseSourcesFile } from "../../../src/base/source.ts";
import { type Archive, formatArchives, parseMirror, planArchives, type Wish } from "../../../src/base/suite.ts";
import { faultOf } from "../../support/fault.ts";

const sources = `
# The release
Types: deb deb-src
URIs: http://archive.example/debian
Suites: one one-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDME
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://archive.example/security http://mirror.example/security
Suites: one-security
Components: main
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
Enabled: no
URIs: http://off.example
Suites: one
Components: main

Types: deb-src
URIs: http://source.example
Suites: one
Components: main
`;

const list = `
deb http://archive.example/debian one main # comment
# deb http://off.example one main
deb [ arch=arm64,riscv64 signed-by=/usr/share/keyrings/a.gpg ] http://ports.example/debian one main contrib
deb-src http://archive.example/debian one main
deb [trusted=yes] file:/srv/flat ./
`;

describe("apt's sources", () => {
  it("deb822: binary packages only, disabled ones not, options as they are", () => {
    const [first, second, ...rest] = parseSourcesFile(sources, "x.sources");
    expect(rest).toEqual([]);
    expect(first).toMatchObject({ uris: ["http://archive.example/debian"], suites: ["one", "one-updates"] });
    expect(first?.components).toEqual(["main", "contrib"]);
    expect(first?.options.get("Signed-By")).toBe(
      "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDME\n -----END PGP PUBLIC KEY BLOCK-----",
    );
    expect(second?.uris).toHaveLength(2);
  });

  it("one line each", () => {
    const found = parseListFile(list, "sources.list");
    expect(found.map(({ uris, suites }) => [...uris, ...suites])).toEqual([
      ["http://archive.example/debian", "one"],
      ["http://ports.example/debian", "one"],
      ["file:/srv/flat", "./"],
    ]);
    expect(found[1]?.architectures).toEqual(["arm64", "riscv64"]);
    expect(Object.fromEntries(found[1]!.options)).toEqual({ "signed-by": "/usr/share/keyrings/a.gpg" });
    expect(found[2]?.components).toEqual([]);
  });

  it("say where they cannot be read", () => {
    expect(faultOf(() => parseListFile("\ndeb http://x.example\n", "a.list")).message).toContain("a.list at line 2");
    expect(faultOf(() => parseSourcesFile("Types: deb\nnonsense\n", "a.sources")).message).toContain("at line 2");
    expect(faultOf(() => parseSourcesFile("Types: deb\nSuites: one\n", "a.sources")).message).toContain("no URIs");
  });
});

const wish: Wish = {
  suites: ["release"],
  release: "one",
  components: undefined,
  architecture: "amd64",
  mirrors: [],
  keyring: undefined,
};
const machine = parseSourcesFile(sources, "x.sources");
const short = (archives: readonly Archive[]) => archives.map(({ suite, uri }) => `${suite} ${uri}`);

describe("the archives of a base", () => {
  it("are those of the machine that have its suites", () => {
    expect(short(planArchives({ ...wish, suites: ["release", "security"] }, machine))).toEqual([
      "one http://archive.example/debian",
      "one-security http://archive.example/security",
      "one-security http://mirror.example/security",
    ]);
    expect(short(planArchives({ ...wish, suites: ["one-updates"] }, machine))).toEqual([
      "one-updates http://archive.example/debian",
    ]);
  });

  it("may be called by the release's role", () => {
    const stable = parseListFile("deb http://archive.example/debian stable main\n", "sources.list");
    expect(short(planArchives(wish, stable))).toEqual(["stable http://archive.example/debian"]);
  });

  it("are for the architecture", () => {
    const ports = parseListFile(list, "sources.list");
    expect(short(planArchives({ ...wish, architecture: "arm64" }, ports))).toEqual([
      "one http://archive.example/debian",
      "one http://ports.example/debian",
    ]);
    expect(short(planArchives(wish, ports))).toEqual(["one http://archive.example/debian"]);
  });

  it("are the mirrors instead, held to the keys of the machine or to those given", () => {
    const mirrors = [parseMirror("https://m.example/debian"), parseMirror("security=https://m.example/sec")];
    const wanted = { ...wish, suites: ["release", "security"], mirrors };
    const archives = planArchives(wanted, machine);
    expect(short(archives)).toEqual(["one https://m.example/debian", "one-security https://m.example/sec"]);
    expect(archives[1]?.options.get("Signed-By")).toBe("/usr/share/keyrings/archive.gpg");
    expect(archives[0]?.components).toEqual(["main", "contrib"]);
    const [own] = planArchives({ ...wanted, keyring: "/k.gpg", components: ["main"] }, machine);
    expect([...own!.options]).toEqual([["Signed-By", "/k.gpg"]]);
    expect(own?.components).toEqual(["main"]);
  });

  it("are refused when a suite is nowhere, or nobody says which it is", () => {
    expect(faultOf(() => planArchives({ ...wish, suites: ["two"] }, machine)).message).toBe(
      `Cannot find suite "two" in apt's sources: they have one, one-updates, one-security`,
    );
    expect(faultOf(() => planArchives(wish, [])).message).toContain("they have nothing for amd64");
    const mirrors = [parseMirror("http://m.example")];
    expect(faultOf(() => planArchives({ ...wish, release: undefined, mirrors }, [])).code).toBe("base.suite");
  });

  it("are written for apt with package lists as the only target", () => {
    const [archive] = planArchives({ ...wish, suites: ["security"] }, machine);
    expect(formatArchives([archive!], "amd64")).toBe(
      [
        "Types: deb",
        "URIs: http://archive.example/security",
        "Suites: one-security",
        "Components: main",
        "Architectures: amd64",
        "Targets: Packages",
        "Signed-By: /usr/share/keyrings/archive.gpg",
        "",
        "",
      ].join("\n"),
    );
  });

  it("a mirror is a URL apt can fetch from; a refused one does not tell its password", () => {
    expect(parseMirror("file:/srv/debian")).toEqual({ url: "file:/srv/debian" });
    expect(parseMirror("one/updates=http://a.example/x=y")).toEqual({
      suite: "one/updates",
      url: "http://a.example/x=y",
    });
    const fault = faultOf(() => parseMirror("ftp://me:secret@a.example"));
    expect(fault.exit).toBe("usage");
    expect(fault.message).not.toContain("secret");
  });
});
