import { Fault } from "../std/fault.ts";
import { parseToml, pathOf, type TomlTable } from "../std/toml.ts";
import { booleanIn, tablesIn } from "../std/toml-read.ts";
import { formatToml } from "../std/toml-write.ts";
import { requireIn, writableRequire } from "./offer.ts";
import { idIn, versionIn } from "./order-file.ts";
import type { PlanEntry } from "./plan.ts";

/** The text of plan.toml, as the reference writes it; zero bytes for no entries. */
export function formatPlan(entries: readonly PlanEntry[]): string {
  if (entries.length === 0) return "";
  return formatToml({
    entries: entries.map(({ providers, requires }) => ({
      providers: providers.map(({ id, version, extension }) => ({ id, version, extension: extension || undefined })),
      requires: requires.map(writableRequire),
    })),
  });
}

/**
 * The text of a plan.toml to its entries. Throws Fault `toml.*`, and `plan.entry` for an entry without provider or
 * requirement or with requirements of several names (Platform spec, "plan.toml").
 */
export function parsePlanFile(text: string, place: string): readonly PlanEntry[] {
  return tablesIn(parseToml(text, place), "entries", place).map((item) => entryOf(item, place));
}

function entryOf(item: TomlTable, place: string): PlanEntry {
  const providers = tablesIn(item, "providers", place).map((provider) => ({
    id: idIn(provider, place),
    version: versionIn(provider, place),
    ...(booleanIn(provider, "extension", place) && { extension: true }),
  }));
  const requires = tablesIn(item, "requires", place).map((require) => requireIn(require, place));
  const names = new Set(requires.map(({ name }) => name));
  if (providers.length > 0 && names.size === 1) return { providers, requires };
  const found = providers.length === 0 ? "it has no provider" : `it has requirements of ${names.size} names`;
  throw new Fault("plan.entry", `Cannot read ${pathOf(item, "requires")} at ${place}: ${found}`);
}
