import { chmodSync, mkdirSync, readlinkSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { errnoOf } from "../std/fault.ts";
import type { HostPath } from "../std/path.ts";
import { escaping, unwritable } from "./fault.ts";
import { type ByteString, byteString, systemPath } from "./name.ts";
import { removeAll, statOf } from "./remove.ts";

/**
 * What an archive may do with a symbolic link on the way to an entry: nothing, or follow it as if the tree were the
 * whole file system.
 */
export type LinkRule = "refuse" | "resolve";

/** As many symbolic links may lie on one way, as on Linux. */
const maxLinks = 40;
/** As many ways are remembered at most, so that memory stays bounded. */
const maxKnown = 4096;
/** What the owner of a directory needs to write in it. */
const writable = 0o300;

/** The parts of a name from its top, without empty ones and dots; Fault `tar.escape` when one of them is `..`. */
export function partsOf(name: string): string[] {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw escaping(name, 'its name goes up by ".."');
  return parts;
}

/**
 * A directory of this machine into which an archive is written, and the guard that nothing is written anywhere else:
 * every way to an entry is walked part by part, links are never followed by the system. Directories stay writable while
 * it is open; `close` gives them their modes. Nobody else may change the tree meanwhile. Paths are byte strings.
 */
export class HostTree {
  readonly root: ByteString;
  readonly #links: LinkRule;
  readonly #known = new Map<string, string>();
  readonly #new = new Set<string>();
  /** Directories that are to forbid their owner to write in them, and their modes. */
  readonly #sealed = new Map<string, number>();
  readonly #user = process.geteuid?.();

  /**
   * Takes a directory; one that is missing is made, with mode 0755. Fault `tar.escape` when something else stands
   * there.
   */
  constructor(root: HostPath, links: LinkRule) {
    this.root = byteString(root);
    this.#links = links;
    const found = statOf(this.root);
    if (found === undefined) {
      mkdirSync(dirname(root), { recursive: true });
      this.makeDirectory(this.root);
    } else if (!found.isDirectory()) throw escaping(this.root, "something that is not a directory stands there");
    else this.#unlock(this.root, found);
  }

  /** The directory these parts lead to, made where it is missing; `name` is the entry a fault speaks of. */
  directoryAt(parts: readonly string[], name: string): string {
    const key = parts.join("/");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = this.#resolve(parts, name);
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(key, found);
    return found;
  }

  /** Makes one directory, mode 0755; false when something that is not a directory stands there. */
  makeDirectory(path: string): boolean {
    try {
      mkdirSync(systemPath(path), 0o755);
    } catch (error) {
      const found = errnoOf(error) === "EEXIST" ? statOf(path) : undefined;
      if (found === undefined) throw error;
      if (found.isDirectory()) this.#unlock(path, found);
      return found.isDirectory();
    }
    chmodSync(systemPath(path), 0o755);
    this.#new.add(path);
    return true;
  }

  /** Whether this archive brought the directory about. */
  isNew(path: string): boolean {
    return this.#new.has(path);
  }

  /** Gives a directory its mode: at once, or at `close` when it forbids its owner to write in it. */
  setMode(path: string, mode: number): void {
    const stays = (mode & writable) === writable;
    chmodSync(systemPath(path), stays ? mode : mode | 0o700);
    if (stays) this.#sealed.delete(path);
    else this.#sealed.set(path, mode);
  }

  /**
   * Removes what stands at a path and all in it, whatever the modes of its directories; links themselves, not what they
   * point to.
   */
  remove(path: string): void {
    // A way may lead over what is removed.
    if (!statOf(path)?.isFile()) this.#known.clear();
    removeAll(path, (directory) => {
      this.#sealed.delete(directory);
      this.#new.delete(directory);
    });
  }

  /** Gives every directory the mode it was kept from. The tree must not be written to afterwards. */
  close(): void {
    // Children sort behind their parents: reversed, a parent that forbids to enter it comes last.
    for (const [path, mode] of [...this.#sealed].sort().reverse()) chmodSync(systemPath(path), mode);
    this.#sealed.clear();
    this.#known.clear();
  }

  /** Lets its owner write in a directory until `close`. */
  #unlock(path: string, stats: Stats): void {
    const mode = stats.mode & 0o7777;
    if ((mode & writable) === writable || stats.uid !== this.#user) return;
    chmodSync(systemPath(path), mode | 0o700);
    if (!this.#sealed.has(path)) this.#sealed.set(path, mode);
  }

  #resolve(parts: readonly string[], name: string): string {
    const todo = [...parts].reverse();
    const trail: string[] = [this.root];
    let links = 0;
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      if (part === "..") {
        if (trail.length === 1) throw escaping(name, "a link on its way leads out of the archive's place");
        trail.pop();
        continue;
      }
      const path = `${trail.at(-1)}/${part}`;
      const found = statOf(path);
      if (found === undefined) this.makeDirectory(path);
      else if (found.isSymbolicLink()) {
        if (this.#links === "refuse") throw escaping(name, "a symbolic link stands on its way");
        if (++links > maxLinks) throw escaping(name, "too many symbolic links stand on its way");
        const target = readlinkSync(systemPath(path), "latin1");
        if (target.startsWith("/")) trail.length = 1;
        const steps = target.split("/").filter((step) => step !== "" && step !== ".");
        todo.push(...steps.reverse());
        continue;
      } else if (found.isDirectory()) this.#unlock(path, found);
      else throw unwritable(name, Object.assign(new Error(), { code: "ENOTDIR" }));
      trail.push(path);
    }
    return trail.at(-1)!;
  }
}
