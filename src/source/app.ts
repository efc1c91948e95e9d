import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  type Stats,
  symlinkSync,
} from "node:fs";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import type { HostPath } from "../std/path.ts";
import { fileMark, settledBefore } from "../tar/fingerprint.ts";
import { byteString, systemPath, textOf } from "../tar/name.ts";
import { removeAll, statOf } from "../tar/remove.ts";
import { turns } from "../tar/turn.ts";
import { copyFile } from "./copy-file.ts";

/**
 * Says whether a path (relative to the app, `/`-separated, directories with a trailing `/`) goes into the build. What is inside a directory
 * that does not is not asked about; one that is only `within` goes in when something inside does.
 */
export type Selects = (path: string) => boolean | "within";

/** The marks of a file and of its copy at a time when both had the same content. */
export interface CopiedFile {
  readonly source: string;
  readonly copy: string;
}

/** How an app is copied. */
export interface CopyOptions {
  readonly selects?: Selects | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Files that an earlier call has copied to this very place, by path as a byte string. */
  readonly known?: ReadonlyMap<string, CopiedFile> | undefined;
  /** A file time (`fileTime`) from before the call, of the file system of the copy; without it `files` of the result stays empty. */
  readonly moment?: number | undefined;
}

/** What became of an app. */
export interface AppCopy {
  /** How many files and bytes the app has. */
  readonly count: number;
  readonly bytes: number;
  /** How many files had to be copied. */
  readonly copied: number;
  /** The youngest change time of what had to be copied, in milliseconds since 1970. */
  readonly youngest: number;
  /** What a later call may be told as `known`: files whose source cannot change unseen any more, and whose copy cannot once the time is past `youngest`. */
  readonly files: ReadonlyMap<string, CopiedFile>;
}

/** The clock of another machine, which a shared file system goes by, may be off by this many milliseconds. */
const skew = 2000;

const readable = 0o755;

class Copying {
  count = 0;
  bytes = 0;
  copied = 0;
  youngest = Number.NEGATIVE_INFINITY;
  readonly files = new Map<string, CopiedFile>();
  readonly #from: string;
  readonly #to: string;
  readonly #options: CopyOptions;
  readonly #pause: () => Promise<void> | undefined;
  readonly #user = process.geteuid?.();
  readonly #device: number;

  constructor(from: HostPath, to: HostPath, options: CopyOptions) {
    this.#from = byteString(from);
    this.#to = byteString(to);
    this.#options = options;
    this.#pause = turns(options.signal);
    this.#device = lstatSync(to).dev;
  }

  /** Makes the directory at `path` (empty for the top, else with a slash at its end) the same in the copy. */
  async directory(path: string): Promise<void> {
    const folder = systemPath(`${this.#to}/${path}`);
    const stale = new Set<string>(readdirSync(folder, "latin1"));
    for (const name of readdirSync(systemPath(`${this.#from}/${path}`), "latin1")) {
      const wait = this.#pause();
      if (wait !== undefined) await wait;
      const inner = path + name;
      const source = statOf(`${this.#from}/${inner}`);
      const verdict = source !== undefined && this.#isSelected(inner, source);
      if (source === undefined || verdict === false) continue;
      const found = stale.delete(name) ? statOf(`${this.#to}/${inner}`) : undefined;
      if (source.isDirectory()) {
        this.#makeDirectory(inner, found);
        await this.directory(`${inner}/`);
        if (verdict === "within") this.#dropEmpty(inner);
      } else if (source.isSymbolicLink()) this.#link(inner, found);
      else this.#file(inner, source, found);
    }
    for (const name of stale) removeAll(`${this.#to}/${path}${name}`, () => undefined);
  }

  #isSelected(path: string, source: Stats): boolean | "within" {
    if (path === ".git" || !(source.isDirectory() || source.isSymbolicLink() || source.isFile())) return false;
    return this.#options.selects?.(textOf(source.isDirectory() ? `${path}/` : path)) ?? true;
  }

  #makeDirectory(path: string, found: Stats | undefined): void {
    const target = systemPath(`${this.#to}/${path}`);
    const isThere = found?.isDirectory() === true && found.uid === this.#user;
    if (isThere && (found.mode & 0o7777) === readable) return;
    if (!isThere) {
      this.#clear(path, found);
      mkdirSync(target);
    }
    chmodSync(target, readable);
  }

  #link(path: string, found: Stats | undefined): void {
    const target = systemPath(`${this.#to}/${path}`);
    const leads = readlinkSync(systemPath(`${this.#from}/${path}`), "latin1");
    const isThere = found?.isSymbolicLink() === true && found.uid === this.#user;
    if (isThere && readlinkSync(target, "latin1") === leads) return;
    this.#clear(path, found);
    symlinkSync(systemPath(leads), target);
  }

  #file(path: string, source: Stats, found: Stats | undefined): void {
    this.count += 1;
    this.bytes += source.size;
    const mark = fileMark(source);
    const known = this.#options.known?.get(path);
    const isSame = known?.source === mark && found?.isFile() === true && known.copy === fileMark(found);
    const target = `${this.#to}/${path}`;
    if (!isSame) {
      this.#clear(path, found);
      const mode = source.mode & 0o100 ? 0o755 : 0o644;
      copyFile(systemPath(`${this.#from}/${path}`), systemPath(target), { size: source.size, mode });
      this.copied += 1;
    }
    const { moment } = this.#options;
    if (moment === undefined) return;
    const copy = isSame ? found : lstatSync(systemPath(target));
    if (!isSame) this.youngest = Math.max(this.youngest, copy.ctimeMs);
    const before = source.dev === this.#device ? moment : moment - skew;
    if (settledBefore(before, source.ctimeMs)) this.files.set(path, { source: mark, copy: fileMark(copy) });
  }

  #dropEmpty(path: string): void {
    const folder = systemPath(`${this.#to}/${path}`);
    if (readdirSync(folder).length === 0) rmdirSync(folder);
  }

  #clear(path: string, found: Stats | undefined): void {
    if (found !== undefined) removeAll(`${this.#to}/${path}`, () => undefined);
  }
}

/**
 * Makes a directory the copy of the source directory: directories 0755, files 0755 when their owner may run them, else 0644, as a
 * version control system keeps them, so that the image does not depend on the umask of a checkout. Symbolic links are copied as
 * they are; sockets, devices and pipes, and the version control's own folder at the top, are left out; what else is in the copy goes. A file that
 * is known to be unchanged on both sides is left alone. The source is only read. Throws Fault `app.read`.
 */
export async function copyApp(from: HostPath, to: HostPath, options: CopyOptions = {}): Promise<AppCopy> {
  try {
    const copying = new Copying(from, to, options);
    chmodSync(to, readable);
    await copying.directory("");
    return copying;
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    throw new Fault("app.read", `Cannot copy app from ${from}: ${reasonOf(cause)}`, {
      cause,
      ...(errnoOf(cause) === "ENOSPC" && { hint: "the disk behind PACK_HOME is full" }),
    });
  }
}
