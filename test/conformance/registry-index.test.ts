import { describe, expect, it } from "vitest";
import { chooseVersion, indexPath, parseIndexFile, parseRegistryId } from "../../src/cnb/registry-index.ts";
import { compareSemver } from "../../src/cnb/semver.ts";
import { faultOf } from "../support/fault.ts";

const digest = `sha256:${"0a".repeat(32)}`;
const line = (version: string, yanked = false, addr = `docker.io/acme/ruby@${digest}`) =>
  JSON.stringify({ ns: "acme", name: "ruby", version, yanked, addr });
const entries = (...lines: string[]) => parseIndexFile(`${lines.join("\n")}\n`, "index");
const ruby = parseRegistryId("acme/ruby");

describe("the index of a buildpack registry", () => {
  it.each([
    "acme",
    "a/b/c",
    "/a",
    "a/",
    "a b/c",
    "a_b/c",
    "a/b_c",
    "../x",
    "a/..",
    "A/b",
    `a/${"x".repeat(254)}`,
    "a/b@",
    "a/b@1@2",
  ])("REG-001 %j is no id", (text) => {
    expect(faultOf(() => parseRegistryId(text)).code).toBe("registry.id");
  });

  it("REG-011 REG-001 a locator has namespace, name and perhaps a version", () => {
    expect(parseRegistryId("urn:cnb:registry:a-b.c/d.1-2@1.2.3-rc.1")).toEqual({
      namespace: "a-b.c",
      name: "d.1-2",
      version: "1.2.3-rc.1",
    });
    expect(parseRegistryId("urn:cnb:registry:acme/ruby")).toEqual({ namespace: "acme", name: "ruby" });
    expect(parseRegistryId(`a/${"x".repeat(253)}`).name).toHaveLength(253);
  });

  it.each([
    ["x", "1/acme_x"],
    ["go", "2/acme_go"],
    ["apt", "3/ap/acme_apt"],
    ["java", "ja/va/acme_java"],
    ["nodejs", "no/de/acme_nodejs"],
  ])("REG-003 REG-004 the versions of %s are in %s", (name, path) => {
    expect(indexPath({ namespace: "acme", name })).toBe(path);
  });

  it("REG-005 REG-006 has one JSON object a line", () => {
    const text = `${line("1.0.0")}\r\n${line("1.1.0", true)}\n\n{"ns":"acme","name":"ruby","version":"2.0.0","addr":"a@${digest}"}`;
    expect(parseIndexFile(text, "index")).toEqual([
      { version: "1.0.0", yanked: false, address: `docker.io/acme/ruby@${digest}` },
      { version: "1.1.0", yanked: true, address: `docker.io/acme/ruby@${digest}` },
      { version: "2.0.0", yanked: false, address: `a@${digest}` },
    ]);
    for (const bad of ["[1]", '{"version":1}', '{"version":"1","yanked":"no"}'])
      expect(faultOf(() => parseIndexFile(`${line("1")}\n${bad}`, "index")).message).toContain("index:2");
    expect(faultOf(() => parseIndexFile("{", "index")).code).toBe("json.parse");
    for (const list of [`${line("1")},\n${line("2")}`, `[${line("1")},${line("2")}]`])
      expect(faultOf(() => parseIndexFile(list, "index")).message).toContain("index:1");
  });

  it.each(["docker.io/acme/ruby:1.0.0", "", "Not A Name"])("REG-007 the address %j is not taken", (address) => {
    expect(faultOf(() => chooseVersion(entries(line("1.0.0", false, address)), ruby)).code).toBe("registry.address");
  });

  it("REG-010 the highest version is chosen, as numbers go", () => {
    expect(chooseVersion(entries(line("1.9.0"), line("1.10.0"), line("1.10.0-rc.1")), ruby).version).toBe("1.10.0");
  });

  it("REG-009 TRAP-031 a yanked version is not chosen, and warned about when it is asked for", () => {
    const list = entries(line("1.9.0"), line("1.10.0", true));
    expect(chooseVersion(list, ruby)).toEqual({ ...list[0] });
    const asked = chooseVersion(list, parseRegistryId("acme/ruby@1.10.0"));
    expect(asked.version).toBe("1.10.0");
    expect(asked.warning).toContain("acme/ruby@1.10.0 was yanked");
    const fault = faultOf(() => chooseVersion(entries(line("1.0.0", true)), ruby));
    expect(fault.code).toBe("registry.version");
    expect(fault.message).toContain("1.0.0 (yanked)");
  });

  it("REG-010 a version that is not there is a fault that names those that are", () => {
    const fault = faultOf(() => chooseVersion(entries(line("1.0.0")), parseRegistryId("acme/ruby@2")));
    expect(fault.message).toContain("the registry has 1.0.0");
  });

  it("REG-010 versions are ordered as Semantic Versioning says", () => {
    const ordered = [
      "nonsense",
      "1.0.0-alpha",
      "1.0.0-alpha.1",
      "1.0.0-alpha.beta",
      "1.0.0-beta.2",
      "1.0.0-beta.11",
      "1.0.0",
      "1.2",
      "1.10.0",
      "2",
    ];
    const shuffled = [...ordered].reverse();
    expect(shuffled.sort(compareSemver)).toEqual(ordered);
    expect(compareSemver("1.0.0+a", "1.0.0+b")).toBe(0);
  });
});
