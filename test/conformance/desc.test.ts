import { describe, expect, it } from "vitest";
import { type Buildpack, escapedId, parseBuildpack } from "../../src/cnb/buildpack.ts";
import { parseExtension } from "../../src/cnb/extension.ts";
import { clashingIds, type LintRule, lintBuildpack } from "../../src/cnb/lint.ts";
import { expandOrder } from "../../src/cnb/order.ts";
import { exitCodeOf } from "../../src/std/fault.ts";
import { buildpack, lookupIn, order } from "../support/buildpack.ts";
import { faultOf } from "../support/fault.ts";

const scripts = { hasBinBuild: true, hasBinDetect: true };
const parse = (text: string): Buildpack => parseBuildpack(text, "bp/buildpack.toml", scripts);
const descriptor = (info: string, rest = "", api = "0.10") =>
  `api = "${api}"\n[buildpack]\nid = "a/b"\nversion = "1.2.3"\n${info}\n${rest}`;
const lint = (text: string, beside = scripts): LintRule[] =>
  lintBuildpack(text, "bp/buildpack.toml", beside).map(({ rule }) => rule);
const named = (id: string, version = "1.0.0", api = "0.10") =>
  `api = "${api}"\n[buildpack]\nid = "${id}"\nversion = "${version}"\n[[targets]]\nos = "linux"`;

