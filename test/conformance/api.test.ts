import { describe, expect, it } from "vitest";
import {
  abilitiesOf,
  buildpackAbilities,
  buildpackApis,
  compareApis,
  isServedBy,
  isSupported,
  parseApi,
  platformApi,
} from "../../src/cnb/api.ts";
import { detectionFailure } from "../../src/cnb/detection.ts";
import { parseExtension } from "../../src/cnb/extension.ts";
import { expandOrder, type Lookup } from "../../src/cnb/order.ts";
import { exitCodeOf, exitCodes } from "../../src/std/fault.ts";
import { buildpack, order } from "../support/buildpack.ts";
import { faultOf } from "../support/fault.ts";

const api = (text: string) => parseApi(text, "buildpack.toml");

describe("API versions", () => {
  it("API-001 a bare major is major.0", () => {
    expect(compareApis(api("1"), api("1.0"))).toBe(0);
    expect(api("1")).toEqual({ major: 1n, minor: 0n, text: "1" });
  });

  const tooLarge = 2n ** 64n;
  it.each(["0.07x", "-1.0", "1.2.3", "v0.8", "", " 0.8", "0.", ".8", "0,8", `${tooLarge}.0`, `0.${tooLarge}`])(
    "API-002 %j is no version",
    (text) => {
      const fault = faultOf(() => api(text));
      expect(fault.code).toBe("api.parse");
      expect(fault.message).toContain("buildpack.toml");
      expect(exitCodeOf(fault)).toBe(12);
    },
  );

  it("API-002 numbers of 64 bits are exact", () => {
    expect(api("18446744073709551615.0").major).toBe(18446744073709551615n);
    expect(compareApis(api("0.18446744073709551615"), api("0.18446744073709551614"))).toBe(1);
  });

  it("API-003 under 0.x every minor is distinct, from 1.0 on a newer minor serves older ones", () => {
    expect(isServedBy(api("0.8"), api("0.9"))).toBe(false);
    expect(isServedBy(api("0.9"), api("0.9"))).toBe(true);
    expect(isServedBy(api("1.1"), api("1.2"))).toBe(true);
    expect(isServedBy(api("1.3"), api("1.2"))).toBe(false);
    expect(isServedBy(api("1.0"), api("2.0"))).toBe(false);
  });

  it("API-003 0.10 is newer than 0.9", () => {
    expect(compareApis(api("0.10"), api("0.9"))).toBeGreaterThan(0);
  });

  it.each(["0.99", "0.6", "0.13", "1.0"])("API-004 Buildpack API %s is refused with exit 12", (text) => {
    const fault = faultOf(() => buildpackAbilities(api(text), "some/bp@1.2.3"));
    expect(fault.message).toBe(`Cannot use buildpack some/bp@1.2.3: Buildpack API ${text} is not supported`);
    expect(exitCodeOf(fault)).toBe(12);
  });

  it("API-004 a component deep in a composite is refused before its group is tried", () => {
    const old = buildpack("old", { api: api("0.6") });
    const known = { old, meta: buildpack("meta", { order: order("old") }) };
    const lookup: Lookup = (id) => known[id as keyof typeof known];
    expect(exitCodeOf(faultOf(() => [...expandOrder(order("meta"), lookup)]))).toBe(12);
  });

  it("API-004 all of 0.7 to 0.12 are implemented, and nothing else", () => {
    expect(buildpackApis).toEqual(["0.7", "0.8", "0.9", "0.10", "0.11", "0.12"]);
    expect(buildpackApis.every((text) => isSupported(api(text)))).toBe(true);
    expect(platformApi).toBe("0.15");
  });

  it("API-006 each API has its own abilities", () => {
    const first = Object.fromEntries(
      Object.keys(abilitiesOf(api("0.7"))).map((name) => [
        name,
        buildpackApis.find((text) => abilitiesOf(api(text))[name as keyof ReturnType<typeof abilitiesOf>]),
      ]),
    );
    expect(first).toEqual({
      pathVariables: "0.8",
      workingDirectory: "0.8",
      reservesSbom: "0.8",
      commandList: "0.9",
      overridableArgs: "0.9",
      reservesGenerated: "0.9",
      targetVariables: "0.10",
      targets: "0.10",
      execEnv: "0.12",
    });
  });

  it("API-014 API-017 detection ends with 20, or with 21 when a buildpack erred", () => {
    expect(exitCodeOf(detectionFailure(false).fault)).toBe(20);
    expect(exitCodeOf(detectionFailure(true).fault)).toBe(21);
    expect(exitCodes.detect).toBe(22);
  });

  it("API-013 API-015 API-016 API-017 the exit code of each phase is the reference's", () => {
    expect(exitCodes).toMatchObject({
      platformApi: 11,
      buildpackApi: 12,
      analyze: 32,
      restore: 42,
      buildpackFailed: 51,
      build: 52,
      export: 62,
      rebase: 72,
      launch: 82,
      generateFailed: 91,
      generate: 92,
      extend: 102,
    });
    for (const code of [exitCodes.general, exitCodes.usage]) expect([code > 0, code < 11]).toEqual([true, true]);
  });

  it("API-025 an extension declares a Buildpack API", () => {
    const text = '[extension]\nid = "e"\nversion = "1"';
    expect(exitCodeOf(faultOf(() => parseExtension(text, "extension.toml", { hasScripts: true })))).toBe(12);
    const old = parseExtension(`api = "0.5"\n${text}`, "extension.toml", { hasScripts: true });
    expect(exitCodeOf(faultOf(() => buildpackAbilities(old.api, "e@1")))).toBe(12);
  });
});
