import type { Result } from "./measure.ts";

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** The results as a Markdown table; each work's time also as a multiple of the time of `unit`. */
export function tableOf(results: Readonly<Record<string, Result>>, unit: string): string {
  const one = results[unit]?.medianMs ?? Number.NaN;
  const rows = Object.entries(results).map(([work, { medianMs, medianCpuMs, peakBytes, phasesMs = {} }]) => [
    work,
    seconds(medianMs),
    (medianMs / one).toFixed(2),
    medianCpuMs === undefined ? "" : seconds(medianCpuMs),
    peakBytes === undefined ? "" : mebibytes(peakBytes),
    Object.entries(phasesMs)
      .map(([phase, ms]) => `${phase} ${Math.round(ms)}`)
      .join(", "),
  ]);
  const head = ["work", "time", `÷ ${unit}`, "CPU", "memory", "phases (ms)"];
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
