import type { DiffId } from "../../src/oci/digest.ts";
import { collect } from "../../src/std/byte.ts";
import type { StoredImage } from "../../src/store/contract.ts";
import { layerTar } from "../../src/store/layer.ts";
import type { TarHeader } from "../../src/tar/header.ts";
import { readTar } from "../../src/tar/read.ts";

/** One entry of a layer with its text. */
export interface LayerEntry extends TarHeader {
  readonly text: string;
}

/** The entries of the layer with this diffID, content included. */
export async function layerEntries(stored: StoredImage, diffId: DiffId | string): Promise<LayerEntry[]> {
  const layer = stored.image.layers.find((item) => item.diffId === diffId);
  if (!layer) throw new Error(`the image has no layer ${diffId}`);
  const entries: LayerEntry[] = [];
  for await (const { header, content } of readTar(layerTar(layer, stored.blobs))) {
    entries.push({ ...header, text: (await collect(content)).toString("utf8") });
  }
  return entries;
}
