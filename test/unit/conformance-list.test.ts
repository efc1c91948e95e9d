import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

interface List {
  readonly areas: Readonly<Record<string, string>>;
  readonly rows: Readonly<Record<string, { readonly mark: string; readonly rule: string }>>;
  readonly notYet: readonly { readonly reason: string; readonly rows: readonly string[] }[];
}

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const list = JSON.parse(readFileSync(join(root, "test", "conformance", "rows.json"), "utf8")) as List;
const ids = Object.keys(list.rows);
const reasons = new Map(list.notYet.flatMap(({ reason, rows }) => rows.map((id) => [id, reason] as const)));

/** The titles of tests and suites in a file, as they are written. */
function titlesOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    const title = ts.isCallExpression(node) ? node.arguments[0] : undefined;
    const isText = title && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title));
    if (ts.isCallExpression(node) && isText && /^(it|test|describe)\b/.test(node.expression.getText()))
      titles.push(title.getText());
    node.forEachChild(visit);
  };
  visit(source);
  return titles;
}

const files = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => join(root, "test", name));
const named = new Set(files.flatMap(titlesOf).flatMap((title) => title.match(/\b[A-Z]{2,}-\d{3}\b/g) ?? []));

describe("the list of the specification's rules", () => {
  it("has every id that a test's title names", () => {
    expect([...named].filter((id) => !ids.includes(id))).toEqual([]);
    expect(named.size).toBeGreaterThan(300);
  });

  it("gives each rule an area, a mark and a few words", () => {
    for (const [id, { mark, rule }] of Object.entries(list.rows)) {
      expect(list.areas, id).toHaveProperty(id.split("-")[0]!);
      expect(mark, id).toMatch(/^[MSODRA]{1,2}$/);
      expect(rule.length, id).toBeLessThanOrEqual(85);
    }
  });

  it("says why a rule without a test has none, and of no other", () => {
    expect(ids.filter((id) => !named.has(id) && !reasons.has(id))).toEqual([]);
    expect([...reasons.keys()].filter((id) => named.has(id) || !ids.includes(id))).toEqual([]);
  });
});
