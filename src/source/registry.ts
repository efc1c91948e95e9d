import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rename, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import {
  chooseVersion,
  indexPath,
  parseIndexFile,
  type RegistryChoice,
  type RegistryId,
} from "../cnb/registry-index.ts";
import { type Emit, logTo } from "../std/event.ts";
import { loadExeca } from "../std/execa.ts";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { isDirectory, kindOf, readText } from "../std/file.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import { withLock } from "../store/layout/lock.ts";

/** A buildpack registry: its name in the configuration, and its index, a git repository or a directory on this machine. */
export interface BuildpackRegistry {
  readonly name: string;
  readonly url: string;
}

/** The registry every pack knows. */
export const officialRegistry: BuildpackRegistry = {
  name: "official",
  url: "https://github.com/buildpacks/registry-index",
};

/** How a registry's index is reached. */
export interface RegistryAccess {
  /** Clones are kept below this directory, `registry-<sha256 of the URL>` each, where pack keeps them too. */
  readonly home: HostPath;
  /** Use the clone as it is; without one the index cannot be read. */
  readonly offline?: boolean;
  readonly emit: Emit;
  readonly signal?: AbortSignal | undefined;
}

/** The registry of this name among those that are configured; the default one without a name. Throws Fault `registry.name`. */
export function registryNamed(
  registries: readonly BuildpackRegistry[],
  name: string | undefined,
  byDefault: string | undefined,
): BuildpackRegistry {
  const all = [...registries, officialRegistry];
  const wanted = name ?? byDefault ?? officialRegistry.name;
  const found = all.find((registry) => registry.name === wanted);
  if (found) return found;
  throw new Fault("registry.name", `Cannot use buildpack registry "${wanted}": there is none of this name`, {
    exit: "usage",
    hint: `configured are ${[...new Set(all.map((registry) => registry.name))].join(", ")}; \`pack config registries add\` adds one`,
  });
}

function localPath(url: string): HostPath | undefined {
  if (isAbsolute(url)) return hostPath(url);
  return url.startsWith("file:///") ? hostPath(decodeURIComponent(new URL(url).pathname)) : undefined;
}

async function isBare(path: HostPath): Promise<boolean> {
  return (await kindOf(under(path, "HEAD"))) === "file" && (await isDirectory(under(path, "objects")));
}

async function git(args: readonly string[], place: string, signal: AbortSignal | undefined): Promise<void> {
  const execa = await loadExeca();
  const result = await execa("git", args, {
    env: { LC_ALL: "C", GIT_TERMINAL_PROMPT: "0" },
    stdin: "ignore",
    reject: false,
    ...(signal && { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  if (result.code === "ENOENT")
    throw new Fault("registry.git", `Cannot read registry index at ${place}: the program git is not on this machine`, {
      cause: result.cause,
      hint: "install git, or name a directory that holds the index",
    });
  if (result.exitCode !== 0) {
    const lines = result.stderr.trim().split("\n");
    throw new Fault("registry.git", `Cannot read registry index at ${place}: ${lines.at(-1) || "git failed"}`);
  }
}

/** No link of a stranger's repository is made on this machine: it would lead a reader elsewhere. */
const careful = ["-c", "core.symlinks=false", "-c", "core.hooksPath=/dev/null"];

async function clone(url: string, root: HostPath, access: RegistryAccess): Promise<void> {
  const fresh = hostPath(await mkdtemp(under(access.home, "registry-clone-")));
  try {
    await git([...careful, "clone", "--quiet", "--depth", "1", "--", url, fresh], url, access.signal);
    // What is written down counts for the updates, too.
    await git(["-C", fresh, "config", "core.symlinks", "false"], url, access.signal);
    await rename(fresh, root);
  } finally {
    await removeTree(fresh);
  }
}

async function update(url: string, root: HostPath, { emit, signal }: RegistryAccess): Promise<void> {
  try {
    await git([...careful, "-C", root, "fetch", "--quiet", "--depth", "1", "origin", "HEAD"], url, signal);
    await git([...careful, "-C", root, "reset", "--quiet", "--hard", "FETCH_HEAD"], url, signal);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    logTo(emit).warn(`Using the registry index as it was last fetched: ${reasonOf(error)}`);
  }
}

/** The directory of a registry's index, cloned or brought up to date as far as that is needed. */
async function openIndex({ url }: BuildpackRegistry, access: RegistryAccess): Promise<HostPath> {
  const path = localPath(url);
  if (path && (await isDirectory(path)) && !(await isBare(path))) return path;
  const { home, offline = false } = access;
  const root = under(home, `registry-${createHash("sha256").update(url).digest("hex")}`);
  const isThere = await isDirectory(under(root, ".git"));
  if (offline) {
    if (isThere) return root;
    throw new Fault("registry.offline", `Cannot read registry index at ${url}: it was never fetched`, {
      hint: "fetch it once with the network",
    });
  }
  await mkdir(home, { recursive: true });
  await withLock(under(home, "registry.lock"), async () => {
    if (await isDirectory(under(root, ".git"))) return update(url, root, access);
    await removeTree(root);
    return clone(url, root, access);
  });
  return root;
}

/**
 * The image of a buildpack by its id: the version asked for, else the highest that was not yanked (Registry spec). Throws Fault
 * `registry.*`; a clone that cannot be brought up to date is used as it is, with a warning.
 */
export async function findInRegistry(
  id: RegistryId,
  registry: BuildpackRegistry,
  access: RegistryAccess,
): Promise<RegistryChoice> {
  const root = await openIndex(registry, access);
  const path = indexPath(id);
  const text = (await isRegularFile(root, path)) ? await readText(under(root, path)) : undefined;
  if (text === undefined)
    throw new Fault(
      "registry.missing",
      `Cannot find buildpack ${id.namespace}/${id.name} in the registry ${registry.name}: it does not list it`,
      { exit: "usage" },
    );
  const choice = chooseVersion(parseIndexFile(text, `${registry.name}/${path}`), id);
  if (choice.warning) logTo(access.emit).warn(choice.warning);
  return choice;
}

/** The largest index file we take into memory, in bytes. */
const fileLimit = 16 * 1024 * 1024;

/** Whether a file stands there, and no link on the way to it. */
async function isRegularFile(root: HostPath, path: string): Promise<boolean> {
  let at = root;
  for (const part of path.split("/").slice(0, -1)) {
    at = under(at, part);
    if ((await kindOf(at)) !== "directory") return false;
  }
  if ((await kindOf(under(root, path))) !== "file") return false;
  try {
    return (await stat(under(root, path))).size <= fileLimit;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}
