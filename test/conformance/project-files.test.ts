import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { copyApp } from "../../src/source/app.ts";
import { type IgnoreFile, selectionOf } from "../../src/source/selection.ts";
import { hostPath } from "../../src/std/path.ts";
import { removeTree } from "../../src/std/remove.ts";

const root = mkdtempSync(join(tmpdir(), "plinth-test-"));
afterAll(() => removeTree(root));
const app = hostPath(join(root, "app"));
const copy = hostPath(join(root, "copy"));
mkdirSync(copy);
for (const path of [
  "Two.TXT",
  "deep/er/x.txt",
  "deep/er/y.log",
  "docs/in/one",
  "file.txt",
  "keep/a.txt",
  "keep/b.log",
  "root.log",
]) {
  mkdirSync(dirname(join(app, path)), { recursive: true });
  writeFileSync(join(app, path), "text\n");
}

/** What is in the copy, which is the same directory each time, so that what an earlier choice left must go. */
async function left(kind: "include" | "exclude" | undefined, ...patterns: string[]): Promise<string[]> {
  return copied(selectionOf(kind && { kind, patterns }, []));
}

async function without(...files: IgnoreFile[]): Promise<string[]> {
  return copied(selectionOf(undefined, files));
}

async function copied(selects: ReturnType<typeof selectionOf>): Promise<string[]> {
  await copyApp(app, copy, { selects });
  return readdirSync(copy, { recursive: true, encoding: "utf8" }).sort();
}

describe("files of the project", () => {
  it("PROJ-009 patterns follow the rules of gitignore", async () => {
    const all = [
      "Two.TXT",
      "deep",
      "deep/er",
      "deep/er/x.txt",
      "deep/er/y.log",
      "docs",
      "docs/in",
      "docs/in/one",
      "file.txt",
      "keep",
      "keep/a.txt",
      "keep/b.log",
      "root.log",
    ];
    const but = (gone: RegExp) => all.filter((path) => !gone.test(path));
    expect(await left("exclude", "nothing")).toEqual(all);
    expect(await left("exclude", "*.log")).toEqual(but(/log$/));
    expect(await left("exclude", "*.log", "!root.log")).toEqual(but(/[^t]\.log$/));
    expect(await left("exclude", "/*.log")).toEqual(but(/^root/));
    expect(await left("exclude", "keep/", "one/")).toEqual(but(/^keep/));
    expect(await left("exclude", "**/in", "*.txt")).toEqual(but(/docs\/in|\.txt$/));
    // What is in an excluded directory cannot come back.
    expect(await left("exclude", "deep", "!deep/er/x.txt")).toEqual(but(/^deep/));
    expect(await left("exclude", "# comment", "deep/*/*", "!**/y.log")).toEqual(but(/x\.txt$/));
  });

  it("PROJ-011 of what is included nothing else is left", async () => {
    expect(await left("include", "keep/", "project.toml")).toEqual(["keep", "keep/a.txt", "keep/b.log"]);
    expect(await left("include", "*.log")).toEqual([
      "deep",
      "deep/er",
      "deep/er/y.log",
      "keep",
      "keep/b.log",
      "root.log",
    ]);
    expect(await left("include", "/deep/er/x.txt")).toEqual(["deep", "deep/er", "deep/er/x.txt"]);
    expect(await left("include", "deep/**/*.txt", "/root.log")).toEqual([
      "deep",
      "deep/er",
      "deep/er/x.txt",
      "root.log",
    ]);
    expect(await left("include", "docs/*")).toEqual(["docs", "docs/in", "docs/in/one"]);
    expect(await left("include", "nothing/at/all")).toEqual([]);
  });

  it("a directory that is excluded is not even read", async () => {
    const asked: string[] = [];
    const selects = selectionOf({ kind: "exclude", patterns: ["docs/", "deep"] }, [])!;
    await copied((path) => {
      asked.push(path);
      return selects(path);
    });
    expect(asked.filter((path) => /^(docs|deep)/.test(path)).sort()).toEqual(["deep/", "docs/"]);
  });

  it("nor one that no pattern of what is included leads into", async () => {
    const asked: string[] = [];
    const selects = selectionOf({ kind: "include", patterns: ["/docs/in/one", "deep/*.txt"] }, [])!;
    const found = await copied((path) => {
      asked.push(path);
      return selects(path);
    });
    expect(found).toEqual(["docs", "docs/in", "docs/in/one"]);
    expect(asked.filter((path) => /^(keep|deep)/.test(path)).sort()).toEqual(["deep/", "deep/er/", "keep/"]);
  });
});

describe("ignore files", () => {
  it("leave out what they name by the rules of gitignore", async () => {
    const found = await without({ name: ".gitignore", text: "*.log\n!root.log\n# no\n\ndocs/\n" });
    expect(found).toEqual([
      "Two.TXT",
      "deep",
      "deep/er",
      "deep/er/x.txt",
      "file.txt",
      "keep",
      "keep/a.txt",
      "root.log",
    ]);
  });

  it("follow Docker's rules when they are called so: names begin at the root, and what is in a directory may come back", async () => {
    const found = await without({
      name: ".dockerignore",
      text: "*.log\n/deep\n!deep/er/x.txt\none\n./keep/../docs\n# no\n",
    });
    expect(found).toEqual([
      "Two.TXT",
      "deep",
      "deep/er",
      "deep/er/x.txt",
      "file.txt",
      "keep",
      "keep/a.txt",
      "keep/b.log",
    ]);
    expect(await without({ name: "app.dockerignore", text: "**/*.log\n**/in\n" })).toEqual(
      (await left(undefined)).filter((path) => !/log$|in/.test(path)),
    );
  });

  it("add up", async () => {
    const files = [
      { name: ".gitignore", text: "*.log\n" },
      { name: ".dockerignore", text: "*\n!keep\n" },
    ];
    expect(await without(...files)).toEqual(["keep", "keep/a.txt"]);
    expect(await copied(selectionOf({ kind: "include", patterns: ["b.log"] }, files))).toEqual([]);
  });
});
