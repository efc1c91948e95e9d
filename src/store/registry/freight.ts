import type { Descriptor } from "../../oci/descriptor.ts";
import type { Layer } from "../../oci/image.ts";
import { type Compression, compressionOf, mediaTypes } from "../../oci/media-type.ts";
import { compressedLayer } from "../compress.ts";
import type { BlobSource } from "../contract.ts";
import { verified } from "../verify.ts";
import type { Cargo } from "./cargo.ts";

/** A layer on its way into a registry. */
export interface Freight {
  readonly layer: Layer;
  /** How the manifest will name it; undefined as long as it is not compressed. */
  readonly descriptor: Descriptor | undefined;
  readonly cargo: Cargo;
}

/** Which media types new layers get: Docker's in either family, as the reference does, or those of the image's family. */
export type LayerTypes = "docker" | "family";

/** Whether layers of this type may not be pushed: they are to be had from elsewhere (Windows base layers). */
export function isForeign(mediaType: string): boolean {
  return /\.(nondistributable|foreign)\./.test(mediaType);
}

/** The media type of a layer that is compressed for the registry; only OCI has one for zstd that others know. */
export function compressedType(mediaType: string, compression: "gzip" | "zstd", types: LayerTypes): string {
  if (compression === "zstd") return mediaTypes.oci.zstd;
  const isOci = mediaType === mediaTypes.oci.tar && types === "family";
  return mediaTypes[isOci ? "oci" : "docker"].gzip;
}

/**
 * How a layer goes to a registry: compressed ones as they are, uncompressed ones as `compression` says, under the descriptor an
 * earlier push gave them (`known`) if it is of that compression.
 */
export function freightOf(
  layer: Layer,
  blobs: BlobSource,
  compression: Compression,
  known: Descriptor | undefined,
): Freight {
  const { descriptor } = layer;
  if (compression === "none" || compressionOf(descriptor.mediaType) !== "none") {
    const open = () => verified(blobs.open(descriptor), descriptor, "its source");
    return { layer, descriptor, cargo: { expected: descriptor, open } };
  }
  const open = () => compressedLayer(descriptor, compression, blobs);
  if (known === undefined || compressionOf(known.mediaType) !== compression)
    return { layer, descriptor: undefined, cargo: { expected: undefined, open } };
  const place = "its source, compressed anew";
  return { layer, descriptor: known, cargo: { expected: known, open: () => verified(open(), known, place) } };
}
