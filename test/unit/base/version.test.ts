import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { diffPackages, parseStatus } from "../../../src/base/diff.ts";
import { compareVersions } from "../../../src/base/version.ts";
import { peer } from "../../support/peer.ts";

/** Each older than the next. */
const ladder = [
  "0~~",
  "0~",
  "0",
  "0.9",
  "1.0~rc1",
  "1.0~rc1-1",
  "1.0",
  "1.0-0+b1",
  "1.0-1~bpo1",
  "1.0-1",
  "1.0-1+deb12u1",
  "1.0-1.1",
  "1.0-9",
  "1.0-10",
  "1.0a",
  "1.0+dfsg",
  "1.0.1",
  "1.09.2",
  "1.10",
  "3.0.20-1~deb12u2",
  "3.0.22-1~deb12u2",
  "20230311",
  "123456789012345678901234567890",
  "1:0",
  "2:0~1",
];

describe("versions of packages", () => {
  it("stand in dpkg's order", () => {
    for (const [at, a] of ladder.entries())
      for (const [other, b] of ladder.entries())
        expect(Math.sign(compareVersions(a, b)), `${a} ${b}`).toBe(Math.sign(at - other));
  });

  it("dpkg agrees", (test) => {
    const dpkg = peer("dpkg", test);
    for (const [at, a] of ladder.slice(0, -1).entries())
      expect(() => execFileSync(dpkg, ["--compare-versions", a, "lt", ladder[at + 1]!]), a).not.toThrow();
  });

  it("are equal in spite of zeros and a missing revision", () => {
    for (const [a, b] of [
      ["1.0", "1.00"],
      ["0:1", "1"],
      ["1", "1-0"],
    ] as const)
      expect(compareVersions(a, b)).toBe(0);
  });
});

describe("the packages of two bases", () => {
  it("are told apart by name and version", () => {
    const before = { a: "1", b: "1", c: "2", d: "1:1" };
    const after = { b: "1", c: "10", d: "2", e: "1" };
    expect(diffPackages(before, after)).toEqual({
      added: [{ name: "e", version: "1" }],
      removed: [{ name: "a", version: "1" }],
      upgraded: [{ name: "c", from: "2", to: "10" }],
      downgraded: [{ name: "d", from: "1:1", to: "2" }],
    });
    expect(diffPackages(before, before)).toEqual({ added: [], removed: [], upgraded: [], downgraded: [] });
  });

  it("are read from dpkg's status, installed ones only", () => {
    const text = [
      "Package: a\nStatus: install ok installed\nVersion: 1.0\nDescription: x\n more\n .\n",
      "Package: gone\nStatus: deinstall ok config-files\nVersion: 1.0\n",
      "Package: single\nVersion: 2.0\n",
    ].join("\n");
    expect(parseStatus(text, "status")).toEqual({ a: "1.0", single: "2.0" });
  });
});
