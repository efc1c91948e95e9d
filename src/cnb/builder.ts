import { Fault } from "../std/fault.ts";
import { parseToml, pathOf, type TomlTable } from "../std/toml.ts";
import { requiredStringIn, stringIn, stringsIn, tableIn, tablesIn } from "../std/toml-read.ts";
import { strayKeys } from "../std/toml-shape.ts";
import { builderShape } from "./builder-shape.ts";
import type { EnvFile } from "./environment.ts";
import type { System } from "./order.ts";
import { type Coordinates, nameOf, type OpenOrder, type Order, parseOpenOrder } from "./order-file.ts";
import type { RunImageNames } from "./run-file.ts";
import { systemIn } from "./system-file.ts";
import { parseTargets, type TargetPattern } from "./target.ts";

/** Where a builder takes a buildpack or extension from; id and version, if said, must be those that are found there. */
export interface ModuleReference {
  readonly uri: string;
  readonly id?: string;
  readonly version?: string;
}

/** A variable every build with the builder gets. */
export interface BuildVariable {
  readonly name: string;
  readonly value: string;
  readonly suffix?: "default" | "override" | "append" | "prepend";
  readonly delim?: string;
}

/** What a `builder.toml` says. */
export interface Builder {
  readonly description?: string;
  readonly buildpacks: readonly ModuleReference[];
  readonly extensions: readonly ModuleReference[];
  readonly order: OpenOrder;
  readonly orderExtensions: OpenOrder;
  readonly stackId?: string;
  /** Empty for a builder that works on this machine's own root; so is the list of run images for one that leaves the choice to its user. */
  readonly buildImage: string;
  readonly runImages: readonly RunImageNames[];
  readonly lifecycle: { readonly uri?: string; readonly version?: string };
  readonly env: readonly BuildVariable[];
  readonly targets: readonly TargetPattern[];
  readonly system: System;
  /** Sentences about what is allowed but hardly meant. */
  readonly warnings: readonly string[];
}

/**
 * The text of a `builder.toml` to its value. Throws Fault `toml.*`, `builder.key` for a key that builders do not have, and
 * `builder.image` when the build image or run image is named twice with different names.
 */
export function parseBuilder(text: string, place: string): Builder {
  const table = parseToml(text, place);
  const strays = strayKeys(table, builderShape);
  if (strays.length > 0)
    throw new Fault("builder.key", `Cannot read builder at ${place}: it has unknown keys: ${strays.join(", ")}`);
  const part = (key: string) => tableIn(table, key, place) ?? {};
  const [stack, build, run, lifecycle] = [part("stack"), part("build"), part("run"), part("lifecycle")];
  const modules = (key: string) => tablesIn(table, key, place).map((item) => moduleOf(item, place));
  const order = parseOpenOrder(table, place);
  const env = tablesIn(build, "env", place).map((item) => variableOf(item, place));
  return {
    ...given("description", stringIn(table, "description", place)),
    buildpacks: modules("buildpacks"),
    extensions: modules("extensions"),
    order,
    orderExtensions: parseOpenOrder(table, place, "order-extensions"),
    ...given("stackId", stringIn(stack, "id", place)),
    buildImage: buildImageOf(build, stack, place),
    runImages: runImagesOf(run, stack, place),
    lifecycle: {
      ...given("uri", stringIn(lifecycle, "uri", place)),
      ...given("version", stringIn(lifecycle, "version", place)),
    },
    env,
    targets: parseTargets(table, place),
    system: systemIn(table, place),
    warnings: [
      ...(order.length === 0 ? ["the builder has no order, so it detects nothing by itself"] : []),
      ...env.flatMap(variableWarnings),
    ],
  };
}

/**
 * The order with every version said: where it is left out, the only one the builder has of that id. Throws Fault
 * `builder.order` for a buildpack the builder does not have, and for a choice between several versions.
 */
