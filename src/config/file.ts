import { randomUUID } from "node:crypto";
import { mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { readText } from "../std/file.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import { editToml, type TomlEdit } from "../std/toml-edit.ts";
import { withLock } from "../store/layout/lock.ts";
import { type Config, parseConfig } from "./config.ts";

/** The configuration's file, the one pack has. */
export function configPath(home: HostPath): HostPath {
  return under(home, "config.toml");
}

async function textAt(path: HostPath): Promise<string> {
  try {
    return (await readText(path)) ?? "";
  } catch (cause) {
    throw new Fault("config.read", `Cannot read configuration at ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** Reads the configuration below a home; one that is not there says nothing. Throws Fault `config.read` and the parser's. */
export async function readConfig(home: HostPath): Promise<Config> {
  const path = configPath(home);
  return parseConfig(await textAt(path), path);
}

/** The file itself when it is kept elsewhere behind a link, as people do who version their settings. */
async function realFile(path: HostPath): Promise<HostPath> {
  try {
    return hostPath(await realpath(path));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return path;
    throw error;
  }
}

async function replace(path: HostPath, text: string): Promise<void> {
  const mode = await stat(path).then(
    (found) => found.mode & 0o777,
    () => 0o600,
  );
  const fresh = `${path}.${randomUUID()}`;
  const file = await open(fresh, "wx", mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path).catch(async (error) => {
    await rm(fresh, { force: true });
    throw error;
  });
}

/**
 * Changes the configuration below a home by what `plan` says of it, and gives what it is then: the file is replaced as a whole, no other change made
 * meanwhile is lost, and what we do not know in it stays. Throws what `plan` throws, and Fault `config.write`; then nothing has changed.
 */
export async function changeConfig(home: HostPath, plan: (config: Config) => readonly TomlEdit[]): Promise<Config> {
  const path = configPath(home);
  await mkdir(home, { recursive: true });
  return withLock(`${path}.lock`, async () => {
    const before = await textAt(path);
    const edits = plan(parseConfig(before, path));
    const after = edits.reduce((text, edit) => editToml(text, path, edit), before);
    const config = parseConfig(after, path);
    if (after === before) return config;
    try {
      const file = await realFile(path);
      await mkdir(dirname(file), { recursive: true });
      await replace(file, after);
    } catch (cause) {
      if (errnoOf(cause) === undefined) throw cause;
      throw new Fault("config.write", `Cannot write configuration at ${path}: ${reasonOf(cause)}`, { cause });
    }
    return config;
  });
}
