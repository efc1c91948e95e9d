import type { Level } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import { type Coordinates, type Element, nameOf } from "./order.ts";
import { type Alternative, type PlanEntry, solvePlan } from "./plan.ts";
import { describePatterns, describeTarget, isTargetMet, type Target } from "./target.ts";

/** What came of one element: its offer, a no, or why there is no answer. `code` is the script's exit code if it had one. */
export type Outcome =
  | { readonly kind: "pass"; readonly alternatives: readonly Alternative[] }
  | { readonly kind: "fail" }
  | { readonly kind: "error"; readonly code?: number; readonly because: string };

/** How `bin/detect` ended. */
export type DetectExit =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly signal: string }
  | { readonly kind: "unstartable"; readonly because: string };

/** One element of a flat group with its outcome and what its script wrote. */
export interface Attempt {
  readonly element: Element;
  readonly outcome: Outcome;
  readonly output?: string;
}

/** A line for a person. */
export interface Line {
  readonly level: Level;
  readonly text: string;
}

/** What became of one element of a group; `skip` and `drop` are an optional element's ways out. */
export interface ElementVerdict extends Coordinates {
  readonly optional: boolean;
  /** Set on an image extension. */
  readonly extension?: true;
  readonly outcome: "pass" | "skip" | "drop" | "fail" | "error";
  /** Why, in a few words; empty for a pass. */
  readonly reason: string;
}

/** What became of a group; `error` says that it failed and a buildpack erred. */
export interface GroupVerdict {
  readonly verdict: "pass" | "fail" | "error";
  /** Why it failed, in a few words; empty for a pass. */
  readonly reason: string;
  readonly elements: readonly ElementVerdict[];
  /** Those who take part in the build, in order; empty unless the verdict is pass. */
  readonly participants: readonly Element[];
  readonly entries: readonly PlanEntry[];
  /** The trials of the plan, in the reference's words. */
  readonly plan: readonly string[];
  /** All the reference prints about the group. */
  readonly lines: readonly Line[];
}

/** The outcome of a script's exit: 0 passes with what `readOffer` returns, 100 fails, anything else is an error, and so is a Fault of `readOffer`. */
export function outcomeOf(exit: DetectExit, readOffer: () => readonly Alternative[]): Outcome {
  if (exit.kind === "killed") return { kind: "error", because: `it was ended by ${exit.signal}` };
  if (exit.kind === "unstartable") return { kind: "error", because: exit.because };
  if (exit.code === 100) return { kind: "fail" };
  if (exit.code !== 0) return { kind: "error", code: exit.code, because: `exit status ${exit.code}` };
  try {
    return { kind: "pass", alternatives: readOffer() };
  } catch (error) {
    if (error instanceof Fault) return { kind: "error", because: error.message };
    throw error;
  }
}

/** The outcome of a required element whose targets do not fit, which is not run; undefined for any other (optional ones do run). */
export function mismatchOf({ buildpack, optional }: Element, target: Target): Outcome | undefined {
  if (optional || isTargetMet(buildpack.targets, target)) return undefined;
  const [image, wanted] = [describeTarget(target), describePatterns(buildpack.targets)];
  return {
    kind: "error",
    because: `unable to satisfy target os/arch constraints; run image: ${image}, buildpack: ${wanted}`,
  };
}

/**
 * Decides whether a flat group passes (Buildpack spec, "Detection"): no required element failed or erred, a buildpack
 * passed, and the offers of those who passed make a plan. Throws Fault `plan.size`.
 */
