import { describe, expect, it } from "vitest";
import { isPinned, parseProviders, parseUris, parseVersions } from "../../../src/base/resolve.ts";
import { faultOf } from "../../support/fault.ts";

describe("what apt says", () => {
  it("of versions, newest first and each once", () => {
    const text = [
      "   libssl3 | 3.0.22-1 | http://a.example one-security/main amd64 Packages",
      "   libssl3 | 3.0.22-1 | http://b.example one-security/main amd64 Packages",
      "   libssl3 | 3.0.20-1 | http://a.example one/main amd64 Packages",
      "     zlib1g | 1:1.2 | http://a.example one/main amd64 Packages",
      "",
    ].join("\n");
    expect([...parseVersions(text)]).toEqual([
      ["libssl3", ["3.0.22-1", "3.0.20-1"]],
      ["zlib1g", ["1:1.2"]],
    ]);
  });

  it("of providers", () => {
    const text =
      "Package: awk\nVersions: \n\nReverse Depends: \n  x,awk\nReverse Provides: \nmawk 1.3 (= )\ngawk 1:5 (= )\nmawk 1.2 (= )\n" +
      "Package: none\nVersions: \n\nReverse Provides: \n";
    expect([...parseProviders(text)]).toEqual([
      ["awk", ["gawk", "mawk"]],
      ["none", []],
    ]);
  });

  it("of packages to fetch", () => {
    const sha256 = "a".repeat(64);
    const line = `'http://a.example/p/libattr1_2.5.1-4_amd64.deb' libattr1_1%3a2.5.1-4_amd64.deb 22164 SHA256:${sha256}`;
    expect(parseUris(`${line}\n`)).toEqual([
      {
        name: "libattr1",
        version: "1:2.5.1-4",
        architecture: "amd64",
        uri: "http://a.example/p/libattr1_2.5.1-4_amd64.deb",
        file: "libattr1_1%3a2.5.1-4_amd64.deb",
        size: 22164,
        sha256,
      },
    ]);
    expect(faultOf(() => parseUris(line.replace(/SHA256.*/, "MD5Sum:00"))).code).toBe("base.apt");
  });

  it.each([
    ["3.0.20-1", "3.0.20-1", true],
    ["3.0.20-1", "3.0.*", true],
    ["3.0.20-1", "3.0.2?-1", true],
    ["3x0.20-1", "3.0.*", false],
    ["3.0.20-1+b1", "3.0.20-1", false],
    ["1:1.0+b1", "1:1.0+b1", true],
  ])("%s fits the pin %s: %s", (version, pin, fits) => {
    expect(isPinned(version, pin)).toBe(fits);
  });
});
