import { mkdtemp } from "node:fs/promises";
import { diffIdOfTar } from "../oci/digest.ts";
import type { Layer } from "../oci/image.ts";
import { mediaTypes } from "../oci/media-type.ts";
import { Fault } from "../std/fault.ts";
import { readText } from "../std/file.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import type { BlobStore } from "../store/contract.ts";
import { layerTar } from "../store/layer.ts";
import { unpackTar } from "../tar/unpack.ts";
import { type TarItem, writeTar } from "../tar/write.ts";
import { directoryItems, modulePlace } from "./content.ts";
import type { Part } from "./part.ts";

/** What layers are made with. */
export interface Workbench {
  readonly blobs: BlobStore;
  /** A directory for temporary files that lasts as long as the layers are made. */
  readonly scratch: HostPath;
  readonly signal?: AbortSignal | undefined;
}

/** Items as an uncompressed layer that is kept in the workbench's store. */
export async function putItems(items: AsyncIterable<TarItem> | Iterable<TarItem>, bench: Workbench): Promise<Layer> {
  const descriptor = await bench.blobs.put(mediaTypes.oci.tar, writeTar(items, { signal: bench.signal, lends: true }));
  return { diffId: diffIdOfTar(descriptor.digest), descriptor };
}

/** The same module out of the layer it shares with others; one in a directory stays as it is. */
async function asDirectory(part: Part, { scratch, signal }: Workbench): Promise<Part> {
  const { content, descriptor } = part;
  if (content.kind === "directory") return part;
  const directory = hostPath(await mkdtemp(under(scratch, "layer-")));
  await unpackTar(layerTar(content.layer, content.blobs), directory, signal ? { signal } : {});
  const root = under(directory, modulePlace(part).version);
  const name = `${descriptor.kind}.toml`;
  const text = await readText(under(root, name));
  if (text === undefined)
    throw new Fault(
      "package.layer",
      `Cannot read ${descriptor.info.id} in layer ${content.layer.diffId}: it is not there`,
    );
  return { ...part, content: { kind: "directory", root, descriptor: { name, text } } };
}

/** One layer with all of these modules, in this order; a directory above several stands there once. */
export async function flattenedLayer(parts: readonly Part[], bench: Workbench): Promise<Layer> {
  async function* items(): AsyncGenerator<TarItem> {
    const above = new Set<string>();
    for (const part of parts) {
      const own = await asDirectory(part, bench);
      if (own.content.kind !== "directory") continue;
      for await (const item of directoryItems(own, own.content, bench.signal)) {
        if (above.has(item.header.name)) continue;
        yield item;
      }
      above.add(modulePlace(part).id);
    }
  }
  return putItems(items(), bench);
}

/** The layer a module stands in: the one it came in, or one of its own. */
export async function layerOf(part: Part, bench: Workbench): Promise<Layer> {
  const { content } = part;
  if (content.kind === "layer") return content.layer;
  return putItems(directoryItems(part, content, bench.signal), bench);
}

/** The module in a layer that is its alone, whatever it came in. */
export async function ownLayerOf(part: Part, bench: Workbench): Promise<Layer> {
  return flattenedLayer([part], bench);
}
