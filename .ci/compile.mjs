// Compiles src/ into dist/: the library module by module with its types, and the command's program as one file, dist/pack.cjs, with the code V8 makes of it.
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";
import { Script } from "node:vm";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");

/** The names and licences of the libraries that a bundle holds. */
function noticesOf(inputs) {
  const folders = new Set(
    Object.keys(inputs).flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  return [...folders].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} has no licence file`);
    return `${name} ${version}\n\n${readFileSync(join(root, folder, file), "utf8").trim()}\n`;
  });
}

/** What V8 makes of a script and all its functions. When it is used V8 compares the flags, so they are the usual ones again before it is written. */
function codeOf(text, filename) {
  v8.setFlagsFromString("--no-lazy");
  const script = new Script(text, { filename });
  v8.setFlagsFromString("--lazy");
  return script.createCachedData();
}

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", root], { stdio: ["ignore", "inherit", "inherit"] });
if (status !== 0) process.exit(1);

/** Makes one file of a module and what it needs; returns what is in it. */
async function bundle(path, options) {
  const { metafile } = await build({
    absWorkingDir: root,
    outfile: path,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
    ...options,
  });
  return metafile.inputs;
}

/** The same, with its code beside it. */
async function bundleWithCode(name, options) {
  const path = join(dist, `${name}.cjs`);
  const inputs = await bundle(path, options);
  writeFileSync(join(dist, `${name}.code`), codeOf(module.wrap(readFileSync(path, "latin1")), path));
  return inputs;
}

/** A module that is left where it is, under another name: seen from the file that asks for it. */
const aside = (filter, path) => ({
  name: "aside",
  setup: ({ onResolve }) => onResolve({ filter }, () => ({ path, external: true })),
});

/**
 * What we use of undici. Its index loads more than twice as much: `fetch`, WebSockets, caches, mocks. V8 would begin to optimise its parser after a
 * few answers, which takes longer than most commands do, and no program can end before that; so it waits for a few hundred.
 */
const http = `
require("node:v8").setFlagsFromString("--wasm-tiering-budget=100000000");
require("undici/lib/dispatcher/dispatcher.js").prototype.request = require("undici/lib/api/api-request.js");
exports.Agent = require("undici/lib/dispatcher/agent.js");
exports.ProxyAgent = require("undici/lib/dispatcher/proxy-agent.js");
exports.errors = require("undici/lib/core/errors.js");
`;
/** HTTP/2 and forms, which we never send: each loads a good part of Node. */
const unsent = {
  name: "unsent",
  setup: ({ onLoad }) =>
    onLoad({ filter: /undici\/lib\/(dispatcher\/client-h2|web\/fetch\/body)\.js$/ }, () => ({
      contents: 'module.exports = () => { throw new Error("this part of undici is not in the bundle"); };',
    })),
};
const main = join(dist, "cli", "bin.cjs");
const inputs = {
  // CommonJS: Node's loader of ES modules would take longer than all that stands in here.
  ...(await bundle(main, {
    entryPoints: ["src/cli/bin.ts"],
    define: { "import.meta.dirname": "__dirname" },
    plugins: [aside(/^\.\/main\.ts$/, "./main.js")],
  })),
  // A file of its own: commands that stay on this machine do without.
  ...(await bundleWithCode("undici", { stdin: { contents: http, resolveDir: root }, plugins: [unsent] })),
  ...(await bundleWithCode("pack", {
    entryPoints: ["src/cli/main.ts"],
    banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
    define: { "import.meta.url": "moduleUrl" },
    // Large, and most commands do without.
    external: ["dockerode", "execa", "yaml", "yauzl"],
    plugins: [aside(/^undici$/, "./undici.cjs")],
  })),
};
writeFileSync(join(dist, "pack.licenses"), noticesOf(inputs).join(`\n${"-".repeat(80)}\n\n`));
writeFileSync(join(dist, "cli", "help.txt"), execFileSync(process.execPath, [main, "--help"]));