export function judgeGroup(attempts: readonly Attempt[]): GroupVerdict {
  const lines: Line[] = [...attempts.flatMap(outputLines), { level: "debug", text: "======== Results ========" }];
  lines.push(...attempts.map(resultLine));
  const failed = (reason: string, verdict: "fail" | "error", plan: readonly string[] = []): GroupVerdict => ({
    verdict,
    reason,
    elements: attempts.map(verdictOf),
    participants: [],
    entries: [],
    plan,
    lines: [...lines, ...plan.map((text): Line => ({ level: "debug", text }))],
  });

  const lost = attempts.filter(({ element, outcome }) => outcome.kind !== "pass" && !element.optional);
  if (lost.length > 0) {
    const reason = `${lost.map(({ element }) => nameOf(element.buildpack)).join(", ")} did not pass`;
    return failed(reason, attempts.some(({ outcome }) => outcome.kind === "error") ? "error" : "fail");
  }
  const candidates = attempts.flatMap(({ element, outcome }) =>
    outcome.kind === "pass" ? [candidateOf(element, outcome.alternatives)] : [],
  );
  if (candidates.every(({ extension }) => extension)) {
    lines.push({ level: "debug", text: "fail: no viable buildpacks in group" });
    return failed("no viable buildpacks in group", "fail");
  }
  const solution = solvePlan(candidates);
  const [plan, last] = [solution.log, solution.log.at(-1) ?? ""];
  if (solution.kind === "fail") return failed(last.replace(/^fail: /, ""), "fail", plan);

  const participants = solution.participants.map(({ element }) => element);
  const verdict = { ...failed("", "fail", plan), verdict: "pass" as const, participants, entries: solution.entries };
  return {
    ...verdict,
    elements: attempts.map((attempt) => {
      const isDropped = attempt.outcome.kind === "pass" && !participants.includes(attempt.element);
      return isDropped ? droppedOf(attempt, plan) : verdictOf(attempt);
    }),
    lines: [...verdict.lines, ...participantLines(participants, attempts.length)],
  };
}

/** What to say when no group passed: the reference's error lines, and the Fault (exit 20, or 21 when a buildpack erred) to end with. */
export function detectionFailure(erred: boolean): { readonly lines: readonly Line[]; readonly fault: Fault } {
  const path = "Please check that you are running against the correct path.";
  const none = "No buildpack groups passed detection.";
  const lines = (erred ? [none] : [none, path]).map((text): Line => ({ level: "error", text }));
  const fault = erred
    ? new Fault("detect.error", "Cannot detect buildpacks for the app: buildpack(s) failed with err", {
        exit: "detectError",
        hint: "the output of the buildpacks above says which one failed and why",
      })
    : new Fault("detect.none", "Cannot detect buildpacks for the app: no buildpacks participating", {
        exit: "detectNone",
        hint: "check that you are running against the correct path",
      });
  return { lines, fault };
}

function candidateOf(element: Element, alternatives: readonly Alternative[]) {
  const { buildpack, optional, extension } = element;
  return {
    id: buildpack.id,
    version: buildpack.version,
    optional,
    ...(extension && { extension }),
    alternatives,
    element,
  };
}

function outputLines({ element, outcome, output }: Attempt): Line[] {
  const level = outcome.kind === "error" ? "info" : "debug";
  const block = (title: string, text: string): Line[] => [
    { level, text: `======== ${title}: ${nameOf(element.buildpack)} ========` },
    { level, text },
  ];
  const isOurs = outcome.kind === "error" && outcome.code === undefined;
  return [...(output ? block("Output", output) : []), ...(isOurs ? block("Error", outcome.because) : [])];
}

function resultLine({ element, outcome }: Attempt): Line {
  const name = nameOf(element.buildpack);
  if (outcome.kind === "pass") return { level: "debug", text: `pass: ${name}` };
  if (outcome.kind === "fail") return { level: "debug", text: `${element.optional ? "skip" : "fail"}: ${name}` };
  return { level: "info", text: `err:  ${name}${outcome.code === undefined ? "" : ` (${outcome.code})`}` };
}

function verdictOf({ element, outcome }: Attempt): ElementVerdict {
  const { buildpack, optional, extension } = element;
  const common = { id: buildpack.id, version: buildpack.version, optional, ...(extension && { extension }) };
  if (outcome.kind === "pass") return { ...common, outcome: "pass", reason: "" };
  if (outcome.kind === "error") return { ...common, outcome: "error", reason: outcome.because };
  return { ...common, outcome: optional ? "skip" : "fail", reason: "detect said no" };
}

function droppedOf(attempt: Attempt, plan: readonly string[]): ElementVerdict {
  const start = `skip: ${nameOf(attempt.element.buildpack)} `;
  const line = plan.findLast((text) => text.startsWith(start));
  return { ...verdictOf(attempt), outcome: "drop", reason: line?.slice(start.length) ?? "" };
}

function participantLines(participants: readonly Element[], among: number): Line[] {
  const width = Math.max(...participants.map(({ buildpack }) => buildpack.id.length));
  const all = participants.map(({ buildpack }) => `${buildpack.id.padEnd(width)} ${buildpack.version}`);
  const count = `${participants.length} of ${among} buildpacks participating`;
  return (participants.length === among ? all : [count, ...all]).map((text): Line => ({ level: "info", text }));
}
