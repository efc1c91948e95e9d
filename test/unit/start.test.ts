import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { describe, expect, it } from "vitest";

const path = (name: string) => fileURLToPath(new URL(`../../dist/${name}`, import.meta.url));
const textOf = (name: string) => readFileSync(path(`${name}.cjs`), "latin1");
const takes = (name: string, text: string) =>
  new Script(module.wrap(text), { filename: path(`${name}.cjs`), cachedData: readFileSync(path(`${name}.code`)) });

describe("the program in one file", () => {
  it.each(["pack", "undici"])("comes with the code that this V8 makes of it (%s)", (name) => {
    expect(takes(name, textOf(name)).cachedDataRejected).toBe(false);
  });

  it("is compiled anew when the code is of another text", () => {
    expect(takes("pack", `${textOf("pack")}\n`).cachedDataRejected).toBe(true);
  });

  it("has what speaks HTTP in a file of its own", () => {
    expect(textOf("pack")).toContain('require("./undici.cjs")');
    expect(textOf("pack")).not.toContain("node_modules/undici/");
  });

  it("says its version as the package has it, with and without loading the rest", () => {
    const { version } = JSON.parse(readFileSync(path("../package.json"), "utf8")) as { version: string };
    const pack = (...words: string[]) =>
      execFileSync(process.execPath, [path("cli/bin.js"), ...words], { encoding: "utf8" });
    expect([pack("--version"), pack("version"), pack("--quiet", "--version")]).toEqual([
      `${version}\n`,
      `${version}\n`,
      `${version}\n`,
    ]);
  });

  it("names the licence of every library in it", () => {
    const text = textOf("pack") + textOf("undici");
    const held = new Set([...text.matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/\n]+)/gm)].map(([, name]) => name));
    const notices = readFileSync(path("pack.licenses"), "utf8");
    expect([...held].filter((name) => !notices.includes(`${name} `))).toEqual([]);
    expect(held.size).toBeGreaterThan(3);
  });
});
