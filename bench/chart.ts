import type { Result } from "./measure.ts";

const phases = ["analyze", "detect", "restore", "build", "export", "cache"] as const;
const colours: Readonly<Record<string, string>> = {
  other: "#b8bec6",
  analyze: "#8a94a0",
  detect: "#5b8db8",
  restore: "#6cb39b",
  build: "#e0a458",
  export: "#c8645c",
  cache: "#8d6ba8",
  reference: "#7d8590",
};
const left = 300;
const width = 1000;
const row = 30;

/** What stands in the chart, and under what name. */
const bars = [
  ["first build to a registry (reference)", "first build to a registry, reference"],
  ["first build to a registry (namespace)", "first build to a registry, Plinth"],
  ["first build to the local store (namespace)", "first build to the local store, Plinth"],
  ["unchanged rebuild (reference)", "unchanged rebuild, reference"],
  ["unchanged rebuild (namespace)", "unchanged rebuild, Plinth in namespaces"],
  ["unchanged rebuild (host)", "unchanged rebuild, Plinth on the host"],
  ["one file changed (reference)", "one file changed, reference"],
  ["one file changed (namespace)", "one file changed, Plinth in namespaces"],
] as const;

function partsOf({ medianMs, phasesMs }: Result, isReference: boolean): [string, number][] {
  if (isReference || phasesMs === undefined) return [[isReference ? "reference" : "other", medianMs]];
  const known = phases.map((phase): [string, number] => [phase, phasesMs[phase] ?? 0]);
  const rest = medianMs - known.reduce((sum, [, ms]) => sum + ms, 0);
  return [["other", Math.max(0, rest)], ...known];
}

/** The builds as horizontal bars, divided by phase, as an SVG document. */
export function chartOf(results: Readonly<Record<string, Result>>): string {
  const shown = bars.flatMap(([work, title]) => {
    const result = results[work];
    return result === undefined ? [] : [{ title, result, isReference: work.endsWith("(reference)") }];
  });
  const longest = Math.max(...shown.map(({ result }) => result.medianMs));
  const unit = (width - left - 90) / longest;
  const body = shown.flatMap(({ title, result, isReference }, at) => {
    const y = 20 + at * row;
    let x = left;
    const rectangles = partsOf(result, isReference).map(([name, ms]) => {
      const rectangle = `<rect x="${x.toFixed(1)}" y="${y}" width="${(ms * unit).toFixed(1)}" height="20" fill="${colours[name]}"><title>${name} ${Math.round(ms)} ms</title></rect>`;
      x += ms * unit;
      return rectangle;
    });
    const label = `<text x="${left - 8}" y="${y + 15}" text-anchor="end">${title}</text>`;
    return [
      label,
      ...rectangles,
      `<text x="${(x + 6).toFixed(1)}" y="${y + 15}">${(result.medianMs / 1000).toFixed(2)} s</text>`,
    ];
  });
  const y = 36 + shown.length * row;
  const legend = Object.entries({ ...colours, other: colours["other"]! })
    .filter(([name]) => name !== "reference")
    .map(
      ([name, colour], at) =>
        `<rect x="${left + at * 95}" y="${y}" width="12" height="12" fill="${colour}"/><text x="${left + at * 95 + 17}" y="${y + 11}">${name}</text>`,
    );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 24}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${y + 24}" fill="#ffffff"/>`,
    ...body,
    ...legend,
    "</svg>",
    "",
  ].join("\n");
}
