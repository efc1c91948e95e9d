import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { abilitiesOf, buildpackApis, parseApi } from "../../src/cnb/api.ts";
import { checkout } from "../support/program.ts";
import { buildpacks } from "./lifecycle.ts";

interface Descriptor {
  readonly api: string;
  readonly buildpack: { readonly id: string; readonly version: string; readonly name: string };
  readonly targets?: { readonly os: string }[];
  readonly order?: { readonly group: { readonly id: string; readonly version: string }[] }[];
}

const read = (path: string) => parse(readFileSync(join(buildpacks, path), "utf8"));
const names = readdirSync(buildpacks).filter((name) => statSync(join(buildpacks, name)).isDirectory());
const examples = readdirSync(join(checkout, "samples/buildpacks"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => `samples/buildpacks/${name}`);
const descriptors = new Map(names.map((name) => [name, read(`${name}/buildpack.toml`) as unknown as Descriptor]));
const versions = new Map([...descriptors.values()].map(({ buildpack }) => [buildpack.id, buildpack.version]));

describe("the bundled buildpacks", () => {
  it.each(names)("DESC-011 %s is a component with scripts or a composite with an order", (name) => {
    const { order, targets } = descriptors.get(name)!;
    for (const script of ["bin/detect", "bin/build"]) {
      const path = join(buildpacks, name, script);
      expect(existsSync(path)).toBe(order === undefined);
      if (order === undefined) accessSync(path, constants.X_OK);
    }
    expect(targets?.every(({ os }) => os === "linux") ?? false).toBe(order === undefined);
  });

  it.each(names)("%s is named after its directory, speaks a current API and has a short README", (name) => {
    const { api, buildpack } = descriptors.get(name)!;
    expect(buildpack.id).toBe(`plinth/${name}`);
    expect(Number(api.split(".")[1])).toBeGreaterThanOrEqual(10);
    const readme = readFileSync(join(buildpacks, name, "README.md"), "utf8")
      .trimEnd()
      .split("\n");
    expect(readme[0]).toBe(`# ${buildpack.id}`);
    expect(readme.length).toBeLessThanOrEqual(7);
  });

  // Of what came with Buildpack API 0.10 they use [[targets]]; with any older one those would mean nothing.
  it.each([...names.map((name) => `buildpacks/${name}`), ...examples])(
    "API-007 %s names the lowest API that fits",
    (place) => {
      const { api, order, targets } = parse(
        readFileSync(join(checkout, place, "buildpack.toml"), "utf8"),
      ) as unknown as Descriptor;
      const lowest = buildpackApis.find((text) => abilitiesOf(parseApi(text, place)).targets);
      expect(api).toBe(lowest);
      expect(order ?? targets).toBeDefined();
    },
  );

  it("DESC-012 DESC-013 every order names buildpacks that are there, in their versions", () => {
    const builder = read("builder.toml") as unknown as Descriptor & { buildpacks: { uri: string }[] };
    expect(builder.buildpacks.map(({ uri }) => uri).sort()).toEqual(names);
    const orders = [builder, ...descriptors.values()].flatMap(({ order = [] }) => order);
    for (const { id, version } of orders.flatMap(({ group }) => group))
      expect([id, versions.get(id)]).toEqual([id, version]);
  });

  // Each buildpack must work on its own, so what several need is there several times, and must stay one text.
  it("modules of one name are one text in every buildpack", () => {
    const own = ["build.mjs", "detect.mjs"];
    const texts = new Map<string, Set<string>>();
    for (const name of names.filter((candidate) => existsSync(join(buildpacks, candidate, "lib")))) {
      for (const file of readdirSync(join(buildpacks, name, "lib")).filter((candidate) => !own.includes(candidate))) {
        texts.set(file, (texts.get(file) ?? new Set()).add(readFileSync(join(buildpacks, name, "lib", file), "utf8")));
      }
    }
    expect([...texts].filter(([, variants]) => variants.size > 1).map(([file]) => file)).toEqual([]);
    expect(texts.size).toBeGreaterThan(5);
  });
});
