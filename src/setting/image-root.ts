import { mkdir } from "node:fs/promises";
import { referenceOf } from "../cnb/run-image.ts";
import { hexOf } from "../oci/digest.ts";
import { parseReference, withDefaultTag } from "../oci/reference.ts";
import type { Reach } from "../reach/fetch.ts";
import { directoryOf } from "../reach/image-files.ts";
import type { SandboxKind } from "../sandbox/contract.ts";
import type { UnpackedImage } from "../source/builder-image.ts";
import { logTo } from "../std/event.ts";
import type { MakeRoot } from "./ground.ts";

/** What a container engine calls the image, which is loaded into it unless it is there. */
async function loaded({ stored }: UnpackedImage, text: string, { outside, emit }: Reach): Promise<string> {
  const daemon = await outside.daemon();
  const id = daemon.idOf(stored.identity);
  if (await daemon.glance(id)) return id;
  logTo(emit).info(`Loading ${text} into the container engine`);
  const name = referenceOf(text) ?? parseReference(`pack.local/builder:${hexOf(stored.identity.imageId).slice(0, 12)}`);
  return daemon.idOf(await daemon.write(stored.image, [withDefaultTag(name)], stored.blobs, stored));
}

/** Makes an image the root of a kind of sandbox: by its layers, or as one directory where the kernel lets nobody stack them. */
export function imageRootFor(kind: SandboxKind, text: string, reach: Reach): MakeRoot {
  return async (image) => {
    await mkdir(reach.home.work, { recursive: true, mode: 0o700 });
    if (kind.name === "namespace" && !(await kind.stacks(reach.home.work)))
      return { kind: "directory", path: await directoryOf(image.stored, reach.home.roots, reach.signal), access: "ro" };
    const layers = image.layers.map(({ tree }) => tree);
    return { kind: "image", layers, inEngine: () => loaded(image, text, reach) };
  };
}
