import { posix } from "node:path";
import { collect } from "../std/byte.ts";
import { Fault } from "../std/fault.ts";
import type { StoredImage } from "../store/contract.ts";
import { layerTar } from "../store/layer.ts";
import { textOf } from "../tar/name.ts";
import { readTar } from "../tar/read.ts";

/** Which files are asked for: by path (without a leading slash), and all of one directory. */
export interface Asked {
  readonly paths: readonly string[];
  readonly folder?: string;
}

/** The longest file taken into memory, in bytes. */
const fileLimit = 64 * 1024 * 1024;

const isUnder = (path: string, folder: string) => folder === "" || path.startsWith(`${folder}/`);

async function textAt(path: string, bytes: AsyncIterable<Uint8Array>, size: number): Promise<string> {
  if (size > fileLimit)
    throw new Fault("base.read", `Cannot read /${path} of the image: it has ${size} bytes, more than ${fileLimit}`);
  return (await collect(bytes)).toString("utf8");
}

/**
 * The texts of regular files as an image shows them, whiteouts and replaced directories of upper layers heeded; links are not followed.
 * Layers are read from the top and no further than needed.
 */
export async function readFiles(stored: StoredImage, asked: Asked): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const open = new Set(asked.paths);
  // What layers further down can no longer show: these paths and all below them.
  const hidden = new Set<string>();
  const isHidden = (path: string) => [...hidden].some((gone) => path === gone || isUnder(path, gone));
  const isAsked = (path: string) => open.has(path) || (asked.folder !== undefined && isUnder(path, asked.folder));
  const concerns = (path: string) =>
    [...open, ...(asked.folder === undefined ? [] : [asked.folder])].some(
      (wanted) => wanted === path || isUnder(wanted, path),
    );
  for (const layer of [...stored.image.layers].reverse()) {
    if (open.size === 0 && asked.folder === undefined) break;
    const settled: string[] = [];
    for await (const { header, content } of readTar(layerTar(layer, stored.blobs))) {
      const path = posix.normalize(textOf(header.name)).replace(/^(\.?\/)+|\/$/g, "");
      const [folder, name] = [posix.dirname(path).replace(/^\.$/, ""), posix.basename(path)];
      if (name === ".wh..wh..opq") settled.push(folder);
      else if (name.startsWith(".wh.")) settled.push(posix.join(folder, name.slice(4)));
      else if (isAsked(path) && !isHidden(path)) {
        settled.push(path);
        if (header.type === "file") found.set(path, await textAt(path, content, header.size));
      } else if (header.type !== "directory" && concerns(path)) settled.push(path);
    }
    for (const path of settled) {
      hidden.add(path);
      open.delete(path);
      for (const wanted of open) if (isUnder(wanted, path)) open.delete(wanted);
    }
  }
  return found;
}
