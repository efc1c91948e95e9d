import { describe, expect, it } from "vitest";
import { parseBuildpack } from "../../src/cnb/buildpack.ts";
import { judgeGroup, mismatchOf } from "../../src/cnb/detection.ts";
import { type LintRule, lintBuildpack } from "../../src/cnb/lint.ts";
import {
  describePatterns,
  describeTarget,
  isTargetMatch,
  isTargetMet,
  parseOsRelease,
  type Target,
  type TargetPattern,
} from "../../src/cnb/target.ts";
import { attempt, buildpack } from "../support/buildpack.ts";

const ubuntu: Target = { os: "linux", arch: "amd64", distro: { name: "ubuntu", version: "22.04" } };
const targetsOf = (rest: string, api = "0.10", hasBinBuild = true) =>
  parseBuildpack(`api = "${api}"\n[buildpack]\nid = "a"\nversion = "1"\n${rest}`, "buildpack.toml", { hasBinBuild })
    .targets;
const stacks = (...ids: string[]) => ids.map((id) => `[[stacks]]\nid = "${id}"\n`).join("");
const bionic = "io.buildpacks.stacks.bionic";

describe("targets", () => {
  it("TARGET-001 os, arch, variant and distros are read", () => {
    const text =
      '[[targets]]\nos = "linux"\narch = "arm"\nvariant = "v7"\n[[targets.distros]]\nname = "debian"\nversion = "12"\n[[targets.distros]]\nname = "alpine"';
    expect(targetsOf(text)).toEqual([
      { os: "linux", arch: "arm", variant: "v7", distros: [{ name: "debian", version: "12" }, { name: "alpine" }] },
    ]);
  });

  it("TARGET-001 distros may be inline tables over several lines", () => {
    const text =
      '[[targets]]\nos = "linux"\ndistros = [\n  { name = "ubuntu", version = "22.04" },\n  { name = "debian" },\n]';
    expect(targetsOf(text)[0]?.distros).toEqual([{ name: "ubuntu", version: "22.04" }, { name: "debian" }]);
  });

  const fits: [string, TargetPattern, Target, boolean][] = [
    ["nothing asked", { distros: [] }, ubuntu, true],
    ["os alone", { os: "linux", distros: [] }, ubuntu, true],
    ["os alone, other arch", { os: "linux", distros: [] }, { os: "linux", arch: "arm64" }, true],
    ["other os", { os: "windows", distros: [] }, ubuntu, false],
    ["other arch", { os: "linux", arch: "arm64", distros: [] }, ubuntu, false],
    ["variant equal", { arch: "arm", variant: "v7", distros: [] }, { os: "linux", arch: "arm", variant: "v7" }, true],
    [
      "variant different",
      { arch: "arm", variant: "v6", distros: [] },
      { os: "linux", arch: "arm", variant: "v7" },
      false,
    ],
    ["variant unknown of the image", { arch: "arm", variant: "v6", distros: [] }, { os: "linux", arch: "arm" }, true],
    ["the distro", { distros: [{ name: "ubuntu", version: "22.04" }] }, ubuntu, true],
    ["any version of the distro", { distros: [{ name: "ubuntu" }] }, ubuntu, true],
    ["other version", { distros: [{ name: "ubuntu", version: "24.04" }] }, ubuntu, false],
    ["second distro", { distros: [{ name: "debian" }, { name: "ubuntu" }] }, ubuntu, true],
    ["version alone", { distros: [{ version: "22.04" }] }, ubuntu, true],
    ["distro asked, image has none", { distros: [{ name: "ubuntu" }] }, { os: "linux", arch: "amd64" }, false],
    [
      "image knows no version",
      { distros: [{ name: "ubuntu", version: "22.04" }] },
      { ...ubuntu, distro: { name: "ubuntu", version: "" } },
      true,
    ],
    ["image knows no os", { os: "linux", distros: [] }, { os: "", arch: "" }, true],
  ];
  it.each(fits)("TARGET-002 TARGET-003 TARGET-007 %s", (_, pattern, target, expected) => {
    expect(isTargetMatch(pattern, target)).toBe(expected);
  });

  it("TARGET-004 one matching target is enough", () => {
    expect(
      isTargetMet(
        [
          { arch: "arm64", distros: [] },
          { arch: "amd64", distros: [] },
        ],
        ubuntu,
      ),
    ).toBe(true);
    expect(
      isTargetMet(
        [
          { arch: "arm64", distros: [] },
          { arch: "s390x", distros: [] },
        ],
        ubuntu,
      ),
    ).toBe(false);
  });

  it("TARGET-005 without targets bin/build means linux, and a Windows script means windows", () => {
    expect(targetsOf("")).toEqual([{ os: "linux", distros: [] }]);
    const windows = parseBuildpack('api="0.10"\n[buildpack]\nid="a"\nversion="1"', "b", {
      hasBinBuild: false,
      hasWindowsBuild: true,
    });
    expect(isTargetMet(windows.targets, ubuntu)).toBe(false);
  });

  it("TARGET-006 a required buildpack that does not fit is an error and is not run", () => {
    const arm = {
      buildpack: buildpack("arm", { targets: [{ os: "linux", arch: "arm64", distros: [] }] }),
      optional: false,
    };
    const outcome = mismatchOf(arm, ubuntu);
    expect(outcome).toEqual({
      kind: "error",
      because:
        'unable to satisfy target os/arch constraints; run image: {"os":"linux","arch":"amd64","distro":{"name":"ubuntu","version":"22.04"}}, buildpack: [{"os":"linux","arch":"arm64"}]',
    });
    expect(judgeGroup([attempt("a"), { element: arm, outcome: outcome! }]).verdict).toBe("error");
  });

  it("TARGET-008 TRAP-010 an optional buildpack that does not fit still runs, as in the reference", () => {
    const arm = { buildpack: buildpack("arm", { targets: [{ arch: "arm64", distros: [] }] }), optional: true };
    expect(mismatchOf(arm, ubuntu)).toBeUndefined();
  });

  it("TARGET-009 values that are not OCI's are a problem", () => {
    const text = 'api="0.10"\n[buildpack]\nid="a"\nversion="1.0.0"\n[[targets]]\nos="Linux"\narch="x86_64"';
    const rules = lintBuildpack(text, "b", { hasBinBuild: true, hasBinDetect: true }).map(({ rule }): LintRule => rule);
    expect(rules).toEqual(["target-os", "target-arch"]);
  });

  it.each([
    ['ID=ubuntu\nVERSION_ID="22.04"\n', { name: "ubuntu", version: "22.04" }],
    ["NAME=x\nID='alpine'\r\nVERSION_ID=3.19\r\n", { name: "alpine", version: "3.19" }],
    ["ID=debian\nID_LIKE=x\n", { name: "debian", version: "" }],
    ["# ID=no\nPRETTY_NAME=x\n", undefined],
    ["", undefined],
  ])("TARGET-010 TARGET-014 os-release %j", (text, expected) => {
    expect(parseOsRelease(text)).toEqual(expected);
  });

  it("TARGET-011 a Windows target has a distro version without a name", () => {
    const [pattern] = targetsOf('[[targets]]\nos="windows"\n[[targets.distros]]\nversion="10.0.20348.1970"');
    const windows = (version: string): Target => ({ os: "windows", arch: "amd64", distro: { name: "", version } });
    expect(isTargetMatch(pattern!, windows("10.0.20348.1970"))).toBe(true);
    expect(isTargetMatch(pattern!, windows("10.0.17763.1"))).toBe(false);
  });

  it("TARGET-015 TRAP-009 the bionic stack is linux/amd64 with ubuntu 18.04", () => {
    expect(targetsOf(stacks("other", bionic))).toEqual([
      { os: "linux", arch: "amd64", distros: [{ name: "ubuntu", version: "18.04" }] },
    ]);
    expect(isTargetMet(targetsOf(stacks(bionic)), ubuntu)).toBe(false);
  });

  it("TARGET-016 the stack * is any target", () => {
    expect(targetsOf(stacks("*"))).toEqual([{ distros: [] }]);
    expect(isTargetMet(targetsOf(stacks("*")), { os: "windows", arch: "arm64" })).toBe(true);
  });

  it("TARGET-017 targets win over stacks", () => {
    expect(isTargetMet(targetsOf(`${stacks("*")}[[targets]]\narch = "arm64"`), ubuntu)).toBe(false);
  });

  it("TARGET-018 below 0.10 bionic counts only as the sole stack", () => {
    expect(targetsOf(stacks(bionic), "0.9")).toHaveLength(1);
    expect(targetsOf(stacks(bionic), "0.9")[0]?.arch).toBe("amd64");
    expect(targetsOf(stacks("other", bionic), "0.9")).toEqual([{ os: "linux", distros: [] }]);
  });

  it("TARGET-022 TRAP-019 a foreign stack is not checked", () => {
    expect(isTargetMet(targetsOf(stacks("other.stack"), "0.9"), ubuntu)).toBe(true);
  });

  it("TARGET-020 TARGET-024 mixins of * and strange stack ids are problems", () => {
    const rulesOf = (rest: string) =>
      lintBuildpack(`api="0.8"\n[buildpack]\nid="a"\nversion="1.0.0"\n${rest}`, "b", {
        hasBinBuild: true,
        hasBinDetect: true,
      }).map(({ rule }) => rule);
    expect(rulesOf('[[stacks]]\nid="*"\nmixins=["x"]')).toEqual(["stack-mixins"]);
    expect(rulesOf('[[stacks]]\nid="a_b"')).toEqual(["stack-id"]);
    expect(rulesOf('[[stacks]]\nid="a.b"\nmixins=["x"]')).toEqual([]);
  });

  it("TARGET-023 TRAP-008 variant and arch-variant are one key", () => {
    expect(targetsOf('[[targets]]\narch="arm"\nvariant="v7"')[0]?.variant).toBe("v7");
    expect(targetsOf('[[targets]]\narch="arm"\narch-variant="v6"')[0]?.variant).toBe("v6");
  });

  it("targets are printed as the reference prints them", () => {
    expect(describeTarget({ ...ubuntu, variant: "v2", id: "my.base" })).toBe(
      '{"id":"my.base","os":"linux","arch":"amd64","arch-variant":"v2","distro":{"name":"ubuntu","version":"22.04"}}',
    );
    expect(describeTarget({ os: "linux", arch: "arm64" })).toBe('{"os":"linux","arch":"arm64"}');
    expect(describePatterns([{ os: "linux", arch: "arm", variant: "v7", distros: [{ version: "1" }] }])).toBe(
      '[{"os":"linux","arch":"arm","arch-variant":"v7","distros":[{"name":"","version":"1"}]}]',
    );
    expect(describePatterns([{ distros: [{ name: "debian" }] }])).toBe(
      '[{"os":"","arch":"","distros":[{"name":"debian","version":""}]}]',
    );
  });
});
