// Writes docs/conformance.md from a run of the tests: `node .ci/conformance.mjs [REPORT] [--check]`. REPORT is what vitest's JSON
// reporter wrote; without one the tests are run first. With --check nothing is written, and a page that is not up to date is an error.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const page = join(root, "docs", "conformance.md");
/** What no run of the tests can tell, written by hand: it ends the page. */
const notes = readFileSync(join(root, "test", "conformance", "notes.md"), "utf8");
const check = process.argv.includes("--check");
const given = process.argv.slice(2).find((argument) => !argument.startsWith("--"));
const { areas, rows, notYet } = JSON.parse(readFileSync(join(root, "test", "conformance", "rows.json"), "utf8"));

function runTests() {
  const directory = mkdtempSync(join(tmpdir(), "plinth-conformance-"));
  const file = join(directory, "report.json");
  const arguments_ = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  spawnSync(process.execPath, [vitest, ...arguments_], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  const text = readFileSync(file, "utf8");
  rmSync(directory, { recursive: true });
  return text;
}

/** What the run says of each row: which files have passing tests of it, and whether one failed or was skipped. */
function judge(report) {
  const found = new Map(Object.keys(rows).map((id) => [id, { files: new Set(), failed: false, skipped: false }]));
  const problems = [];
  for (const { name, assertionResults } of report.testResults) {
    const file = `test/${name.split("/test/").at(-1)}`;
    for (const { ancestorTitles, title, status } of assertionResults) {
      for (const id of new Set([...ancestorTitles, title].join(" ").match(/\b[A-Z]{2,}-\d{3}\b/g) ?? [])) {
        const row = found.get(id);
        if (!row) problems.push(`${file}: ${id} is no row of test/conformance/rows.json ("${title}")`);
        else if (status === "passed") row.files.add(file);
        else if (status === "failed") row.failed = true;
        else row.skipped = true;
      }
    }
  }
  const reasons = new Map(notYet.flatMap(({ reason, rows: ids }) => ids.map((id) => [id, reason])));
  for (const id of reasons.keys()) if (!found.has(id)) problems.push(`notYet names ${id}, which is no row`);
  for (const [id, { files, failed, skipped }] of found) {
    if (reasons.has(id) && files.size > 0) problems.push(`${id} has a passing test: take it out of notYet`);
    if (!reasons.has(id) && files.size === 0 && !failed && !skipped)
      problems.push(`${id} has neither a test nor a reason in notYet`);
  }
  return { found, reasons, problems };
}

const link = (file) => `[${file.replace(/^test\//, "").replace(/\.test\.ts$/, "")}](../${file})`;
const cell = (text) => text.replaceAll("|", "\\|");

function write({ found, reasons }) {
  const passes = (id) => found.get(id).files.size > 0 && !found.get(id).failed;
  const state = (id) => {
    const { files, failed } = found.get(id);
    if (failed) return "not yet: a test of it fails";
    if (files.size > 0) return `pass: ${[...files].sort().map(link).join(", ")}`;
    return `not yet: ${reasons.get(id) ?? "its tests were skipped where this page was made"}`;
  };
  const idsOf = (area) => Object.keys(rows).filter((id) => id.startsWith(`${area}-`));
  const count = (ids) => [ids.length, ids.filter(passes).length, ids.filter((id) => !passes(id)).length];
  const table = (head, lines) => [
    `| ${head.join(" | ")} |`,
    `| ${head.map(() => "---").join(" | ")} |`,
    ...lines.map((cells) => `| ${cells.join(" | ")} |`),
    "",
  ];
  return [
    "# Conformance",
    "",
    "Every rule of the buildpack specifications that we know of, in our own short words, and whether a test proves it. The page is made from a run",
    "of the tests (`npm run conformance`); a rule passes when a test whose title names it ran and passed, and none failed.",
    "",
    "Marks: **M** must, **S** should, **O** may, **D** deprecated, **A** a duty of buildpack authors, **R** not in the text, but what the reference does.",
    "",
    ...table(
      ["area", "about", "rules", "pass", "not yet"],
      [
        ...Object.entries(areas).map(([area, title]) => [
          `[${area}](#${area.toLowerCase()})`,
          title,
          ...count(idsOf(area)),
        ]),
        ["all", "", ...count(Object.keys(rows))],
      ],
    ),
    ...Object.entries(areas).flatMap(([area, title]) => [
      `## ${area}`,
      "",
      `${title}.`,
      "",
      ...table(
        ["id", "mark", "rule", "state"],
        idsOf(area).map((id) => [id, rows[id].mark, cell(rows[id].rule), cell(state(id))]),
      ),
    ]),
    notes,
  ]
    .join("\n")
    .replace(/\n+$/, "\n");
}

const judged = judge(JSON.parse(given ? readFileSync(given, "utf8") : runTests()));
for (const problem of judged.problems) console.error(problem);
const text = write(judged);
if (check && readFileSync(page, "utf8") !== text) {
  console.error("docs/conformance.md is not what this run says: npm run conformance writes it");
  process.exitCode = 1;
}
if (!check) writeFileSync(page, text);
if (judged.problems.length > 0) process.exitCode = 1;
