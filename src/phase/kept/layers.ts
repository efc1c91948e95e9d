import { lstat, mkdir, readdir } from "node:fs/promises";
import { type DiffId, digestOf, hexOf, tarDigestOf } from "../../oci/digest.ts";
import { errnoOf, Fault } from "../../std/fault.ts";
import { type HostPath, type Place, under } from "../../std/path.ts";
import type { BlobStore } from "../../store/contract.ts";
import { blobPath } from "../../store/layout/folder.ts";
import type { Owner } from "../../tar/entry.ts";
import { fileTime } from "../../tar/file-time.ts";
import { fileMark, settledBefore, stateOf, type TreeState } from "../../tar/fingerprint.ts";
import type { Lister } from "../../tar/list.ts";
import {
  type Epoch,
  frameOf,
  isSameFrame,
  type KnownTar,
  type LayerRecord,
  readRecord,
  type Verdict,
  writeRecord,
} from "./record.ts";
import { moveTree, type Slots } from "./slot.ts";

/** Where directories are kept between builds, and what they are judged by. */
export interface Keeping {
  readonly slots: Slots;
  /** A directory of the build, in the file system of its workspace. */
  readonly aside: HostPath;
  readonly epoch: Epoch;
  /** Whom the entries of layers belong to. */
  readonly owner: Owner;
  /** The store that holds the tars, and its root. */
  readonly blobs: BlobStore;
  readonly store: HostPath;
  readonly list: Lister;
}

/** A layer that is in the cache now: what it is called, where its directory is, and its tar. */
export interface CachedLayer {
  readonly id: string;
  readonly place: Place;
  readonly tar: KnownTar;
}

interface Taken {
  readonly slot: string;
  readonly record: LayerRecord;
}

/** Files for the environment: many buildpacks write them in every build, whether there is something new or not. */
const environment = ["env", "env.build", "env.launch"];

async function lookAt(list: Lister, host: HostPath, signal?: AbortSignal): Promise<TreeState> {
  return stateOf(await list(host, { signal }), { reads: environment });
}

const beginning = "layer-";

function slotOf(id: string): string {
  return `${beginning}${hexOf(digestOf(id)).slice(0, 32)}`;
}

/** What was seen of kept layers before they were taken, by slot. */
export type EarlyLooks = ReadonlyMap<string, Promise<TreeState | undefined>>;

/**
 * Begins to look at the layers that wait below `root`. A layer taken later by whoever still finds there the record of what was seen is what was seen: who takes one in
 * between and changes it leaves another record, or none.
 */
export async function beginLooks(list: Lister, root: HostPath): Promise<EarlyLooks> {
  const names: string[] = await readdir(root).catch(() => []);
  const slots = names.filter((name) => name.startsWith(beginning));
  // Whatever ends a look, the end of a build that failed meanwhile too: nothing was seen, and who takes the layer looks for himself.
  const look = (slot: string) => lookAt(list, under(root, slot, "tree")).catch(() => undefined);
  return new Map(slots.map((slot) => [slot, look(slot)]));
}

/** Runs `work`; undefined when the system refuses something in it, or a tree cannot be read. */
async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault || errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}

/** The directories of cached layers, as the last build of an image left them. Disposing gives back those that are still what they were. */
export class KeptLayers implements AsyncDisposable {
  readonly #keeping: Keeping;
  readonly #early: EarlyLooks;
  /** By the path where they stand now. */
  readonly #taken = new Map<HostPath, Taken>();
  /** The fingerprints after the build of trees that may be kept. */
  readonly #plain = new Map<HostPath, string>();

  constructor(keeping: Keeping, early: EarlyLooks) {
    this.#keeping = keeping;
    this.#early = early;
  }

  /** Puts the directory of a layer where the tar `diffId` would be unpacked, if one is kept that is certain to hold the same; else does nothing. */
  async take(id: string, place: Place, diffId: string, signal?: AbortSignal): Promise<boolean> {
    const { slots, epoch, owner, list } = this.#keeping;
    const slot = slotOf(id);
    const seen = await this.#early.get(slot);
    const taken = await slots.take(slot);
    if (taken === undefined) return false;
    const record = await readRecord<LayerRecord>(under(taken, "record"), epoch);
    if (record?.diffId !== diffId || !isSameFrame(record, frameOf(place, owner))) return false;
    // A tar that was damaged since is to be found out: without it the directory would be all there is.
    if ((await this.#blobMark(record.diffId)) !== record.blob) return false;
    const tree = under(taken, "tree");
    const state = seen ?? (await attempt(() => lookAt(list, tree, signal)));
    if (state?.digest !== record.tree) return false;
    if ((await attempt(() => moveTree(tree, place.host).then(() => true))) === undefined) return false;
    this.#taken.set(place.host, { slot, record });
    return true;
  }

  /** Looks at the directories after the build, and tells what has become of those that were taken. */
  async look(places: readonly Place[], signal?: AbortSignal): Promise<ReadonlyMap<HostPath, Verdict>> {
    const moment = await fileTime(this.#keeping.aside);
    const known = new Map<HostPath, Verdict>();
    const look = async ({ host }: Place) => ({ host, state: await lookAt(this.#keeping.list, host, signal) });
    for (const { host, state } of await Promise.all(places.map(look))) {
      const record = this.#taken.get(host)?.record;
      if (state.isPlain && settledBefore(moment, state.youngest)) this.#plain.set(host, state.digest);
      if (record === undefined) continue;
      known.set(host, record.tree === state.digest ? { diffId: record.diffId, size: record.size } : "touched");
    }
    return known;
  }

  /** Keeps these directories for the next build, and no others. They are gone from where they were. */
  async keep(layers: readonly CachedLayer[]): Promise<void> {
    const { slots, epoch, owner } = this.#keeping;
    const kept = new Set<string>();
    for (const { id, place, tar } of layers) {
      const tree = this.#plain.get(place.host);
      const blob = await this.#blobMark(tar.diffId);
      if (tree === undefined || blob === undefined) continue;
      const record = { ...epoch, ...frameOf(place, owner), ...tar, tree, blob };
      if (await this.#give(place.host, { slot: slotOf(id), record })) kept.add(slotOf(id));
    }
    this.#taken.clear();
    await slots.retain(beginning, kept);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [host, taken] of this.#taken) {
      const state = await attempt(() => lookAt(this.#keeping.list, host));
      if (state?.digest === taken.record.tree) await this.#give(host, taken);
    }
    this.#taken.clear();
  }

  async #give(host: HostPath, { slot, record }: Taken): Promise<boolean> {
    const { slots } = this.#keeping;
    const given = slots.fresh();
    const isReady = await attempt(async () => {
      await mkdir(given);
      await moveTree(host, under(given, "tree"));
      await writeRecord(under(given, "record"), record);
      return true;
    });
    return isReady === true && (await slots.give(slot, given));
  }

  async #blobMark(diffId: DiffId): Promise<string | undefined> {
    return attempt(async () => fileMark(await lstat(blobPath(this.#keeping.store, tarDigestOf(diffId)))));
  }
}
