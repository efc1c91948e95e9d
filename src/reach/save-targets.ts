import type { TargetPattern } from "../cnb/target.ts";
import { suffixedName } from "../cnb/target-text.ts";
import { platformOf } from "../oci/config.ts";
import type { Digest } from "../oci/digest.ts";
import { mediaTypes } from "../oci/media-type.ts";
import { type Saving, saveImage, saveIndex } from "./save.ts";

/** What was made for each target, and where it goes. */
export interface TargetSaving extends Omit<Saving, "image" | "blobs"> {
  readonly made: readonly Pick<Saving, "image" | "blobs">[];
  /** The target of each of `made`; undefined for one that is for no platform in particular. */
  readonly targets: readonly (TargetPattern | undefined)[];
  /** Also give each of several a name that ends with its target. */
  readonly suffix: boolean;
}

/** What stands where now. */
export interface SavedTargets {
  readonly names: readonly string[];
  /** Of the manifest, or of the index of several. */
  readonly digest: Digest;
  /** The image ID of each of `made`. */
  readonly imageIds: readonly Digest[];
}

/** Writes what was made for one target as the image it is, what was made for several as an index of them. */
export async function saveTargets({ made, targets, suffix, local, ...rest }: TargetSaving): Promise<SavedTargets> {
  const { target } = rest;
  if (made.length === 1) {
    const { identity, names } = await saveImage({ ...rest, ...made[0]!, local });
    return { names, digest: identity.digest, imageIds: [identity.imageId] };
  }
  if (suffix)
    for (const [at, { image, blobs }] of made.entries()) {
      const names = target.names.map((name) => suffixedName(name, targets[at]!));
      await target.images.write(image, names, blobs);
    }
  const saved = await saveIndex({
    ...rest,
    images: made,
    others: [],
    listed: (descriptors) => ({
      mediaType: mediaTypes.oci.index,
      manifests: descriptors.map((one, at) => ({ ...one, platform: { ...platformOf(made[at]!.image.config) } })),
    }),
  });
  return {
    names: saved.names,
    digest: saved.identity.digest,
    imageIds: saved.images.map(({ imageId }) => imageId),
  };
}
