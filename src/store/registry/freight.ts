import type { Descriptor } from "../../oci/descriptor.ts";
import type { Layer } from "../../oci/image.ts";
import { type Compressor, compressionBy, compressionOf, mediaTypes } from "../../oci/media-type.ts";
import { compressedLayer } from "../compress.ts";
import type { BlobSource } from "../contract.ts";
import { verified } from "../verify.ts";
import type { Cargo } from "./cargo.ts";
import { openBlob } from "./download.ts";
import type { Located } from "./hosts.ts";

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
export function compressedType(mediaType: string, compressor: Compressor, types: LayerTypes): string {
  if (compressor === "zstd") return mediaTypes.oci.zstd;
  const isOci = mediaType === mediaTypes.oci.tar && types === "family";
  return mediaTypes[isOci ? "oci" : "docker"].gzip;
}

/**
 * How a layer goes to a registry: compressed ones as they are, uncompressed ones through `compressor`, unless an earlier push gave them a
 * descriptor (`known`) of that kind of compression.
 */
export function freightOf(
  layer: Layer,
  blobs: BlobSource,
  compressor: Compressor,
  known: Descriptor | undefined,
): Freight {
  const { descriptor } = layer;
  if (compressor === "none" || compressionOf(descriptor.mediaType) !== "none")
    return {
      layer,
      descriptor,
      cargo: { expected: descriptor, open: () => verified(blobs.open(descriptor), descriptor, "its source") },
    };
  const open = () => compressedLayer(descriptor, compressor, blobs);
  const isKnown = known !== undefined && compressionOf(known.mediaType) === compressionBy(compressor);
  return { layer, descriptor: isKnown ? known : undefined, cargo: { expected: undefined, open } };
}

/** The same layer on its way to another repository, as it stands in the first: whoever compressed it, its bytes are there. */
export function onwardFreight(freight: Freight, descriptor: Descriptor, { at, flow }: Located): Freight {
  if (freight.descriptor === freight.layer.descriptor) return freight;
  return { ...freight, descriptor, cargo: { expected: descriptor, open: () => flow(() => openBlob(at, descriptor)) } };
}
