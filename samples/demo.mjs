// The main job, narrated: a base without a Dockerfile, an image from source, a request answered, a patched base, a request answered again.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const pack = join(root, "dist", "cli", "bin.cjs");
const home = mkdtempSync(join(tmpdir(), "plinth-demo-"));
const env = { ...process.env, PACK_HOME: home };
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
const started = performance.now();
const running = new Set();

function say(text) {
  console.log(`\n${paint("1", `# ${text}`)}`);
}

function clean() {
  for (const child of running) child.kill("SIGKILL");
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
}

function fail(text) {
  console.error(paint("31;1", text));
  clean();
  process.exit(1);
}

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => fail("Interrupted."));

/** Runs pack with these arguments, shows what it prints, and tells how long it took. */
function run(...args) {
  console.log(paint("36", `$ pack ${args.join(" ")}`));
  const from = performance.now();
  const { status } = spawnSync(process.execPath, [pack, ...args], {
    env,
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) fail(`Cannot go on with the demo: "pack ${args[0]}" ended with ${status}`);
  console.log(paint("2", `(${((performance.now() - from) / 1000).toFixed(1)} s)`));
}

/** What pack prints with these arguments. */
function read(...args) {
  const { status, stdout } = spawnSync(process.execPath, [pack, ...args], {
    env,
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) fail(`Cannot go on with the demo: "pack ${args[0]}" ended with ${status}`);
  return stdout.trim();
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Asks until the app answers; it gets ten seconds to start. */
async function ask(url, child) {
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt += 1) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
      return `${answer.status} ${(await answer.text()).trim()}`;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return fail(`Cannot go on with the demo: nothing answers at ${url}`);
}

/** Starts the image, asks it once, stops it. */
async function startAndAsk(image) {
  const port = await freePort();
  console.log(paint("36", `$ pack run ${image} --env PORT=${port} &`));
  const child = spawn(process.execPath, [pack, "run", image, "--env", `PORT=${port}`], {
    env,
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  running.add(child);
  const url = `http://127.0.0.1:${port}/`;
  const answer = await ask(url, child);
  console.log(paint("36", `$ curl ${url}`));
  console.log(answer);
  child.kill("SIGINT");
  if (child.exitCode === null) await once(child, "exit");
  running.delete(child);
}

say("A base without a Dockerfile: Debian packages, verified by apt, as an ordinary user");
run("base", "create", "plinth/run", "--file", "samples/base/base.toml");

say("Source code in, a reproducible OCI image out");
run("build", "hello", "--path", "samples/node-npm");
const first = read("inspect", "hello", "--output", "json");
const imageId = read("images", "--quiet");

say("It starts, without Docker");
await startAndAsk("hello");

say("Nothing changed: nothing is installed, every layer is reused, the image ID is the same");
run("build", "hello", "--path", "samples/node-npm");
if (read("images", "--quiet") !== imageId) fail("The image ID changed, which it should not.");

say("The operating system gets its security updates: a newer base under the same name");
run("base", "create", "plinth/run", "--file", "samples/base/base-security.toml");

say("The image moves onto it, without a rebuild and without touching the app");
run("rebase", "hello");
const second = read("inspect", "hello", "--output", "json");
if (JSON.parse(first).local_info.base_image.top_layer === JSON.parse(second).local_info.base_image.top_layer) {
  console.log("(The security suite has nothing newer for these packages today.)");
}

say("And starts again");
await startAndAsk("hello");

clean();
say(`Done in ${Math.round((performance.now() - started) / 1000)} seconds.`);
