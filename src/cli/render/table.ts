/** Rows as aligned columns, two spaces in front and at least `gap` between; trailing blanks are cut. */
export function tableText(rows: readonly (readonly string[])[], gap = 8): string {
  const widths = rows.reduce<number[]>(
    (all, row) => row.map((cell, at) => Math.max(all[at] ?? 0, [...cell].length)),
    [],
  );
  const line = (row: readonly string[]) =>
    row.map((cell, at) => cell + " ".repeat(widths[at]! - [...cell].length + gap)).join("");
  return rows.map((row) => `  ${line(row)}`.trimEnd()).join("\n");
}
