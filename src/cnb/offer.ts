import { Fault } from "../std/fault.ts";
import { parseToml, pathOf, type TomlTable } from "../std/toml.ts";
import { requiredStringIn, stringIn, tableIn, tablesIn } from "../std/toml-read.ts";
import { tomlMap, type WritableTable } from "../std/toml-write.ts";

/** Something a buildpack needs, with what it wants known about it. */
export interface Require {
  readonly name: string;
  readonly metadata?: TomlTable;
}

/** One of the offers a buildpack makes: what it would provide and what it would then require (Buildpack spec, "Build Plan"). */
export interface Alternative {
  readonly provides: readonly string[];
  readonly requires: readonly Require[];
}

/** What else `parsePlan` may be told. */
export interface PlanReading {
  /** The plan is an image extension's, which may require nothing. */
  readonly extension?: boolean;
  /** Takes one sentence for each use of something deprecated. */
  readonly warn?: (sentence: string) => void;
}

/**
 * The text of a build plan to its alternatives, the top-level one first. A `version` beside `name` moves into the metadata
 * with a warning. Throws Fault `toml.*`, `plan.version` when the metadata has a version already, `plan.requires` for an
 * extension that requires something.
 */
export function parsePlan(text: string, place: string, reading: PlanReading = {}): readonly Alternative[] {
  const table = parseToml(text, place);
  const alternatives = [table, ...tablesIn(table, "or", place)].map((pair) => ({
    provides: tablesIn(pair, "provides", place).map((item) => requiredStringIn(item, "name", place)),
    requires: tablesIn(pair, "requires", place).map((item) => parseRequire(item, place, reading.warn)),
  }));
  if (reading.extension && alternatives.some(({ requires }) => requires.length > 0))
    throw new Fault("plan.requires", `Cannot use build plan at ${place}: an extension may not require anything`);
  return alternatives;
}

function parseRequire(item: TomlTable, place: string, warn: PlanReading["warn"]): Require {
  const require = requireIn(item, place);
  const version = stringIn(item, "version", place);
  if (!version) return require;
  if (require.metadata && Object.hasOwn(require.metadata, "version"))
    throw new Fault(
      "plan.version",
      `Cannot use ${pathOf(item, "version")} at ${place}: metadata has a version as well`,
      { hint: "keep metadata.version only" },
    );
  warn?.(`"${require.name}" at ${place} is required with "version"; use "metadata.version" instead`);
  return { name: require.name, metadata: { ...require.metadata, version } };
}

/** The name and metadata of one requirement. */
export function requireIn(item: TomlTable, place: string): Require {
  const metadata = tableIn(item, "metadata", place);
  return { name: requiredStringIn(item, "name", place), ...(metadata && { metadata }) };
}

/** A requirement as it is written to plan.toml and to a buildpack's plan. */
export function writableRequire({ name, metadata }: Require): WritableTable {
  return { name, metadata: metadata && tomlMap(metadata) };
}
