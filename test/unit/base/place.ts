import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BaseOptions, type BaseReport, createBase } from "../../../src/base/create.ts";
import { parseDefinition } from "../../../src/base/definition.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import type { Event } from "../../../src/std/event.ts";
import { Fault } from "../../../src/std/fault.ts";
import { type HostPath, hostPath, under } from "../../../src/std/path.ts";
import type { BlobStore, ImageStore, StoredImage } from "../../../src/store/contract.ts";
import { layerTar } from "../../../src/store/layer.ts";
import { memoryStore } from "../../../src/store/memory.ts";
import type { TarHeader } from "../../../src/tar/header.ts";
import { textOf } from "../../../src/tar/name.ts";
import { readTar } from "../../../src/tar/read.ts";

/** Folders of one test and what happened in it. */
export interface Bench extends Disposable {
  readonly folder: HostPath;
  readonly store: ImageStore & BlobStore;
  readonly events: Event[];
  /** Makes a base from the text of a base.toml. */
  create(text: string, more?: Partial<BaseOptions>): Promise<BaseReport>;
  read(): Promise<StoredImage | undefined>;
}

const name = parseReference("base.example/run:test");

/** A bench with an empty cache; the folder is removed when it is disposed of. */
export function bench(): Bench {
  const folder = hostPath(mkdtempSync(join(tmpdir(), "base-test-")));
  const store = memoryStore();
  const events: Event[] = [];
  return {
    folder,
    store,
    events,
    create: (text, more = {}) =>
      createBase({
        definition: parseDefinition(text, "base.toml"),
        names: [name],
        store,
        cache: under(folder, "cache"),
        temporary: under(folder, "tmp"),
        emit: (event) => events.push(event),
        ...more,
      }),
    read: () => store.read(name),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** One path of an image as its topmost layer has it. */
export type Seen = TarHeader & { readonly text: string };

/** Everything in the image's layers by name in the archive; later layers win. */
export async function contentsOf(stored: StoredImage): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>();
  for (const layer of stored.image.layers)
    for await (const { header, content } of readTar(layerTar(layer, stored.blobs)))
      seen.set(textOf(header.name), { ...header, text: (await collect(content)).toString() });
  return seen;
}

/** The Fault a promise ends with. */
export async function faultFrom(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error instanceof Fault) return error;
  throw error ?? new Error("expected a fault, nothing was thrown");
}
