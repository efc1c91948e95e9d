import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const source = join(dirname(fileURLToPath(import.meta.url)), "..", "src");
const floors: Record<string, number> = {
  std: 0,
  oci: 1,
  cnb: 2,
  tar: 3,
  store: 4,
  sandbox: 4,
  source: 5,
  base: 5,
  engine: 5,
  phase: 6,
  package: 6,
  reach: 7,
  config: 8,
  making: 8,
  setting: 9,
  build: 10,
  rebase: 10,
  doctor: 10,
  "manifest-list": 10,
  "": 11,
  cli: 12,
  // What ships beside the code, told by the place it stands at.
  "bundle.ts": 1,
};

function modules(): string[] {
  return readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
}

function folderOf(module: string): string {
  if (floors[module] !== undefined) return module;
  return module.includes("/") ? module.slice(0, module.indexOf("/")) : "";
}

function importsOf(module: string): string[] {
  const text = readFileSync(join(source, module), "utf8");
  const found = text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g);
  return [...found].map((match) => match[1]!);
}

function localImports(module: string): string[] {
  return importsOf(module)
    .filter((name) => name.startsWith("."))
    .map((name) => relative(source, join(source, dirname(module), name)));
}

describe("floors", () => {
  it("every folder has a floor", () => {
    const unknown = modules()
      .map(folderOf)
      .filter((folder) => floors[folder] === undefined);
    expect([...new Set(unknown)]).toEqual([]);
  });

  it("imports only go to the own folder or a lower floor", () => {
    const upward = modules().flatMap((module) =>
      localImports(module)
        .filter(
          (target) => folderOf(target) !== folderOf(module) && floors[folderOf(target)]! >= floors[folderOf(module)]!,
        )
        .map((target) => `${module} -> ${target}`),
    );
    expect(upward).toEqual([]);
  });

  it("no module imports itself through others", () => {
    const graph = new Map(modules().map((module) => [module, localImports(module)]));
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (module: string, trail: readonly string[]): void => {
      if (trail.includes(module)) circles.push([...trail.slice(trail.indexOf(module)), module].join(" -> "));
      if (done.has(module) || trail.includes(module)) return;
      for (const target of graph.get(module) ?? []) visit(target, [...trail, module]);
      done.add(module);
    };
    for (const module of graph.keys()) visit(module, []);
    expect(circles).toEqual([]);
  });

  it("oci/ and cnb/ hold no input or output", () => {
    const io = /^(node:)?(fs|fs\/promises|child_process|http|https|net|tls|worker_threads)$|^(execa|undici|dockerode)$/;
    const found = modules()
      .filter((module) => ["oci", "cnb"].includes(folderOf(module)))
      .flatMap((module) =>
        importsOf(module)
          .filter((name) => io.test(name))
          .map((name) => `${module} -> ${name}`),
      );
    expect(found).toEqual([]);
  });

  it("environment, console, clock and chance appear only in cli/", () => {
    const ambient = /\bprocess\.env\b|\bconsole\.|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b/;
    const found = modules()
      .filter((module) => folderOf(module) !== "cli")
      .filter((module) =>
        ambient.test(readFileSync(join(source, module), "utf8").replace(/^\s*(\/\/|\*|\/\*).*$/gm, "")),
      );
    expect(found).toEqual([]);
  });
});
