import type { ProjectSource } from "../cnb/project-file.ts";
import type { HostPath } from "../std/path.ts";

/** A URL without the name and password that may stand in it, and without what follows its path. */
export function withoutSecrets(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, "$1").replace(/[?#].*$/s, "");
}

/** Nothing of the repository's own settings may start a program, and nobody is asked for a password. */
const safely = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];

/** A hook that builds must not make git speak of the repository it runs in. */
const elsewhere = { GIT_DIR: undefined, GIT_WORK_TREE: undefined, GIT_INDEX_FILE: undefined };

/** The lines git prints; undefined when it fails or is not installed. */
async function ask(app: HostPath, words: readonly string[]): Promise<string[] | undefined> {
  const { execa } = await import("execa");
  const result = await execa("git", [...safely, "-C", app, ...words], {
    env: { LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0", ...elsewhere },
    stdin: "ignore",
    reject: false,
  });
  return result.exitCode === 0 ? result.stdout.split("\n").filter((line) => line !== "") : undefined;
}

/** Tags at a commit in pack's order: annotated ones, the newest first, then the others by name. */
async function tagsAt(app: HostPath, commit: string): Promise<readonly string[]> {
  const format = "%(objecttype)%09%(taggerdate:unix)%09%(refname:strip=2)";
  const lines = (await ask(app, ["for-each-ref", `--points-at=${commit}`, `--format=${format}`, "refs/tags"])) ?? [];
  const tags = lines.map((line) => {
    const [type, time, name] = line.split("\t") as [string, string, string];
    return { isAnnotated: type === "tag", time: Number(time), name };
  });
  const byTime = tags.filter((tag) => tag.isAnnotated).sort((a, b) => b.time - a.time);
  const byName = tags.filter((tag) => !tag.isAnnotated).sort((a, b) => (a.name < b.name ? -1 : 1));
  return [...byTime, ...byName].map((tag) => tag.name);
}

async function remoteOf(app: HostPath): Promise<string | undefined> {
  const names = (await ask(app, ["remote"])) ?? [];
  const name = names.find((one) => one === "origin") ?? names[0];
  const [url] = name === undefined ? [] : ((await ask(app, ["config", "--get-all", `remote.${name}.url`])) ?? []);
  return url === undefined ? undefined : withoutSecrets(url);
}

/**
 * Where the source comes from, when its directory is the top of a git repository with a commit: the commit, what `git describe` calls it,
 * the branch and tags there, and the URL of its remote, which keeps no secret. Undefined otherwise, and without git on this machine.
 */
export async function readGitSource(app: HostPath): Promise<ProjectSource | undefined> {
  // The prefix is a line of its own only where it is not empty: below the top.
  const [commit, ...more] = (await ask(app, ["rev-parse", "--show-prefix", "HEAD"])) ?? [];
  if (commit === undefined || more.length > 0) return undefined;
  const [describe, branch, tags, url] = await Promise.all([
    ask(app, ["describe", "--tags", "--always", "--abbrev=40"]),
    ask(app, ["symbolic-ref", "--short", "-q", "HEAD"]),
    tagsAt(app, commit),
    remoteOf(app),
  ]);
  return {
    type: "git",
    version: { commit, describe: describe?.[0] ?? commit },
    metadata: { refs: [...(branch ?? []), ...tags], url: url ?? "" },
  };
}
