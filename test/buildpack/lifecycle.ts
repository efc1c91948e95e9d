import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";

/** The repository, and the two folders under test. */
export const root = fileURLToPath(new URL("../../", import.meta.url));
export const buildpacks = join(root, "buildpacks");
export const samples = join(root, "samples");

/** A member of an order group: a folder of `buildpacks/`. */
export interface Member {
  readonly name: string;
  readonly optional?: boolean;
}

/** A group as builder.toml and the composites spell it out, components only. */
export function groupOf(file: string, index: number): Member[] {
  const { order } = parse(readFileSync(join(buildpacks, file), "utf8")) as unknown as {
    order: { group: { id: string; optional?: boolean }[] }[];
  };
  return order[index]!.group.map(({ id, optional = false }) => ({ name: basename(id), optional }));
}

interface Plan {
  readonly provides: string[];
  readonly requires: string[];
}

/** What a script did: its exit code and everything it printed. */
export interface Outcome {
  readonly status: number;
  readonly output: string;
}

/** A process as launch.toml declares it. */
export interface Process {
  readonly type: string;
  readonly command: string[];
  readonly default?: boolean;
}

/**
 * A stand-in for the lifecycle: one app directory, one layers directory, and the phases the buildpacks can see. It runs
 * the scripts as the Buildpack specification says and judges nothing.
 */
export class Workspace {
  readonly directory: string;
  readonly app: string;
  readonly layers: string;
  readonly platform: string;
  readonly variables: Record<string, string>;

  constructor(sample: string, variables: Record<string, string> = {}) {
    this.directory = mkdtempSync(join(tmpdir(), "buildpack-"));
    this.app = join(this.directory, "workspace");
    this.layers = join(this.directory, "layers");
    this.platform = join(this.directory, "platform");
    this.variables = variables;
    mkdirSync(this.layers);
    mkdirSync(join(this.platform, "env"), { recursive: true });
    mkdirSync(this.app);
    if (sample !== "") this.checkOut(sample);
  }

  /** Replaces the app by a fresh copy of a sample, as each build begins with. */
  checkOut(sample: string): void {
    rmSync(this.app, { recursive: true, force: true });
    cpSync(join(samples, sample), this.app, {
      recursive: true,
      filter: (path) => !["node_modules", "dist"].includes(basename(path)),
    });
  }

  /** Runs bin/detect; the plan it wrote is undefined when it does not pass. */
  detect(name: string): Outcome & { plan: Plan | undefined } {
    const file = join(this.directory, "plan.toml");
    writeFileSync(file, "");
    const outcome = this.#run(name, "detect", [this.platform, file], { CNB_BUILD_PLAN_PATH: file });
    if (outcome.status !== 0) return { ...outcome, plan: undefined };
    const plan = parse(readFileSync(file, "utf8")) as Record<string, { name: string }[] | undefined>;
    const names = (key: string) => (plan[key] ?? []).map((entry) => entry.name);
    return { ...outcome, plan: { provides: names("provides"), requires: names("requires") } };
  }

  /** The members of a group that pass and whose plans fit together, or undefined when a required one does not. */
  settle(group: readonly Member[]): string[] | undefined {
    let passed = group.map((member) => ({ ...member, plan: this.detect(member.name).plan }));
    for (;;) {
      const fitting = passed.filter(({ plan }, at) => {
        if (!plan) return false;
        const offered = passed.slice(0, at + 1).flatMap((other) => other.plan?.provides ?? []);
        const asked = passed.slice(at).flatMap((other) => other.plan?.requires ?? []);
        return (
          plan.requires.every((name) => offered.includes(name)) && plan.provides.every((name) => asked.includes(name))
        );
      });
      if (passed.some((member) => !member.optional && !fitting.includes(member))) return undefined;
      if (fitting.length === passed.length) return passed.map(({ name }) => name);
      passed = fitting;
    }
  }

