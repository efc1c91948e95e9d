import type { DetectReport } from "../../detect.ts";
import type { Style } from "./style.ts";

const marks = { pass: "✓", skip: "–", drop: "–", fail: "✗", error: "!" } as const;

/** The groups that were tried as a tree: what became of each, of each of its buildpacks, and why. */
export function detectionTree(report: DetectReport, style: Style): string {
  const lines = report.verdicts.flatMap((group, at) => {
    const passed = group.verdict === "pass";
    const title = `Group ${at + 1}: ${passed ? "passed" : `failed, ${group.reason}`}`;
    const branches = group.elements.map((element, index) => {
      const stem = index === group.elements.length - 1 && group.plan.length === 0 ? "└" : "├";
      const name = `${element.id}@${element.version}${element.extension ? " (extension)" : element.optional ? " (optional)" : ""}`;
      const reason = element.reason ? `: ${element.reason}` : "";
      const text = `${marks[element.outcome]} ${name}${style.faint(`  ${element.outcome}${reason}`)}`;
      return ` ${stem} ${element.outcome === "pass" ? style.good(text) : text}`;
    });
    const plan = group.plan.map(
      (line, index) => ` ${index === group.plan.length - 1 ? "└" : "├"} ${style.faint(line)}`,
    );
    return [passed ? style.good(title) : title, ...branches, ...plan];
  });
  return lines.join("\n");
}

/** The build plan: each thing required, who provides it and what it was asked for with. */
export function planText(report: DetectReport): string {
  if (report.plan.length === 0) return "Plan: (empty)";
  const entries = report.plan.map(({ providers, requires }) => {
    const by = providers.map(({ id, version }) => `${id}@${version}`).join(", ");
    return `  ${requires[0]?.name ?? ""} provided by ${by}`;
  });
  return ["Plan:", ...entries].join("\n");
}
