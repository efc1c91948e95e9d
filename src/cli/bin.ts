#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";
import module, { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, Script } from "node:vm";

type Main = typeof import("./main.ts");

/** The program as it was bundled into one file: some 200 files less to find and to read, and V8's code of it need not be made again. */
function bundled(path: string): Main {
  const require = createRequire(path);
  const { enableCompileCache } = module as { enableCompileCache?: () => void };
  if (enableCompileCache) {
    // Node >= 22.1 keeps code by itself.
    enableCompileCache();
    return require(path) as Main;
  }
  const script = new Script(module.wrap(readFileSync(path, "latin1")), {
    filename: path,
    // V8 leaves it alone when it is another one's.
    cachedData: readFileSync(path.replace(/cjs$/, "code")),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const made = { exports: {} };
  script.runInThisContext()(made.exports, require, made, path, dirname(path));
  return made.exports as Main;
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
  const { main } = existsSync(bundle) ? bundled(bundle) : await import("./main.ts");
  process.exitCode = await main(words);
}
