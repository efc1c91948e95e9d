import { readFile, writeFile } from "node:fs/promises";
import { deserialize, serialize } from "node:v8";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { DiffId } from "../../oci/digest.ts";
import { readText } from "../../std/file.ts";
import type { HostPath, Place } from "../../std/path.ts";
import type { Owner } from "../../tar/entry.ts";
import type { TreeList } from "../../tar/list.ts";

/** The tar of a layer: its name and its length in bytes. */
export interface KnownTar {
  readonly diffId: DiffId;
  readonly size: number;
}

/**
 * What a look at files tells of the tar to be made from them: that it is one we know, or one that was made ahead, or that they were touched since that one was made, so
 * that it is hardly the same.
 */
export type Verdict = KnownTar | MadeAhead | "touched";

/** A tar that is on its way to the store already; undefined when it did not get there. */
export interface MadeAhead {
  readonly ahead: Promise<Omit<Descriptor, "mediaType"> | undefined>;
}

/** What makes a record worthless when it changes, whatever the files look like. */
export interface Epoch {
  /** Of this program: another one may write other tars. */
  readonly version: string;
  /** Since the machine was started: a crash can leave a file with its new times and its old content. */
  readonly boot: string;
}

/** What of a layer's tar is not in its files. */
export interface Frame extends Owner {
  readonly guest: string;
}

/** What is remembered of a cached layer's directory. */
export interface LayerRecord extends Epoch, Frame, KnownTar {
  /** The fingerprint of the directory. */
  readonly tree: string;
  /** The mark of the file that holds the tar in the store. */
  readonly blob: string;
}

/** What is remembered of a file of the app: the marks of its source and of its copy, both as they were when they were equal. */
export type FileRecord = readonly [path: string, source: string, copy: string];

/** What is remembered of the app's layers. */
export interface AppLayersRecord extends Frame {
  readonly tree: string;
  /** The patterns of the slices, as JSON. */
  readonly slices: string;
  readonly layers: readonly KnownTar[];
}

/** What is remembered of the copy of an app. */
export interface AppRecord extends Epoch {
  readonly files: readonly FileRecord[];
  readonly image?: AppLayersRecord | undefined;
}

/** What is remembered of a source that was not copied, and of the layers made from it. */
export interface SourceRecord extends Epoch {
  readonly image: AppLayersRecord;
}

/** The epoch we are in; undefined where the machine does not tell, and then nothing can be kept. */
export async function readEpoch(version: string): Promise<Epoch | undefined> {
  const boot = await readText("/proc/sys/kernel/random/boot_id");
  return boot === undefined ? undefined : { version, boot: boot.trim() };
}

/** Whether both are of the same time. */
export function isSameEpoch(a: Epoch, b: Epoch): boolean {
  return a.version === b.version && a.boot === b.boot;
}

/** What of a tar at this place does not stem from files. */
export function frameOf(place: Place, owner: Owner): Frame {
  return { guest: place.guest, uid: owner.uid, gid: owner.gid };
}

/** Whether the same files make the same tar in both. */
export function isSameFrame(a: Frame, b: Frame): boolean {
  return a.guest === b.guest && a.uid === b.uid && a.gid === b.gid;
}

/** Writes a record. */
export async function writeRecord(path: HostPath, record: LayerRecord | AppRecord | SourceRecord): Promise<void> {
  await writeFile(path, JSON.stringify(record), { mode: 0o600 });
}

/** The record of this epoch in a file that `writeRecord` made; undefined when it is of another one, or not whole. */
export async function readRecord<T extends Epoch>(path: HostPath, epoch: Epoch): Promise<T | undefined> {
  try {
    // Within one epoch the same program wrote it, whole: it was renamed to its place afterwards.
    const record = JSON.parse(await readFile(path, "utf8")) as T;
    return isSameEpoch(record, epoch) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Writes what a tree was when a tar was made from it. */
export async function writeList(path: HostPath, list: TreeList): Promise<void> {
  await writeFile(path, serialize(list), { mode: 0o600 });
}

/** The list in a file that `writeList` made; undefined when there is none. */
export async function readList(path: HostPath): Promise<TreeList | undefined> {
  try {
    return deserialize(await readFile(path)) as TreeList;
  } catch {
    return undefined;
  }
}
