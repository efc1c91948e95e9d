import type { Result } from "./measure.ts";

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** A flat record as rows of a key and what is there. */
function linesOf(title: string, record: unknown): string {
  if (typeof record !== "object" || record === null) return "";
  const rows = Object.entries(record).map(([key, value]) => [
    key,
    typeof value === "object" ? JSON.stringify(value) : String(value),
  ]);
  return `\n\n${markdown([title, ""], rows)}`;
}

/** A report as Markdown tables; each work's time also as a multiple of the time of `unit`. */
export function tableOf(
  report: { readonly results: Readonly<Record<string, Result>>; readonly [key: string]: unknown },
  unit: string,
): string {
  const { results } = report;
  const one = results[unit]?.medianMs;
  const rows = Object.entries(results).map(([work, { medianMs, medianCpuMs, peakBytes, phasesMs = {} }]) => [
    work,
    seconds(medianMs),
    one === undefined ? "" : (medianMs / one).toFixed(2),
    medianCpuMs === undefined ? "" : seconds(medianCpuMs),
    peakBytes === undefined ? "" : mebibytes(peakBytes),
    Object.entries(phasesMs)
      .map(([phase, ms]) => `${phase} ${Math.round(ms)}`)
      .join(", "),
  ]);
  const head = ["work", "time", `÷ ${unit}`, "CPU", "memory", "phases (ms)"];
  return (
    markdown(head, rows) +
    ["compressedBytes", "toSkopeo", "requestsOfRebases", "scale", "failed"]
      .map((key) => linesOf(key, report[key]))
      .join("")
  );
}
