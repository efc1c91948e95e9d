import { describe, expect, it } from "vitest";
import { origins, settle } from "../../src/setting/settle.ts";

interface Settings {
  readonly builder: string;
  readonly names: readonly string[];
  readonly cold: boolean;
}

describe("settling what several places say", () => {
  it("takes the first that says it: the flag, the project, the environment, the configuration, the default", () => {
    for (const [at, origin] of origins.entries()) {
      const written = Object.fromEntries(origins.slice(at).map((name) => [name, { builder: name }]));
      const { values, from } = settle<Settings>(written);
      expect([values.builder, from.builder]).toEqual([origin, origin]);
    }
  });

  it("takes each value by itself", () => {
    const { values, from } = settle<Settings>({
      flag: { cold: false },
      project: { builder: "project" },
      config: { builder: "config", cold: true, names: ["a"] },
    });
    expect(values).toEqual({ cold: false, builder: "project", names: ["a"] });
    expect(from).toEqual({ cold: "flag", builder: "project", names: "config" });
  });

  it("takes undefined and an empty list for nothing said, but not false or an empty text", () => {
    const { values, from } = settle<Settings>({
      flag: { builder: "", names: [], cold: undefined },
      project: { builder: "project", names: ["a"], cold: false },
      default: { cold: true },
    });
    expect(values).toEqual({ builder: "", names: ["a"], cold: false });
    expect(from.cold).toBe("project");
  });
});
