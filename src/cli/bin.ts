#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";
import module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { constants, Script } from "node:vm";

type Main = typeof import("./main.ts");

const here = import.meta.dirname;
const loaded = new Map<string, unknown>();

/** A module as it was bundled into one file: hundreds of files less to find and to read, and V8's code of it need not be made again. */
function bundled(path: string): unknown {
  if (loaded.has(path)) return loaded.get(path);
  const require = createRequire(path);
  const script = new Script(module.wrap(readFileSync(path, "latin1")), {
    filename: path,
    // V8 leaves it alone when it is another one's.
    cachedData: readFileSync(path.replace(/cjs$/, "code")),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const made = { exports: {} };
  const demand = (id: string) => (/^\.\/\w+\.cjs$/.test(id) ? bundled(join(dirname(path), id)) : require(id));
  script.runInThisContext()(made.exports, Object.assign(demand, require), made, path, dirname(path));
  loaded.set(path, made.exports);
  return made.exports;
}

/** The program. Node >= 22.1 keeps code by itself, and only has to be asked to. */
function programAt(path: string): Main {
  const { enableCompileCache } = module as { enableCompileCache?: () => void };
  if (!enableCompileCache) return bundled(path) as Main;
  enableCompileCache();
  return createRequire(path)(path) as Main;
}

/** What can be said without the program: the version, and the help as it was when this was compiled. */
function answerTo(words: readonly string[]): string | undefined {
  const [word, ...others] = words;
  if (others.length > 0) return undefined;
  if (word === "--version") {
    const about = JSON.parse(readFileSync(join(here, "..", "..", "package.json"), "utf8")) as { version: string };
    return `${about.version}\n`;
  }
  const help = join(here, "help.txt");
  // It is for 80 columns, and wider terminals get no other one.
  const isWide = (process.stdout.columns ?? 80) >= 80;
  return (word === "--help" || word === "-h") && isWide && existsSync(help) ? readFileSync(help, "utf8") : undefined;
}

async function start(words: readonly string[]): Promise<void> {
  const bundle = join(here, "..", "pack.cjs");
  const { main } = existsSync(bundle) ? programAt(bundle) : await import("./main.ts");
  process.exitCode = await main(words);
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
const words = process.argv.slice(2);
const answer = answerTo(words);
if (answer === undefined) void start(words);
else process.stdout.write(answer);
