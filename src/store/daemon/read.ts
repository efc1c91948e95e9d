import { randomUUID } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { parseConfig } from "../../oci/config.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { type Digest, tarDigestOf } from "../../oci/digest.ts";
import { documentsOf, imageOf } from "../../oci/image.ts";
import { mediaTypes } from "../../oci/media-type.ts";
import type { Platform } from "../../oci/platform.ts";
import { collect } from "../../std/byte.ts";
import { Fault } from "../../std/fault.ts";
import { type HostPath, under } from "../../std/path.ts";
import { openArchive } from "../archive.ts";
import type { StoredImage } from "../contract.ts";
import { textOf } from "../document.ts";
import type { Exchange } from "../exchange.ts";
import { systemFault } from "../failure.ts";
import { connectionFault } from "./failure.ts";
import { configTextIn, type FoundImage } from "./found.ts";
import { exportImage, history, type Line } from "./image.ts";
import type { LocalBlobs } from "./local.ts";

async function localConfig(local: LocalBlobs, imageId: Digest): Promise<string | undefined> {
  const size = await local.sizeOf(imageId);
  if (size === undefined) return undefined;
  return textOf(await collect(local.open({ mediaType: mediaTypes.oci.config, size, digest: imageId })), imageId);
}

/**
 * The image without a byte of its layers from the daemon: its config made anew from what the daemon tells (the digest proves it right), its layers
 * those on this machine. Undefined when something is missing.
 */
export async function readLocally(line: Line, found: FoundImage, local: LocalBlobs): Promise<StoredImage | undefined> {
  if (line.engine.kind === "containerd") return undefined;
  const { place } = line.connection;
  const layers: Descriptor[] = [];
  for (const diffId of found.diffIds) {
    const digest = tarDigestOf(diffId);
    const size = await local.sizeOf(digest);
    if (size === undefined) return undefined;
    layers.push({ mediaType: mediaTypes.oci.tar, size, digest });
  }
  const configText = (await localConfig(local, found.id)) ?? configTextIn(found, await history(line, found.id), place);
  if (configText === undefined) return undefined;
  const config = parseConfig(configText, `config of image ${found.id}`);
  const descriptor = { mediaType: mediaTypes.oci.config, size: Buffer.byteLength(configText), digest: found.id };
  const image = imageOf("oci", { mediaType: mediaTypes.oci.manifest, config: descriptor, layers }, config, place);
  const documents = documentsOf(image);
  // Another tool's spelling of the config has the same content under another digest.
  if (documents.identity.imageId !== found.id) return undefined;
  const { identity, manifestText } = documents;
  return { image, identity, manifestText, configText, blobs: local };
}

async function spool(line: Line, id: string, path: HostPath): Promise<void> {
  const what = `export image ${id}`;
  const refuse = (error: unknown) => {
    throw systemFault(what, path, error);
  };
  const file = await open(path, "wx", 0o600).catch(refuse);
  try {
    for await (const part of await exportImage(line, id)) await file.writeFile(part).catch(refuse);
  } catch (error) {
    if (line.signal?.aborted) throw line.signal.reason;
    throw connectionFault(what, line.connection.place, error);
  } finally {
    await file.close();
  }
}

/**
 * The image as the daemon exports it, layers and all, in a file of `temporary` without a name: it is gone when the archive is disposed of.
 * Documents and blobs are verified.
 */
export async function readExport(
  line: Line,
  found: FoundImage,
  temporary: HostPath,
  platform: Platform | undefined,
): Promise<{ readonly stored: StoredImage; readonly archive: Exchange }> {
  const path = under(temporary, `plinth-daemon-${randomUUID()}.tar`);
  const archive = openArchive(path, { form: "docker", ...(platform && { platform }) });
  try {
    await spool(line, found.id, path);
    const stored = await archive.sole();
    // In a containerd store the ID is that of a manifest, or of an index above several.
    const isMeant = line.engine.kind === "containerd" || stored?.identity.imageId === found.id;
    if (!stored || !isMeant)
      throw new Fault(
        "daemon.mismatch",
        `Cannot read image ${found.id} at ${line.connection.place}: its export holds ${stored?.identity.imageId ?? "no image"}`,
      );
    return { stored, archive };
  } catch (error) {
    await archive[Symbol.asyncDispose]();
    throw error;
  } finally {
    await rm(path, { force: true });
  }
}
