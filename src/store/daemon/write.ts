import type { Identity, Image } from "../../oci/image.ts";
import type { Reference } from "../../oci/reference.ts";
import { Fault } from "../../std/fault.ts";
import type { BlobSource, DocumentTexts } from "../contract.ts";
import { documentsFor } from "../document.ts";
import { checkNames, nameText } from "../name.ts";
import { DaemonRefusal } from "./failure.ts";
import { inspect, type Line, tag, untag } from "./image.ts";
import { load } from "./load.ts";
import { blobParcel, layerParcel, tarOf } from "./parcel.ts";
import { layersThere } from "./reuse.ts";

/** Gives the image its names, all or none: where the daemon refuses one, those it took are given back to what they named before. */
async function nameAll(line: Line, id: string, names: readonly Reference[]): Promise<void> {
  const before = await Promise.all(names.map((name) => inspect(line, nameText(name))));
  const done: number[] = [];
  try {
    for (const [at, name] of names.entries()) {
      await tag(line, id, name);
      done.push(at);
    }
  } catch (error) {
    const free = { ...line, signal: undefined };
    for (const at of done) {
      const old = before[at];
      await (old ? tag(free, old.id, names[at]!) : untag(free, names[at]!)).catch(() => undefined);
    }
    throw error;
  }
}

/**
 * Sends an image to the daemon, without the layers it has, and names it once it is seen to be the one that was meant. Nothing passes
 * through memory or disk here: layers stream from `blobs`.
 */
export async function writeImage(
  line: Line,
  image: Image,
  names: readonly Reference[],
  blobs: BlobSource,
  texts: DocumentTexts | undefined,
  onSent: (bytes: number) => void,
): Promise<Identity> {
  const { connection, engine } = line;
  const documents = documentsFor(image, texts);
  const { identity } = documents;
  checkNames(names, identity.digest);
  const tags = [...new Map(names.map((name) => [nameText(name), name])).values()];
  const what = `save image ${tags[0] ? nameText(tags[0]) : identity.imageId}`;
  const id = engine.kind === "containerd" ? identity.digest : identity.imageId;
  if (engine.kind === "containerd") await load(line, tarOf(blobParcel(documents, blobs)), what, onSent);
  else {
    const there = await layersThere(line, image.layers, tags.map(nameText));
    const send = (isThere: (at: number) => boolean) =>
      load(line, tarOf(layerParcel(image, documents, blobs, isThere)), what, onSent);
    try {
      await send((at) => there.has(at));
    } catch (error) {
      // An image may have gone since it was looked at, or this daemon does not take empty files for what it has.
      if (!(error instanceof DaemonRefusal) || there.size === 0) throw error;
      await send(() => false);
    }
  }
  const found = await inspect(line, id);
  const isMeant = found?.diffIds.every((diffId, at) => diffId === image.config.diffIds[at]);
  if (!found || !isMeant || found.diffIds.length !== image.config.diffIds.length)
    throw new Fault("daemon.mismatch", `Cannot ${what} at ${connection.place}: the daemon made another image of it`, {
      hint: `${id} was expected; no name has been moved`,
    });
  line.signal?.throwIfAborted();
  await nameAll(line, found.id, tags);
  return identity;
}
