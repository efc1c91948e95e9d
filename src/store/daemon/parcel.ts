import type { Descriptor } from "../../oci/descriptor.ts";
import { type DiffId, hexOf } from "../../oci/digest.ts";
import type { Documents, Image, Layer } from "../../oci/image.ts";
import { encodeManifest } from "../../oci/manifest.ts";
import { compressionOf, mediaTypes } from "../../oci/media-type.ts";
import type { ByteStream, Bytes } from "../../std/byte.ts";
import { encodeJson } from "../../std/json.ts";
import { blockSize, encodeHeader } from "../../tar/header.ts";
import { byteString } from "../../tar/name.ts";
import { blobName } from "../archive/open.ts";
import type { BlobSource } from "../contract.ts";
import { layerTar } from "../layer.ts";
import { layoutText } from "../layout/index-file.ts";
import { verified } from "../verify.ts";

/** A file of the tar that is sent: its length is known before its bytes are read. */
export interface Item {
  readonly name: string;
  readonly size: number;
  readonly bytes: () => Bytes;
}

function textItem(name: string, text: string): Item {
  const bytes = Buffer.from(text);
  return { name, size: bytes.length, bytes: () => [bytes] };
}

async function lengthOf(bytes: ByteStream): Promise<number> {
  let length = 0;
  for await (const part of bytes) length += part.length;
  return length;
}

async function layerItem(layer: Layer, name: string, blobs: BlobSource): Promise<Item> {
  const { descriptor } = layer;
  // Daemons tell gzip by its first bytes; many do not know zstd, and a tar's header wants the length beforehand.
  if (compressionOf(descriptor.mediaType) === "zstd") {
    const size = await lengthOf(layerTar(layer, blobs));
    return { name, size, bytes: () => layerTar(layer, blobs) };
  }
  return { name, size: descriptor.size, bytes: () => verified(blobs.open(descriptor), descriptor, "its source") };
}

/**
 * What a store of layers is given: the form of `docker save` without a name. A layer for which `isThere` says so is an empty file, as the reference
 * sends it: the daemon has that layer on top of the same ones and does not look.
 */
export async function* layerParcel(
  image: Image,
  documents: Documents,
  blobs: BlobSource,
  isThere: (at: number) => boolean,
): AsyncGenerator<Item> {
  const config = `${hexOf(documents.identity.imageId)}.json`;
  yield textItem(config, documents.configText);
  const sent = new Set<DiffId>();
  const names: string[] = [];
  for (const [at, layer] of image.layers.entries()) {
    const name = isThere(at) ? `blank_${at}` : `${hexOf(layer.diffId)}.tar`;
    names.push(name);
    if (isThere(at)) yield textItem(name, "");
    else if (!sent.has(layer.diffId)) yield await layerItem(layer, name, blobs);
    if (!isThere(at)) sent.add(layer.diffId);
  }
  yield textItem("manifest.json", encodeJson([{ Config: config, RepoTags: null, Layers: names }]));
}

/** What a store of blobs is given: an OCI image layout whose index names the manifest by its digest alone. */
export async function* blobParcel(documents: Documents, blobs: BlobSource): AsyncGenerator<Item> {
  const { manifest, manifestText, configText, identity } = documents;
  yield textItem("oci-layout", layoutText);
  const { mediaType } = manifest;
  const entry = { mediaType, size: identity.size, digest: identity.digest };
  yield textItem("index.json", encodeManifest({ mediaType: mediaTypes.oci.index, manifests: [entry] }));
  yield textItem(blobName(identity.digest), manifestText);
  yield textItem(blobName(manifest.config.digest), configText);
  const layers = new Map(manifest.layers.map((layer): [string, Descriptor] => [layer.digest, layer]));
  for (const layer of layers.values()) {
    const bytes = () => verified(blobs.open(layer), layer, "its source");
    yield { name: blobName(layer.digest), size: layer.size, bytes };
  }
}

/** The items as a tar, made while it is read. */
export async function* tarOf(items: AsyncIterable<Item>): ByteStream {
  for await (const { name, size, bytes } of items) {
    yield encodeHeader({
      name: byteString(name),
      type: "file",
      mode: 0o644,
      uid: 0,
      gid: 0,
      size,
      mtime: 0,
      link: byteString(""),
      devMajor: 0,
      devMinor: 0,
    });
    yield* bytes();
    if (size % blockSize !== 0) yield Buffer.alloc(blockSize - (size % blockSize));
  }
  yield Buffer.alloc(2 * blockSize);
}
