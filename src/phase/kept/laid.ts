import { execFile } from "node:child_process";
import { chmod, lstat, mkdir, rename } from "node:fs/promises";
import { promisify } from "node:util";
import type { Overlay } from "../../sandbox/contract.ts";
import { errnoOf, Fault } from "../../std/fault.ts";
import { type HostPath, under } from "../../std/path.ts";
import { fileTime } from "../../tar/file-time.ts";
import { settledBefore, stateOf, stateOfTree, type TreeState } from "../../tar/fingerprint.ts";
import { column, isDirectory, isFile, isLink, type Lister, type TreeList, width } from "../../tar/list.ts";
import { LayerAhead } from "./ahead.ts";
import type { AppWay } from "./app.ts";
import type { Keeping } from "./layers.ts";
import {
  type AppLayersRecord,
  frameOf,
  isSameFrame,
  type KnownTar,
  readRecord,
  type SourceRecord,
  type Verdict,
  writeList,
  writeRecord,
} from "./record.ts";

const slot = "source";
/** What the copy leaves out too (docs/decisions/app-copy.md). */
const hidden = ".git";
/** The clock of another machine, which a shared file system goes by, may be off by this many milliseconds. */
const skew = 2000;

/** What a look at the source tells. */
interface Source {
  readonly list: TreeList;
  readonly state: TreeState;
  readonly count: number;
  readonly bytes: number;
  /** Whether a copy of it would look the same to whoever builds. */
  readonly isAsCopied: boolean;
}

const user = process.geteuid?.();
const group = process.getegid?.();

function sourceOf(list: TreeList): Source {
  const { table } = list;
  let count = 0;
  let bytes = 0;
  let isAsCopied = true;
  for (let at = 0; at < table.length; at += width) {
    const mode = table[at + column.mode]!;
    const rights = mode & 0o7777;
    const isPlain = isFile({ mode })
      ? rights === 0o644 || rights === 0o755
      : isLink({ mode }) || (isDirectory({ mode }) && rights === 0o755);
    const isOurs = table[at + column.uid] === user && table[at + column.gid] === group;
    // The root, which comes first, has the mode of the directory laid over it, and what is mounted in the source would not be seen.
    isAsCopied &&= at === 0 || (isPlain && isOurs && table[at + column.dev] === table[column.dev]);
    if (!isFile({ mode })) continue;
    count += 1;
    bytes += table[at + column.size]!;
  }
  return { list, state: stateOf(list), count, bytes, isAsCopied };
}

/** Marks a name as not there, for overlayfs; false where that cannot be done. */
async function hide(path: HostPath): Promise<boolean> {
  const env = { PATH: "/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin" };
  return promisify(execFile)("mknod", [path, "c", "0", "0"], { env }).then(
    () => true,
    () => false,
  );
}

async function isThere(path: HostPath): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** A list of the source, and a file time from before it was made. */
export interface SourceLook {
  readonly moment: number;
  readonly list: TreeList;
}

/** Looks at the source; the time is that of files in `place`, which is on the disk of the workspace. Throws Fault `tar.read`. */
export async function lookAtSource(
  list: Lister,
  place: HostPath,
  { from, signal }: Pick<AppWay, "from" | "signal">,
): Promise<SourceLook> {
  const moment = await fileTime(place);
  return { moment, list: await list(from, { without: hidden, signal }) };
}

/** What the last build left of the source and of the layers it made from it. */
interface Former {
  readonly folder: HostPath;
  readonly image: AppLayersRecord;
}

interface Found {
  readonly before: Source;
  readonly work: HostPath;
  /** The fingerprint of the directory for what is changed, while nothing is. */
  readonly upper: string;
  readonly former: Former | undefined;
  readonly ahead: LayerAhead | undefined;
}

/** The app's source itself below a directory for what buildpacks change: nothing is copied (docs/decisions/app-overlay.md). */
export class LaidApp implements AsyncDisposable {
  /** For the sandbox: the source is the lower directory. */
  readonly overlay: Pick<Overlay, "lower" | "upper" | "work">;
  readonly summary: string;
  readonly #keeping: Keeping;
  readonly #way: AppWay;
  readonly #before: Source;
  readonly #upper: string;
  readonly #former: Former | undefined;
  readonly #ahead: LayerAhead | undefined;
  #image: AppLayersRecord | undefined;
  #isUnchanged = false;
  #slices = "";

