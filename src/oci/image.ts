import { Fault } from "../std/fault.ts";
import { encodeConfig, type ImageConfig } from "./config.ts";
import type { Descriptor } from "./descriptor.ts";
import { type DiffId, type Digest, digestOf } from "./digest.ts";
import { encodeManifest, type Manifest } from "./manifest.ts";
import { type Family, mediaTypes } from "./media-type.ts";

/** A blob plus the name of what is inside it. */
export interface Layer {
  readonly diffId: DiffId;
  readonly descriptor: Descriptor;
}

/** An image as a value: its config (platform, environment, history) and the layers stacked bottom first. */
export interface Image {
  readonly family: Family;
  /** `config.diffIds` always equals the diffIDs of `layers`. */
  readonly config: ImageConfig;
  readonly layers: readonly Layer[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** How a stored image is told apart: `imageId` is the config's digest, `digest` the manifest's, `size` the manifest's length in bytes. */
export interface Identity {
  readonly imageId: Digest;
  readonly digest: Digest;
  readonly size: number;
}

/** The documents of an image, ready to be stored. */
export interface Documents {
  readonly identity: Identity;
  readonly manifest: Manifest;
  readonly manifestText: string;
  readonly configText: string;
}

/** An image with these layers, its config's diffIDs following them. */
export function withLayers(image: Image, layers: readonly Layer[]): Image {
  return { ...image, layers, config: { ...image.config, diffIds: layers.map((layer) => layer.diffId) } };
}

/** The manifest and config of an image as the reference writes them, and their digests. */
export function documentsOf(image: Image): Documents {
  const configText = encodeConfig(image.config);
  const imageId = digestOf(configText);
  const manifest: Manifest = {
    mediaType: mediaTypes[image.family].manifest,
    config: { mediaType: mediaTypes[image.family].config, size: Buffer.byteLength(configText), digest: imageId },
    layers: image.layers.map((layer) => layer.descriptor),
    ...(image.annotations && { annotations: image.annotations }),
  };
  const manifestText = encodeManifest(manifest);
  return {
    identity: { imageId, digest: digestOf(manifestText), size: Buffer.byteLength(manifestText) },
    manifest,
    manifestText,
    configText,
  };
}

/** The image a manifest and its config describe; throws Fault `image.mismatch` when they do not list equally many layers. */
export function imageOf(family: Family, manifest: Manifest, config: ImageConfig, place: string): Image {
  if (manifest.layers.length !== config.diffIds.length) {
    throw new Fault(
      "image.mismatch",
      `Cannot read image at ${place}: the manifest lists ${manifest.layers.length} layers, the config ${config.diffIds.length}`,
    );
  }
  return {
    family,
    config,
    layers: manifest.layers.map((descriptor, at) => ({ descriptor, diffId: config.diffIds[at]! })),
    ...(manifest.annotations && { annotations: manifest.annotations }),
  };
}
