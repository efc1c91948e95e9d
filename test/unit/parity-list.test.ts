import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const docs = fileURLToPath(new URL("../../docs/", import.meta.url));
const rows = readFileSync(join(docs, "parity.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| the reference") && !line.startsWith("| ---"));

describe("docs/parity.md", () => {
  it.each(rows.map((row) => [row.split(" | ")[0]!.slice(2), row] as const))(
    "names the test that pins: %s",
    (_, row) => {
      const [, path, words] = /\[[\w-]+\]\(\.\.\/(test\/[\w./-]+\.test\.ts)\) "(.+)" \|$/.exec(row) ?? [];
      expect(path, row).toBeDefined();
      const text = readFileSync(join(docs, "..", path!), "utf8");
      expect(text).toContain(words);
    },
  );

  it("has as many rows as we know differences", () => {
    expect(rows.length).toBeGreaterThan(30);
  });
});
