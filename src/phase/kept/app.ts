import { mkdir } from "node:fs/promises";
import type { Overlay } from "../../sandbox/contract.ts";
import { type AppCopy, copyApp, type Selects } from "../../source/app.ts";
import { errnoOf, Fault } from "../../std/fault.ts";
import { type HostPath, type Place, under } from "../../std/path.ts";
import { fileTime } from "../../tar/file-time.ts";
import { fileMark, settledBefore, stateOf, type TreeState } from "../../tar/fingerprint.ts";
import { visitList } from "../../tar/list.ts";
import type { Keeping } from "./layers.ts";
import {
  type AppLayersRecord,
  type AppRecord,
  type FileRecord,
  frameOf,
  isSameFrame,
  type KnownTar,
  readRecord,
  type Verdict,
  writeRecord,
} from "./record.ts";
import { moveTree } from "./slot.ts";

const slot = "app";

/** Where the app comes from and goes to. */
export interface AppWay {
  readonly from: HostPath;
  readonly to: Place;
  readonly selects?: Selects | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Takes the copy the last build worked on, where one is kept, and moves it to the (empty) place of this one. */
async function takeCopy(keeping: Keeping, to: Place): Promise<AppRecord | undefined> {
  const taken = await keeping.slots.take(slot);
  const record = taken && (await readRecord<AppRecord>(under(taken, "record"), keeping.epoch));
  if (!record) return undefined;
  try {
    await moveTree(under(taken, "tree"), to.host);
    return record;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

/** What a build works on in the place of the app's source. */
export interface AppAtWork extends AsyncDisposable {
  /** What the sandbox lays over the source; undefined when there is a copy at the app's place. */
  readonly overlay: Pick<Overlay, "lower" | "upper" | "work"> | undefined;
  /** A sentence for those who want details. */
  readonly summary: string;
  /**
   * Looks at the app after the build, and tells what has become of its layers, one for each slice and one for the rest; undefined where nothing is known of
   * them.
   */
  look(slices: readonly (readonly string[])[], signal?: AbortSignal): Promise<readonly Verdict[] | undefined>;
  /** Throws Fault `app.changed` when what was read may not be what the build began with. */
  confirm(signal?: AbortSignal): Promise<void>;
  /** Remembers the tars of the app's layers, made after `look`. */
  remember(layers: readonly KnownTar[]): void;
}

/** The copy of the app a build works on. Disposing keeps it for the next build, with what is known of it. */
export class KeptApp implements AppAtWork {
  readonly copy: AppCopy;
  readonly overlay = undefined;
  readonly summary: string;
  readonly #keeping: Keeping;
  readonly #place: Place;
  #image: AppLayersRecord | undefined;
  /** The files that can be known again, once the build is over. */
  #files: readonly FileRecord[] | undefined;
  /** The fingerprint after the build, and the patterns of the slices. */
  #built: { readonly tree: string; readonly slices: string } | undefined;

  private constructor(keeping: Keeping, place: Place, copy: AppCopy, image: AppLayersRecord | undefined) {
    this.#keeping = keeping;
    this.#place = place;
    this.copy = copy;
    this.summary = `Copied ${copy.copied} of ${copy.count} files (${copy.bytes} bytes) of the app`;
    this.#image = image;
  }

  /** Brings about the copy, from what is kept as far as it is certain to be the same. Throws Fault `app.read`. */
  static async open(keeping: Keeping, way: AppWay): Promise<KeptApp> {
    const record = await takeCopy(keeping, way.to);
    const known = record && new Map(record.files.map(([path, source, copy]) => [path, { source, copy }]));
    const moment = await fileTime(keeping.aside);
    const { from, to, selects, signal } = way;
    const copy = await copyApp(from, to.host, { selects, signal, known, moment });
    // From here on every change of a copy has a time of its own.
    const isSettled = settledBefore(await fileTime(keeping.aside), copy.youngest);
    return new KeptApp(keeping, to, isSettled ? copy : { ...copy, files: new Map() }, record?.image);
  }

  async look(slices: readonly (readonly string[])[], signal?: AbortSignal): Promise<readonly Verdict[] | undefined> {
    const { aside, owner } = this.#keeping;
    const moment = await fileTime(aside);
    const state = await this.#walk(signal);
    const patterns = JSON.stringify(slices);
    this.#built = settledBefore(moment, state.youngest) ? { tree: state.digest, slices: patterns } : undefined;
    const image = this.#image;
    if (image?.slices !== patterns || !isSameFrame(image, frameOf(this.#place, owner))) return undefined;
    if (image.tree === state.digest) return image.layers;
    // Of several layers most are the same.
    return image.layers.length === 1 ? ["touched"] : undefined;
  }

  /** Nobody else knows of the copy. */
  async confirm(): Promise<void> {}

  remember(layers: readonly KnownTar[]): void {
    this.#image = this.#built && { ...this.#built, ...frameOf(this.#place, this.#keeping.owner), layers };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { slots, epoch } = this.#keeping;
    try {
      if (this.#files === undefined) await this.#walk();
      const given = slots.fresh();
      await mkdir(given);
      await moveTree(this.#place.host, under(given, "tree"));
      await writeRecord(under(given, "record"), { ...epoch, files: this.#files ?? [], image: this.#image });
      await slots.give(slot, given);
    } catch (error) {
      // Nothing is lost but time when it cannot be kept.
      if (!(error instanceof Fault) && errnoOf(error) === undefined) throw error;
    }
  }

  async #walk(signal?: AbortSignal): Promise<TreeState> {
    const files: FileRecord[] = [];
    const listed = await this.#keeping.list(this.#place.host, { signal });
    visitList(listed, (entry) => {
      const known = this.copy.files.get(entry.path);
      // What the build has changed is copied again.
      if (known?.copy === fileMark(entry)) files.push([entry.path, known.source, known.copy]);
    });
    this.#files = files;
    return stateOf(listed);
  }
}
