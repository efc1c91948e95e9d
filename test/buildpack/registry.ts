import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// It answers `view` from answers.json, hands out package.tgz on `pack`, and on `install` makes a package with a program.
const npm = `#!/usr/bin/env node
const { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const folder = __dirname;
const [command, ...rest] = process.argv.slice(2);
const valueOf = (flag) => rest[rest.indexOf(flag) + 1];
const spec = rest.find((word) => /^[^-/].*@/.test(word));
const { NPM_CONFIG_USERCONFIG: userconfig, NODE_EXTRA_CA_CERTS: certificates, PATH: path } = process.env;
appendFileSync(join(folder, "calls"), JSON.stringify({ command, spec, userconfig, certificates, path }) + "\\n");
if (existsSync(join(folder, "down"))) {
  console.log(JSON.stringify({ error: { code: "ENOTFOUND", summary: "request failed, reason: no such host" } }));
  process.exit(1);
}
if (command === "view") {
  const found = JSON.parse(readFileSync(join(folder, "answers.json"), "utf8"))[spec];
  console.log(JSON.stringify(found ?? { error: { code: "E404", summary: "No match found" } }));
  process.exit(found ? 0 : 1);
}
if (command === "pack") copyFileSync(join(folder, "package.tgz"), join(valueOf("--pack-destination"), "package.tgz"));
if (command === "install") {
  const [name, version] = spec.split("@");
  const modules = join(valueOf("--prefix"), "node_modules");
  mkdirSync(join(modules, name), { recursive: true });
  mkdirSync(join(modules, ".bin"));
  writeFileSync(join(modules, ".package-lock.json"), JSON.stringify({ resolved: "somewhere" }));
  writeFileSync(join(modules, name, "package.json"), JSON.stringify({ name, version }));
  writeFileSync(join(modules, name, "cli.js"), "#!/usr/bin/env node\\nconsole.log(" + JSON.stringify(spec) + ");\\n", { mode: 0o755 });
  symlinkSync("../" + name + "/cli.js", join(modules, ".bin", name));
}
`;

/** What the stand-in for npm was called with. */
export interface Call {
  readonly command: string;
  readonly spec: string;
  readonly userconfig?: string;
  readonly certificates?: string;
  readonly path: string;
}

/** A program called npm that answers from its own folder, which belongs at the front of PATH. */
export class FakeRegistry {
  readonly directory = mkdtempSync(join(tmpdir(), "registry-"));

  constructor() {
    writeFileSync(join(this.directory, "npm"), npm);
    chmodSync(join(this.directory, "npm"), 0o755);
  }

  /** The variables under which buildpacks meet this npm. */
  get variables(): Record<string, string> {
    return { PATH: `${this.directory}:${process.env["PATH"]}`, CNB_TARGET_ARCH: "amd64", NODE_EXTRA_CA_CERTS: "" };
  }

  /** Says which versions each `name@range` has; every version has the same sum. */
  publish(answers: Record<string, readonly string[]>, integrity: string): void {
    const entries = Object.entries(answers).map(([spec, versions]) => [
      spec,
      versions.map((version) => ({ version, "dist.integrity": integrity })),
    ]);
    this.write("answers.json", JSON.stringify(Object.fromEntries(entries)));
  }

  /** From now on nothing can be reached. */
  goDown(): void {
    this.write("down", "");
  }

  /** Back to a registry that was never asked. */
  reset(): void {
    for (const file of ["calls", "down"]) rmSync(join(this.directory, file), { force: true });
  }

  calls(): Call[] {
    const log = join(this.directory, "calls");
    const lines = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
    return lines.map((line) => JSON.parse(line));
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(join(this.directory, path, ".."), { recursive: true });
    writeFileSync(join(this.directory, path), text);
    chmodSync(join(this.directory, path), mode);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
