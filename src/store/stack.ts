import { mkdir, mkdtemp, readdir, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errnoOf, Fault } from "../std/fault.ts";
import { makeDirectory } from "../std/file.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import { type UnpackOptions, unpackTar } from "../tar/unpack.ts";
import type { StoredImage } from "./contract.ts";
import { systemFault } from "./failure.ts";
import { layerTar } from "./layer.ts";

function occupied(directory: HostPath): Fault {
  return new Fault("unpack.place", `Cannot unpack image at ${directory}: the directory is not empty`, {
    hint: "choose a directory that is empty or not there yet",
  });
}

/**
 * Unpacks an image's layers, bottom first, into a directory that is absent or empty: all of them, or after a Fault nothing. Every layer is
 * verified by its diffID. Resolves to the names of devices and pipes that this user may not make.
 */
export async function unpackImage(
  stored: StoredImage,
  directory: HostPath,
  options: UnpackOptions = {},
): Promise<readonly string[]> {
  const refuse = (error: unknown) => {
    throw systemFault("unpack image", directory, error);
  };
  const present = await readdir(directory).catch((error) => (errnoOf(error) === "ENOENT" ? [] : refuse(error)));
  if (present.length > 0) throw occupied(directory);
  await mkdir(dirname(directory), { recursive: true }).catch(refuse);
  const fresh = await mkdtemp(join(dirname(directory), `.${basename(directory)}-`)).catch(refuse);
  try {
    // The folder for temporary use is private; a root directory is not, unless a layer says so.
    const root = join(fresh, "root");
    await makeDirectory(root).catch(refuse);
    const skipped: string[] = [];
    for (const layer of stored.image.layers) {
      options.signal?.throwIfAborted();
      const done = await unpackTar(layerTar(layer, stored.blobs), hostPath(root), options);
      skipped.push(...done.skipped);
    }
    await rename(root, directory).catch((error) => {
      if (errnoOf(error) === "ENOTEMPTY" || errnoOf(error) === "EEXIST") throw occupied(directory);
      refuse(error);
    });
    return skipped;
  } finally {
    await removeTree(fresh);
  }
}
