import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import module, { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { describe, expect, it } from "vitest";

const path = (name: string) => fileURLToPath(new URL(`../../dist/${name}`, import.meta.url));
const textOf = (name: string) => readFileSync(path(`${name}.cjs`), "latin1");
const takes = (name: string, text: string) =>
  new Script(module.wrap(text), { filename: path(`${name}.cjs`), cachedData: readFileSync(path(`${name}.code`)) });
const pack = (...words: string[]) =>
  execFileSync(process.execPath, [path("cli/bin.cjs"), ...words], { encoding: "utf8" });

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
    expect([pack("--version"), pack("version"), pack("--quiet", "--version")]).toEqual([
      `${version}\n`,
      `${version}\n`,
      `${version}\n`,
    ]);
  });

  it("helps with the words it would find itself, without loading the rest", () => {
    const said = pack("--no-color", "--help");
    expect(readFileSync(path("cli/help.txt"), "utf8")).toBe(said);
    expect([pack("--help"), pack("-h")]).toEqual([said, said]);
  });

  it("holds of what speaks HTTP all that the sources use", () => {
    const sources = fileURLToPath(new URL("../../src", import.meta.url));
    const used = readdirSync(sources, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readFileSync(`${sources}/${name}`, "utf8"))
      .flatMap((text) => /^import \{(.*)\} from "undici"/m.exec(text)?.[1]?.split(",") ?? [])
      .map((name) => name.trim())
      .filter((name) => !name.startsWith("type "));
    const held = createRequire(import.meta.url)(path("undici.cjs")) as Record<string, { prototype?: object }>;
    expect(used).toContain("Agent");
    expect(used.filter((name) => held[name] === undefined)).toEqual([]);
    expect(held["Agent"]?.prototype).toHaveProperty("request");
  });

  it("lets short commands end before V8 optimises the parser of answers", () => {
    expect(textOf("undici")).toContain('setFlagsFromString("--wasm-tiering-budget=');
  });

  it("names the licence of every library in it", () => {
    const text = textOf("pack") + textOf("undici");
    const held = new Set([...text.matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/\n]+)/gm)].map(([, name]) => name));
    const notices = readFileSync(path("pack.licenses"), "utf8");
    expect([...held].filter((name) => !notices.includes(`${name} `))).toEqual([]);
    expect(held.size).toBeGreaterThan(3);
  });
});