  /** Runs bin/build of each, in order, with what earlier ones left in their build layers; stops at the first that fails. */
  build(names: readonly string[]): Outcome {
    const environment: Record<string, string> = {};
    let output = "";
    for (const name of names) {
      const own = this.layersOf(name);
      mkdirSync(own, { recursive: true });
      for (const file of ["launch.toml", "build.toml"]) rmSync(join(own, file), { force: true });
      const plan = join(this.directory, "buildpack-plan.toml");
      writeFileSync(plan, "");
      const outcome = this.#run(name, "build", [own, this.platform, plan], {
        ...environment,
        CNB_LAYERS_DIR: own,
        CNB_BP_PLAN_PATH: plan,
      });
      output += outcome.output;
      if (outcome.status !== 0) return { status: outcome.status, output };
      for (const layer of this.layerNames(name)) {
        if (this.typesOf(name, layer).includes("build")) fold(join(own, layer), ["env", "env.build"], environment);
      }
    }
    return { status: 0, output };
  }

  /** What a cache and a previous image bring back: cached layers with their metadata, without types; nothing else. */
  restore(): void {
    for (const name of readdirSync(this.layers).map((directory) => directory.replace("plinth_", ""))) {
      const cached = this.layerNames(name).filter((layer) => this.typesOf(name, layer).includes("cache"));
      for (const file of readdirSync(this.layersOf(name))) {
        const layer = file.replace(/(\.sbom\.cdx\.json|\.toml)$/, "");
        if (!cached.includes(layer)) rmSync(join(this.layersOf(name), file), { recursive: true });
      }
      for (const layer of cached) {
        const toml = join(this.layersOf(name), `${layer}.toml`);
        // As the reference writes it: the metadata, indented.
        const metadata = readFileSync(toml, "utf8").replace(/^\[types\][^[]*/, "");
        writeFileSync(toml, metadata.replace(/^(\w)/gm, "  $1"));
      }
    }
  }

  /** The layers directory of a buildpack. */
  layersOf(name: string): string {
    return join(this.layers, `plinth_${name}`);
  }

  /** The layers a buildpack declared, sorted. */
  layerNames(name: string): string[] {
    const reserved = ["launch.toml", "build.toml", "store.toml"];
    const files = existsSync(this.layersOf(name)) ? readdirSync(this.layersOf(name)) : [];
    return files
      .filter((file) => file.endsWith(".toml") && !reserved.includes(file))
      .map((file) => file.slice(0, -".toml".length))
      .sort();
  }

  /** Which of launch, build and cache a layer is, sorted. */
  typesOf(name: string, layer: string): string[] {
    const { types = {} } = parse(readFileSync(join(this.layersOf(name), `${layer}.toml`), "utf8"));
    return Object.entries(types)
      .filter(([, on]) => on)
      .map(([type]) => type)
      .sort();
  }

  /** The processes of the image: of each type the last one declared. */
  processes(names: readonly string[]): Process[] {
    const found = new Map<string, Process>();
    for (const name of names) {
      const file = join(this.layersOf(name), "launch.toml");
      if (!existsSync(file)) continue;
      const { processes = [] } = parse(readFileSync(file, "utf8")) as unknown as { processes?: Process[] };
      for (const process of processes) found.set(process.type, process);
    }
    return [...found.values()];
  }

  /** The environment the launcher would give a process. */
  launchEnvironment(names: readonly string[]): Record<string, string> {
    const environment: Record<string, string> = { PATH: "/usr/bin:/bin", HOME: this.directory };
    for (const name of names) {
      const launched = this.layerNames(name).filter((layer) => this.typesOf(name, layer).includes("launch"));
      for (const layer of launched) fold(join(this.layersOf(name), layer), ["env", "env.launch"], environment);
    }
    return environment;
  }

  /** Starts a process in the app directory and gives back its handle; the caller ends it. */
  start(command: readonly string[], environment: Record<string, string>) {
    return spawn(command[0]!, command.slice(1), {
      cwd: this.app,
      env: environment,
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #run(name: string, script: string, args: string[], extra: Record<string, string>): Outcome {
    const directory = join(buildpacks, name);
    const run = spawnSync(join(directory, "bin", script), args, {
      cwd: this.app,
      encoding: "utf8",
      env: {
        ...machineVariables(),
        CNB_BUILDPACK_DIR: directory,
        CNB_PLATFORM_DIR: this.platform,
        CNB_TARGET_OS: "linux",
        CNB_TARGET_ARCH: process.arch === "x64" ? "amd64" : process.arch,
        ...this.variables,
        ...extra,
      },
    });
    return { status: run.status ?? -1, output: `${run.stdout}${run.stderr}` };
  }
}

/** Of this machine only what reaches the registry: a path, a home and the certificates of a proxy. */
function machineVariables(): Record<string, string> {
  const names = ["PATH", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "NODE_EXTRA_CA_CERTS"];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** Applies bin and the environment files of one layer, as the specification orders them. */
function fold(layer: string, directories: readonly string[], environment: Record<string, string>): void {
  if (existsSync(join(layer, "bin"))) {
    environment["PATH"] = [join(layer, "bin"), environment["PATH"] ?? process.env["PATH"]].join(":");
  }
  for (const directory of directories.map((name) => join(layer, name))) {
    if (!existsSync(directory)) continue;
    for (const file of readdirSync(directory).sort()) {
      const [variable, action] = file.split(".") as [string, string];
      const value = readFileSync(join(directory, file), "utf8");
      const delim = join(directory, `${variable}.delim`);
      const joint = existsSync(delim) ? readFileSync(delim, "utf8") : "";
      const old = environment[variable] ?? "";
      if (action === "override") environment[variable] = value;
      if (action === "default" && old === "") environment[variable] = value;
      if (action === "append") environment[variable] = old === "" ? value : old + joint + value;
      if (action === "prepend") environment[variable] = old === "" ? value : value + joint + old;
    }
  }
}

/**
 * Every file, directory and link under a directory: kind, mode and path, and the sum of the content or the target of
 * the link, with `place` read as nothing, so that what was built at two places can be compared.
 */
export function inventory(directory: string, place: string): Map<string, string> {
  const found = new Map<string, string>();
  const list = spawnSync("find", [directory, "-printf", "%y %m %P\t%l\n"], { encoding: "utf8", maxBuffer: 1 << 28 });
  for (const line of list.stdout.split("\n").filter(Boolean)) {
    const [head, target] = line.split("\t") as [string, string];
    const path = join(directory, head.split(" ").slice(2).join(" "));
    found.set(head, head.startsWith("f") ? sumOf(readFileSync(path, "latin1"), place) : target.replaceAll(place, ""));
  }
  return found;
}

const sumOf = (content: string, place: string): string =>
  createHash("sha256").update(content.replaceAll(place, ""), "latin1").digest("hex");

/** The port a started server says it listens on. */
export async function portOf(server: ChildProcess): Promise<number> {
  let printed = "";
  for await (const chunk of server.stdout!.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    printed += chunk;
    const port = /port (\d+)\n/.exec(printed)?.[1];
    if (port) return Number(port);
  }
  throw new Error(`no port in: ${printed}`);
}
