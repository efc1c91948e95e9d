import { formatToml } from "../std/toml-write.ts";
import { type Require, writableRequire } from "./offer.ts";
import type { PlanEntry } from "./solve.ts";

export { type Alternative, type PlanReading, parsePlan, type Require } from "./offer.ts";
export { type PlanCandidate, type PlanEntry, type PlanSolution, solvePlan } from "./solve.ts";

/** What a buildpack is asked to provide: every requirement of the entries it provides, in order (Buildpack spec, "Buildpack Plan"). */
export function buildpackPlanOf(entries: readonly PlanEntry[], id: string, extension = false): readonly Require[] {
  return entries
    .filter(({ providers }) => providers.some((one) => one.id === id && (one.extension ?? false) === extension))
    .flatMap(({ requires }) => requires);
}

/** The entries that are left for later buildpacks once `metNames` are provided. */
export function remainingPlan(entries: readonly PlanEntry[], metNames: readonly string[]): readonly PlanEntry[] {
  return entries.filter(({ requires }) => !requires.some(({ name }) => metNames.includes(name)));
}

/** The plan.toml that `bin/build` reads; zero bytes when nothing is asked of the buildpack. */
export function formatBuildpackPlan(requires: readonly Require[]): string {
  return formatToml({ entries: requires.length > 0 ? requires.map(writableRequire) : undefined });
}
