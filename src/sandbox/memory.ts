import { randomUUID } from "node:crypto";
import { mkdir, readFile, readlink, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf } from "../std/fault.ts";
import type { HostPath } from "../std/path.ts";
import { readFacts } from "./refusal.ts";
import { toolPath } from "./spawn.ts";

/** Programs that sandboxes are made of. */
const tools = ["bwrap", "unshare", "setpriv", "nsenter", "mount", "mkfifo", "env", "sh"];

async function markOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? "" : `${path} ${found.dev} ${found.ino} ${found.ctimeMs} ${found.mode}`;
}

async function textOf(path: string): Promise<string> {
  return (await readFile(path, "utf8").catch(() => "")).trim();
}

/** What a program may do, by what the kernel says of this one; its children are what it is. */
const rights = /^(?:Uid|Gid|Groups|NoNewPrivs|Seccomp|Seccomp_filters|Cap\w+):.*$/gm;

/** All that decides whether a sandbox can be made here, as far as it can be asked for: this start of the machine, its settings, our rights, the programs. */
async function circumstances(): Promise<string> {
  const paths = toolPath.split(":").flatMap((folder) => tools.map((tool) => `${folder}/${tool}`));
  const namespaces = ["user", "mnt", "pid", "net"].map((kind) => readlink(`/proc/self/ns/${kind}`).catch(() => ""));
  const [boot, status, profile, facts, spaces, marks] = await Promise.all([
    textOf("/proc/sys/kernel/random/boot_id"),
    textOf("/proc/self/status"),
    textOf("/proc/self/attr/current"),
    readFacts(),
    Promise.all(namespaces),
    Promise.all(paths.map(markOf)),
  ]);
  return boot && JSON.stringify([boot, status.match(rights), profile, facts, spaces, marks.filter(Boolean)]);
}

interface Kept {
  readonly circumstances: string;
  readonly answers: Readonly<Record<string, string>>;
}

/** What was found by trying, kept in a file for as long as all that it depends on is what it was. */
export class Memory {
  readonly #path: HostPath;
  #kept: Promise<Kept> | undefined;

  constructor(path: HostPath) {
    this.#path = path;
  }

  /** The answer that was kept; undefined when there is none that still holds. */
  async recall(question: string): Promise<string | undefined> {
    return (await this.#read()).answers[question];
  }

  /** Keeps an answer; where that is not possible, the next one who asks has to try again. */
  async keep(question: string, answer: string): Promise<void> {
    const { circumstances: now, answers } = await this.#read();
    const kept = { circumstances: now, answers: { ...answers, [question]: answer } };
    this.#kept = Promise.resolve(kept);
    if (now === "") return;
    const fresh = `${this.#path}.${randomUUID()}`;
    await attempt(async () => {
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFile(fresh, JSON.stringify(kept), { mode: 0o600 });
      await rename(fresh, this.#path);
    });
  }

  /** Drops all of it: something that was said to work did not. */
  async forget(): Promise<void> {
    this.#kept = undefined;
    await attempt(() => rm(this.#path, { force: true }));
  }

  #read(): Promise<Kept> {
    this.#kept ??= this.#load();
    return this.#kept;
  }

  async #load(): Promise<Kept> {
    const [now, text] = await Promise.all([circumstances(), textOf(this.#path)]);
    const none = { circumstances: now, answers: {} };
    try {
      const kept = JSON.parse(text) as Kept;
      return kept.circumstances === now ? kept : none;
    } catch {
      return none;
    }
  }
}

async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}
