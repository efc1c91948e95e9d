import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyEnvFiles,
  baseEnvironment,
  type EnvFile,
  type Environment,
  platformEnv,
} from "../../../src/cnb/environment.ts";

const names = fc.constantFrom("A", "B", "PATH", "__proto__", "constructor");
const text = fc.string({ maxLength: 4 });
const environment: fc.Arbitrary<Environment> = fc.dictionary(names, text, { maxKeys: 4 });
const actions = fc.constantFrom(
  "",
  ".",
  ".append",
  ".prepend",
  ".default",
  ".override",
  ".delim",
  ".other",
  ".append.x",
);
const files: fc.Arbitrary<readonly EnvFile[]> = fc
  .dictionary(
    fc.tuple(names, actions).map((parts) => parts.join("")),
    text,
    { maxKeys: 8 },
  )
  .map((contents) => Object.entries(contents).map(([name, content]) => ({ name, content })));

/** The table of the specification read aloud: one variable at a time, one rule a line, in the order of the file names. */
function naive(old: string | undefined, name: string, all: readonly EnvFile[], fallback: "override" | "default") {
  const contentOf = (suffix: string) => all.find((file) => file.name === name + suffix)?.content;
  const delimiter = contentOf(".delim") ?? "";
  let value = old;
  const bare = contentOf("");
  if (bare !== undefined && (fallback === "override" || !value)) value = bare;
  const dotted = contentOf(".");
  if (dotted !== undefined) value = value ? dotted + (contentOf(".delim") ?? ":") + value : dotted;
  const append = contentOf(".append");
  if (append !== undefined) value = value ? value + delimiter + append : append;
  const ifEmpty = contentOf(".default");
  if (ifEmpty !== undefined && !value) value = ifEmpty;
  const override = contentOf(".override");
  if (override !== undefined) value = override;
  const prepend = contentOf(".prepend");
  if (prepend !== undefined) value = value ? prepend + delimiter + value : prepend;
  return value;
}

describe("environment rules", () => {
  it("do what the specification's table says, whatever the order of the files", () => {
    fc.assert(
      fc.property(
        environment,
        files,
        fc.constantFrom("override" as const, "default" as const),
        (env, all, fallback) => {
          const result = new Map(Object.entries(applyEnvFiles(env, all, fallback)));
          const reversed = applyEnvFiles(env, [...all].reverse(), fallback);
          for (const name of ["A", "B", "PATH", "__proto__", "constructor"]) {
            const old = new Map(Object.entries(env)).get(name);
            expect(result.get(name)).toBe(naive(old, name, all, fallback));
          }
          expect(new Map(Object.entries(reversed))).toEqual(result);
        },
      ),
    );
  });

  it("touch no variable they have no file for", () => {
    fc.assert(
      fc.property(environment, files, (env, all) => {
        const touched = new Set(all.map((file) => file.name.split(".")[0]));
        const result = new Map(Object.entries(applyEnvFiles(env, all, "override")));
        for (const [name, value] of Object.entries(env)) if (!touched.has(name)) expect(result.get(name)).toBe(value);
        for (const name of result.keys()) expect(touched.has(name) || Object.hasOwn(env, name)).toBe(true);
      }),
    );
  });

  it("without user variables the environment stays, and with them the old path stays at the end", () => {
    fc.assert(
      fc.property(environment, environment, (env, user) => {
        expect(platformEnv(env, {}, { clearEnv: false })).toEqual(env);
        expect(platformEnv(env, user, { clearEnv: true })).toEqual(env);
        const path = platformEnv(env, user, { clearEnv: false })["PATH"] ?? "";
        expect(path.endsWith(env["PATH"] ?? "")).toBe(true);
      }),
    );
  });

  it("the base environment is part of its sources, and a second pass adds and takes nothing", () => {
    fc.assert(
      fc.property(environment, environment, (image, machine) => {
        const base = baseEnvironment(image, machine);
        for (const [name, value] of Object.entries(base)) expect([machine[name], image[name]]).toContain(value);
        expect(baseEnvironment(base)).toEqual(base);
      }),
    );
  });
});