export function closeOrder(order: OpenOrder, available: readonly Coordinates[]): Order {
  return order.map((group) =>
    group.map((entry) => {
      const versions = available.filter(({ id }) => id === entry.id).map(({ version }) => version);
      const fitting = versions.filter((version) => version === (entry.version ?? version));
      const [version] = fitting;
      if (version !== undefined && fitting.length === 1) return { ...entry, version };
      const name = entry.version === undefined ? entry.id : nameOf({ id: entry.id, version: entry.version });
      const found = fitting.length > 1 ? `the builder has several versions: ${fitting.join(", ")}` : absence(versions);
      throw new Fault("builder.order", `Cannot use ${name} in the order of the builder: ${found}`);
    }),
  );
}

/** Throws Fault `builder.module` when a buildpack is not what the reference to it says. */
export function checkModule(reference: ModuleReference, found: Coordinates): void {
  const { id = found.id, version = found.version } = reference;
  if (id === found.id && version === found.version) return;
  const asked = nameOf({ id, version });
  throw new Fault("builder.module", `Cannot use ${reference.uri} as ${asked}: it holds ${nameOf(found)}`);
}

/** The files below `build-config/env` that give these variables to every build. */
export function buildConfigFiles(env: readonly BuildVariable[]): readonly EnvFile[] {
  return env.flatMap(({ name, value, suffix, delim }) => [
    { name: suffix ? `${name}.${suffix}` : name, content: value },
    ...(delim === undefined ? [] : [{ name: `${name}.delim`, content: delim }]),
  ]);
}

function absence(versions: readonly string[]): string {
  return versions.length === 0 ? "the builder does not have it" : `the builder has only ${versions.join(", ")}`;
}

function given<K extends string>(key: K, text: string | undefined): { readonly [P in K]?: string } {
  return (text ? { [key]: text } : {}) as { readonly [P in K]?: string };
}

function moduleOf(item: TomlTable, place: string): ModuleReference {
  const uri = stringIn(item, "uri", place) || stringIn(item, "image", place) || requiredStringIn(item, "uri", place);
  return {
    uri,
    ...given("id", stringIn(item, "id", place)),
    ...given("version", stringIn(item, "version", place)),
  };
}

const suffixes = ["default", "override", "append", "prepend"] as const;

function variableOf(item: TomlTable, place: string): BuildVariable {
  const name = requiredStringIn(item, "name", place);
  const text = stringIn(item, "suffix", place);
  const suffix = suffixes.find((one) => one === text);
  if (text && suffix === undefined)
    throw new Fault(
      "builder.env",
      `Cannot read ${pathOf(item, "suffix")} at ${place}: "${text}" is no way to set a variable`,
      {
        hint: `use one of ${suffixes.join(", ")}`,
      },
    );
  if (/[=/\u0000]/.test(name))
    throw new Fault(
      "builder.env",
      `Cannot read ${pathOf(item, "name")} at ${place}: ${JSON.stringify(name)} is no name of a variable`,
    );
  const delim = stringIn(item, "delim", place);
  return {
    name,
    value: stringIn(item, "value", place) ?? "",
    ...(suffix && { suffix }),
    ...(delim !== undefined && { delim }),
  };
}

function variableWarnings({ name, suffix, delim }: BuildVariable): string[] {
  const isJoined = suffix === "append" || suffix === "prepend";
  return isJoined && delim === undefined
    ? [`the variable ${name} is joined without a delimiter: "delim" is not set`]
    : [];
}

function buildImageOf(build: TomlTable, stack: TomlTable, place: string): string {
  const image = stringIn(build, "image", place);
  const old = stringIn(stack, "build-image", place);
  if (image && old && image !== old)
    throw new Fault("builder.image", `Cannot read builder at ${place}: build.image and stack.build-image differ`);
  return image || old || "";
}

function runImagesOf(run: TomlTable, stack: TomlTable, place: string): readonly RunImageNames[] {
  const images = tablesIn(run, "images", place).map((item) => ({
    image: requiredStringIn(item, "image", place),
    mirrors: stringsIn(item, "mirrors", place) ?? [],
  }));
  const old = stringIn(stack, "run-image", place);
  if (images[0] && old && images[0].image !== old)
    throw new Fault("builder.image", `Cannot read builder at ${place}: run.images and stack.run-image differ`);
  if (images.length > 0) return images;
  if (old) return [{ image: old, mirrors: stringsIn(stack, "run-image-mirrors", place) ?? [] }];
  return [];
}
