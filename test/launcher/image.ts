import { type ChildProcessByStdio, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** The folder of the launcher in this repository. */
export const launcherFolder = fileURLToPath(new URL("../../launcher/", import.meta.url));

const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: "amd64", arm64: "arm64" };

/** The committed launcher for an architecture, by default the one of this machine. */
export function launcherFor(architecture = architectures[process.arch] ?? process.arch): string {
  return join(launcherFolder, "dist", `launcher-linux-${architecture}`);
}

/** An executable file of an image; the text of a plain file is a string. */
export interface Executable {
  readonly script: string;
}

/** A bash script as an executable file. */
export const bash = (...lines: string[]): Executable => ({ script: `#!/bin/bash\n${lines.join("\n")}\n` });

/** A symbolic link to a path relative to the link. */
export interface Link {
  readonly to: string;
}

export type Files = Readonly<Record<string, string | Uint8Array | Executable | Link>>;

/** How a launch ended, and everything that was printed. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Running = ChildProcessByStdio<null, Readable, Readable>;

/** The part of an app image that the launcher sees: layers, app directory and a link per process type. */
export interface Image extends AsyncDisposable {
  readonly root: string;
  readonly layers: string;
  readonly app: string;
  /** Starts `name` (a process type, or `launcher`) with arguments; a variable of `undefined` is unset. */
  start(name: string, args?: readonly string[], env?: Readonly<Record<string, string | undefined>>): Promise<Running>;
  /** Starts it and waits for its end. */
  run(name: string, args?: readonly string[], env?: Readonly<Record<string, string | undefined>>): Promise<Outcome>;
}

const basicEnv = { PATH: "/usr/local/bin:/usr/bin:/bin", CNB_PLATFORM_API: "0.14", CNB_NO_COLOR: "true" };

/** Writes the files, whose paths begin with `layers/` or `app/`, to a new temporary folder. */
export async function openImage(files: Files): Promise<Image> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "launcher-")));
  const layers = join(root, "layers");
  const app = join(root, "app");
  await mkdir(join(root, "process"));
  await mkdir(join(layers, "config"), { recursive: true });
  await mkdir(app);
  for (const [path, file] of Object.entries(files)) {
    await write(join(root, path), file);
  }
  const image: Image = {
    root,
    layers,
    app,
    async start(name, args = [], env = {}) {
      const link = join(root, "process", name);
      await symlink(launcherFor(), link).catch(() => undefined); // it stays from an earlier run
      const variables = { ...basicEnv, CNB_LAYERS_DIR: layers, CNB_APP_DIR: app, ...env };
      return spawn(link, args, { env: variables, cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    },
    async run(name, args, env) {
      return outcomeOf(await image.start(name, args, env));
    },
    async [Symbol.asyncDispose]() {
      await rm(root, { recursive: true, force: true });
    },
  };
  return image;
}

async function write(path: string, file: Files[string]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (typeof file === "string" || file instanceof Uint8Array) {
    await writeFile(path, file);
  } else if ("to" in file) {
    await symlink(file.to, path);
  } else {
    await writeFile(path, file.script);
    await chmod(path, 0o755);
  }
}

/** Everything a program prints, and how it ends. */
export async function outcomeOf(child: Running): Promise<Outcome> {
  const ended = new Promise<Pick<Outcome, "code" | "signal">>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  const [stdout, stderr, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { ...end, stdout, stderr };
}

/** The path of metadata.toml inside an image's files. */
export const metadata = "layers/config/metadata.toml";

/** A metadata.toml with buildpacks by id and API, and processes by type and the rest of their keys as TOML. */
export function metadataOf(
  buildpacks: Readonly<Record<string, string>>,
  processes: Readonly<Record<string, string>> = {},
): string {
  return [
    ...Object.entries(buildpacks).map(
      ([id, api]) => `[[buildpacks]]\n  id = "${id}"\n  version = "1"\n  api = "${api}"\n`,
    ),
    ...Object.entries(processes).map(([type, keys]) => `[[processes]]\n  type = "${type}"\n${keys}\n`),
  ].join("\n");
}

/** The variables that `env` printed. */
export function variablesOf(printed: string): Record<string, string> {
  const pairs = printed.split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(pairs.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}