  private constructor(keeping: Keeping, way: AppWay, found: Found) {
    this.#keeping = keeping;
    this.#way = way;
    this.#before = found.before;
    this.#upper = found.upper;
    this.#former = found.former;
    this.#ahead = found.ahead;
    this.#image = found.former?.image;
    this.overlay = { lower: [way.from], upper: way.to.host, work: found.work };
    this.summary = `Took ${found.before.count} files (${found.before.bytes} bytes) of the app from where they are`;
  }

  /** Undefined when a copy has to be made: it would not look like the source, or the source was changed just now. Throws Fault `tar.read`. */
  static async open(keeping: Keeping, way: AppWay, begun?: Promise<SourceLook>): Promise<LaidApp | undefined> {
    const { aside, slots, epoch } = keeping;
    const { from, to } = way;
    const { moment, list } = await (begun ?? lookAtSource(keeping.list, aside, way));
    const before = sourceOf(list);
    if (!before.isAsCopied) return undefined;
    const isNear = (await lstat(from)).dev === (await lstat(aside)).dev;
    if (!settledBefore(isNear ? moment : moment - skew, before.state.youngest)) return undefined;
    await chmod(to.host, 0o755);
    if ((await isThere(under(from, hidden))) && !(await hide(under(to.host, hidden)))) return undefined;
    const work = under(aside, "app-work");
    await mkdir(work);
    const upper = (await stateOfTree(to.host)).digest;
    // What an earlier build has copied is of no use now.
    await slots.take("app");
    const folder = await slots.take(slot);
    const record = folder && (await readRecord<SourceRecord>(under(folder, "record"), epoch));
    const former = record && { folder, image: record.image };
    const isNew = former !== undefined && former.image.tree !== before.state.digest;
    const ahead = isNew ? await LayerAhead.begin(keeping, former, { ...to, host: from }, before.list) : undefined;
    return new LaidApp(keeping, way, { before, work, upper, former, ahead });
  }

  /** Looks at source and changes after the build; tells what `KeptApp.look` does. Throws Fault `app.changed`. */
  async look(slices: readonly (readonly string[])[], signal?: AbortSignal): Promise<readonly Verdict[] | undefined> {
    await this.confirm(signal);
    const { digest } = await stateOfTree(this.#way.to.host);
    this.#isUnchanged = digest === this.#upper;
    this.#slices = JSON.stringify(slices);
    const image = this.#image;
    if (image?.slices !== this.#slices || !isSameFrame(image, frameOf(this.#way.to, this.#keeping.owner)))
      return undefined;
    if (this.#isUnchanged && image.tree === this.#before.state.digest) return image.layers;
    if (image.layers.length > 1) return undefined;
    return [(this.#isUnchanged && this.#ahead) || "touched"];
  }

  /** Throws Fault `app.changed` unless the source is what it was at the beginning. */
  async confirm(signal?: AbortSignal): Promise<void> {
    const { digest } = stateOf(await this.#keeping.list(this.#way.from, { without: hidden, signal }));
    if (digest !== this.#before.state.digest) throw this.#changed();
  }

  #changed(): Fault {
    return new Fault(
      "app.changed",
      `Cannot build app at ${this.#way.from}: it was changed while buildpacks worked on it`,
      { hint: "build again when nothing writes to it any more" },
    );
  }

  /** Remembers the tars of the app's layers, made after `look`. */
  remember(layers: readonly KnownTar[]): void {
    const frame = frameOf(this.#way.to, this.#keeping.owner);
    this.#image = this.#isUnchanged
      ? { ...frame, tree: this.#before.state.digest, slices: this.#slices, layers }
      : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { slots, epoch } = this.#keeping;
    await this.#ahead?.[Symbol.asyncDispose]();
    if (this.#image === undefined) return;
    try {
      const given = slots.fresh();
      await mkdir(given);
      const record: SourceRecord = { ...epoch, image: this.#image };
      await writeRecord(under(given, "record"), record);
      const list = under(given, "list");
      if (this.#former?.image.tree === this.#image.tree) await rename(under(this.#former.folder, "list"), list);
      else await writeList(list, this.#before.list);
      await slots.give(slot, given);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
  }
}
