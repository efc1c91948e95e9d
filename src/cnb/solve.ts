import { Fault } from "../std/fault.ts";
import type { Alternative, Require } from "./offer.ts";
import { type Coordinates, nameOf } from "./order-file.ts";

/** An element that passed detection, with what it offers. */
export interface PlanCandidate extends Coordinates {
  readonly optional: boolean;
  readonly extension?: boolean;
  readonly alternatives: readonly Alternative[];
}

/** Something required, by whom it is provided and with what it was asked for (Platform spec, "plan.toml"). */
export interface PlanEntry {
  readonly providers: readonly (Coordinates & { readonly extension?: boolean })[];
  readonly requires: readonly Require[];
}

/** Whether the offers fit together; `log` holds the reference's lines. */
export type PlanSolution<T extends PlanCandidate = PlanCandidate> =
  | {
      readonly kind: "pass";
      readonly participants: readonly T[];
      readonly entries: readonly PlanEntry[];
      readonly log: readonly string[];
    }
  | { readonly kind: "fail"; readonly log: readonly string[] };

/** How many names are looked at in all trials together, and how many lines are kept, before a plan is called hostile. */
const limits = { names: 10_000_000, lines: 20_000 } as const;

/** One element with the alternative it takes part with; it may be dropped if it is optional and has no other one left. */
interface Option<T extends PlanCandidate> {
  readonly candidate: T;
  readonly optional: boolean;
  readonly alternative: Alternative;
}

/**
 * Chooses an alternative for each element so that every require has a provider before it or in itself and every provide
 * is required after it (Buildpack spec, "Build Plan"). The first combination that holds wins; the last element's
 * alternatives vary fastest. An optional element is dropped rather than let its last alternative fail. Entries stand in
 * the order of their first requirement. Throws Fault `plan.size` (exit 22) when the trials look at ten million names.
 */
export function solvePlan<T extends PlanCandidate>(candidates: readonly T[]): PlanSolution<T> {
  const log: string[] = [];
  const say = (line: string) => {
    if (log.length < limits.lines) log.push(line);
  };
  let [count, names] = [0, 0];
  for (const trial of trials(candidates)) {
    names += trial.reduce((sum, { alternative }) => sum + alternative.provides.length + alternative.requires.length, 1);
    if (names > limits.names)
      throw new Fault("plan.size", `Cannot resolve the build plan: ${count} combinations were tried in vain`, {
        exit: "detect",
        hint: "the buildpacks of this group offer too many alternatives with [[or]]",
      });
    say(`Resolving plan... (try #${++count})`);
    const remaining = reduce(trial, say);
    if (remaining !== undefined)
      return {
        kind: "pass",
        participants: remaining.map(({ candidate }) => candidate),
        entries: entriesOf(remaining),
        log,
      };
  }
  return { kind: "fail", log };
}

function* trials<T extends PlanCandidate>(candidates: readonly T[]): Generator<readonly Option<T>[]> {
  const options = candidates.map((candidate) =>
    candidate.alternatives.map((alternative, index, all) => ({
      candidate,
      optional: candidate.optional && index === all.length - 1,
      alternative,
    })),
  );
  if (options.some((list) => list.length === 0)) return;
  const chosen = options.map(() => 0);
  for (let at = 0; at >= 0; ) {
    yield options.map((list, index) => list[chosen[index]!]!);
    for (at = options.length - 1; at >= 0 && ++chosen[at]! === options[at]!.length; at--) chosen[at] = 0;
  }
}

/** Drops optional elements until everything left fits; undefined when a required one does not or nothing is left. */
function reduce<T extends PlanCandidate>(
  trial: readonly Option<T>[],
  say: (line: string) => void,
): readonly Option<T>[] | undefined {
  for (let remaining = trial; ; ) {
    const unmet = unmetOf(remaining);
    const dropped = new Set<Option<T>>();
    for (const { option, because } of unmet) {
      say(`${option.optional ? "skip" : "fail"}: ${nameOf(option.candidate)} ${because}`);
      if (!option.optional) return undefined;
      dropped.add(option);
    }
    remaining = remaining.filter((option) => !dropped.has(option));
    if (remaining.length === 0) {
      say("fail: no viable buildpacks in group");
      return undefined;
    }
    if (dropped.size === 0) return remaining;
  }
}

/** All that is said about one name, in the order it is said. */
interface Dependency<T extends PlanCandidate> {
  readonly providers: Option<T>[];
  readonly requires: Require[];
  /** Required before anyone provides it. */
  readonly early: Option<T>[];
  /** Provided, but not required since. */
  unused: Option<T>[];
}

function dependenciesOf<T extends PlanCandidate>(trial: readonly Option<T>[]): ReadonlyMap<string, Dependency<T>> {
  const dependencies = new Map<string, Dependency<T>>();
  const of = (name: string): Dependency<T> => {
    const known = dependencies.get(name) ?? { providers: [], requires: [], early: [], unused: [] };
    dependencies.set(name, known);
    return known;
  };
  for (const option of trial) {
    for (const name of option.alternative.provides) of(name).unused.push(option);
    for (const require of option.alternative.requires) {
      const dependency = of(require.name);
      for (const provider of dependency.unused) dependency.providers.push(provider);
      dependency.unused = [];
      if (dependency.providers.length === 0) dependency.early.push(option);
      else dependency.requires.push(require);
    }
  }
  return dependencies;
}

function unmetOf<T extends PlanCandidate>(trial: readonly Option<T>[]): { option: Option<T>; because: string }[] {
  const dependencies = [...dependenciesOf(trial)];
  const requires = dependencies.flatMap(([name, { early }]) =>
    early.map((option) => ({ option, because: `requires ${name}` })),
  );
  const provides = dependencies.flatMap(([name, { unused }]) =>
    unused.map((option) => ({ option, because: `provides unused ${name}` })),
  );
  return [...requires, ...provides];
}

function entriesOf<T extends PlanCandidate>(trial: readonly Option<T>[]): readonly PlanEntry[] {
  const dependencies = dependenciesOf(trial);
  const names = new Set(trial.flatMap(({ alternative }) => alternative.requires.map(({ name }) => name)));
  return [...names].map((name) => {
    const { providers, requires } = dependencies.get(name)!;
    return { providers: providers.map(({ candidate }) => providerOf(candidate)), requires };
  });
}

function providerOf({ id, version, extension }: PlanCandidate): PlanEntry["providers"][number] {
  return { id, version, ...(extension && { extension }) };
}