describe("buildpack.toml", () => {
  it("DESC-002 an id of other characters than letters, digits, . / - is a problem for its author", () => {
    expect(lint(named("ok.Id/x-1"))).toEqual([]);
    expect(lint(named("bad_id"))).toEqual(["id-characters"]);
    expect(lint(named("a b"))).toEqual(["id-characters"]);
  });

  it.each([
    ["app", "0.7", true],
    ["config", "0.7", true],
    ["sbom", "0.7", false],
    ["sbom", "0.8", true],
    ["generated", "0.8", false],
    ["generated", "0.9", true],
  ])("DESC-003 the id %s in Buildpack API %s is reserved: %s", (id, api, isReserved) => {
    expect(lint(named(id, "1.0.0", api)).includes("id-reserved")).toBe(isReserved);
  });

  it("DESC-004 ids that differ only in case clash", () => {
    expect(clashingIds(["A/x", "b", "a/x", "b"])).toEqual([["A/x", "a/x"]]);
  });

  it("DESC-005 the version of a release is X.Y.Z, but anything runs", () => {
    for (const version of ["01.0.0", "1.0", "1.0.0-rc1", "banana"])
      expect(lint(named("a", version))).toEqual(["version-form"]);
    expect(lint(named("a", "0.10.200"))).toEqual([]);
    expect(parse(named("a", "noop-version")).version).toBe("noop-version");
  });

  it("DESC-006 without api the file is named, with exit 12", () => {
    const fault = faultOf(() => parse('[buildpack]\nid = "a"\nversion = "1"'));
    expect(fault.message).toBe("Cannot read API version at bp/buildpack.toml: it is missing");
    expect(exitCodeOf(fault)).toBe(12);
  });

  it("DESC-007 names and keywords are read, unknown keys are not minded", () => {
    const text = descriptor(
      'name = "N"\nhomepage = "https://h"\ndescription = "D"\nkeywords = ["x", "y"]\nfuture = 1',
      '[publish.Ignore]\nfiles = ["a"]\n[metadata]\nx = 1979-05-27',
    );
    expect(parse(text)).toMatchObject({ name: "N", homepage: "https://h", description: "D", keywords: ["x", "y"] });
  });

  it("DESC-007 keys in another case are found as the reference finds them, the exact one first", () => {
    expect(parse('API = "0.8"\n[Buildpack]\nID = "a"\nVersion = "1"\n').id).toBe("a");
    expect(parse(descriptor('ID = "other"')).id).toBe("a/b");
    expect(parse(descriptor("").replace("id =", 'ID = "other"\nid =')).id).toBe("a/b");
  });

  it("DESC-008 clear-env is false unless said", () => {
    expect(parse(descriptor("")).clearEnv).toBe(false);
    expect(parse(descriptor("clear-env = true")).clearEnv).toBe(true);
    expect(faultOf(() => parse(descriptor('clear-env = "yes"'))).message).toBe(
      'Cannot read buildpack.clear-env at bp/buildpack.toml: expected a boolean, found the string "yes"',
    );
  });

  it("DESC-009 licences have a type, a uri or both", () => {
    const text = descriptor('[[buildpack.licenses]]\ntype = "MIT"\n[[buildpack.licenses]]\nuri = "https://l"');
    expect(parse(text).licenses).toEqual([{ type: "MIT" }, { uri: "https://l" }]);
    expect(lint(text)).not.toContain("license-empty");
    expect(lint(descriptor("[[buildpack.licenses]]"))).toContain("license-empty");
  });

  it("DESC-010 sbom-formats are kept, unknown ones are a problem", () => {
    const text = descriptor('sbom-formats = ["application/spdx+json;version=2.3", "text/plain"]');
    expect(parse(text).sbomFormats).toEqual(["application/spdx+json;version=2.3", "text/plain"]);
    expect(lint(text).filter((rule) => rule === "sbom-format")).toHaveLength(1);
  });

  it("DESC-011 a composite has an order and no scripts, a component has both scripts", () => {
    const composite = descriptor("", '[[order]]\n[[order.group]]\nid = "x"\nversion = "1"');
    const none = { hasBinBuild: false, hasBinDetect: false };
    expect(parse(composite).order).toEqual([[{ id: "x", version: "1", optional: false }]]);
    expect(parse(descriptor(""))).not.toHaveProperty("order");
    expect(lint(composite, none)).toEqual([]);
    expect(lint(composite)).toContain("order-with-scripts");
    expect(lint(descriptor(""), none)).toContain("scripts-missing");
    for (const script of ["hasBinBuild", "hasBinDetect"]) {
      const alone = { ...none, [script]: true };
      expect(lint(composite, alone), script).toContain("order-with-scripts");
      expect(lint(descriptor(""), alone), script).toContain("scripts-missing");
    }
  });

  it("DESC-012 what a composite names has to be there", () => {
    const fault = faultOf(() => [...expandOrder(order("meta"), lookupIn({ meta: order("gone@2") }))]);
    expect(fault.code).toBe("buildpack.missing");
    expect(fault.message).toBe("Cannot find buildpack gone@2: the order of meta@1 names it, but it is not there");
  });

  it("DESC-013 an entry of a composite's order has id and version", () => {
    const fault = faultOf(() => parse(descriptor("", '[[order]]\n[[order.group]]\nid = "x"')));
    expect(fault.message).toBe("Cannot read order[0].group[0].version at bp/buildpack.toml: it is missing");
    const nameless = faultOf(() => parse(descriptor("", '[[order]]\n[[order.group]]\nversion = "1"')));
    expect(nameless.message).toBe("Cannot read order[0].group[0].id at bp/buildpack.toml: it is missing");
  });

  it("DESC-014 a composite's order cannot name an extension, even one that is there", () => {
    const extensions = { order: order("ext"), lookup: lookupIn({}, [buildpack("ext")]) };
    const lookup = lookupIn({ meta: order("ext") });
    const fault = faultOf(() => [...expandOrder(order("meta"), lookup, { extensions })]);
    expect(fault.code).toBe("buildpack.missing");
    expect(fault.message).toContain("Cannot find buildpack ext@1");
  });

  it("DESC-015 order and stacks together are a problem", () => {
    const text = descriptor("", '[[stacks]]\nid = "*"\n[[order]]\n[[order.group]]\nid = "x"\nversion = "1"');
    expect(lint(text, { hasBinBuild: false, hasBinDetect: false })).toEqual(["order-with-stacks"]);
  });

  it("DESC-016 TRAP-007 exec-env is read as tables and as a list, from Buildpack API 0.12 on", () => {
    const tables = '[[buildpack.exec-env]]\nname = "test"\n[[buildpack.exec-env]]\nname = "development"';
    expect(parse(descriptor(tables, "", "0.12")).execEnv).toEqual(["test", "development"]);
    expect(parse(descriptor('exec-env = ["test"]', "", "0.12")).execEnv).toEqual(["test"]);
    expect(parse(descriptor('exec-env = ["test"]', "", "0.11")).execEnv).toEqual([]);
    expect(lint(descriptor('exec-env = ["test"]', '[[targets]]\nos="linux"', "0.11"))).toEqual(["exec-env-unheeded"]);
  });

  it("DESC-019 a template is refused with the bad version in the message", () => {
    const fault = faultOf(() => parse(descriptor("").replace("1.2.3", "{{.version}}")));
    expect(fault.message).toBe(
      'Cannot read buildpack.version at bp/buildpack.toml: "{{.version}}" cannot name a buildpack',
    );
    expect(fault.hint).toContain("template");
  });

  it.each(["..", ".", "", "a\\\\b", "a\\u0000b"])("an id that cannot name a directory is refused: %j", (id) => {
    expect(faultOf(() => parse(named(id))).message).toContain("buildpack.id");
  });

  it.each(["..", "1/../../x", ""])("a version that cannot name a directory is refused: %j", (version) => {
    expect(faultOf(() => parse(named("a", version))).message).toContain("buildpack.version");
  });

  it("a file without [buildpack] is no buildpack", () => {
    expect(faultOf(() => parse('api = "0.10"')).code).toBe("buildpack.missing");
  });

  it("ORDER-017 an id in a path has _ for /", () => {
    expect(escapedId("samples/hello/world")).toBe("samples_hello_world");
  });
});

describe("extension.toml", () => {
  const extension = (rest = "") => `api = "0.10"\n[extension]\nid = "e"\nversion = "1"\nclear-env = true\n${rest}`;

  it("ORDER-006 an extension has no order", () => {
    const text = extension('[[order]]\n[[order.group]]\nid = "x"\nversion = "1"');
    expect(faultOf(() => parseExtension(text, "e/extension.toml", { hasScripts: true })).code).toBe("extension.order");
  });

  it("it is read as a buildpack is", () => {
    const read = (rest: string, hasScripts: boolean) =>
      parseExtension(extension(rest), "e/extension.toml", { hasScripts });
    expect(read("", true)).toMatchObject({
      id: "e",
      version: "1",
      clearEnv: true,
      targets: [{ os: "linux", distros: [] }],
    });
    expect(read("", false).targets).toEqual([{ distros: [] }]);
    expect(read('[[targets]]\nos = "linux"\narch = "arm64"', true).targets).toEqual([
      { os: "linux", arch: "arm64", distros: [] },
    ]);
  });
});
