#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";
import module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, Script } from "node:vm";

type Main = typeof import("./main.ts");

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

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
const words = process.argv.slice(2);
if (words.length === 1 && words[0] === "--version") {
  const about = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  process.stdout.write(`${about.version}\n`);
} else {
  const bundle = fileURLToPath(new URL("../pack.cjs", import.meta.url));
  const { main } = existsSync(bundle) ? programAt(bundle) : await import("./main.ts");
  process.exitCode = await main(words);
}
