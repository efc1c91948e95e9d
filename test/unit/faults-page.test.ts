import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { exitCodes } from "../../src/std/fault.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

describe("docs/faults.md", () => {
  it("is what the sources say (node .ci/faults.mjs writes it)", () => {
    const { status, stderr } = spawnSync(process.execPath, [".ci/faults.mjs", "--check"], {
      cwd: root,
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("explains every exit code, and every code of a fault is dotted, but for two", () => {
    const rows = readFileSync(`${root}docs/faults.md`, "utf8").split("\n");
    for (const [name, code] of Object.entries(exitCodes)) {
      expect(rows.find((row) => row.startsWith(`| ${code} | ${name} | `))).toMatch(/\| \S+ \| \S+ \| [a-z].+ \|$/);
    }
    const codes = rows.flatMap((row) => /^\| `(.+?)` \| /.exec(row)?.[1] ?? []);
    expect(codes.length).toBeGreaterThan(100);
    expect(codes.filter((code) => !/^[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)+$/.test(code))).toEqual([
      "interrupted",
      "usage",
    ]);
  });
});
