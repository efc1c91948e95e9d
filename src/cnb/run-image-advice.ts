import { envOf, type ImageConfig } from "../oci/config.ts";
import { userOf } from "./extended-image.ts";
import type { RunImageNames } from "./run-file.ts";
import { referenceOf } from "./run-image.ts";

/** A run image that was found under one of its names. */
export interface NamedRunImage {
  readonly name: string;
  readonly imageId: string;
  readonly config: ImageConfig;
}

/** Sentences about names of one run image that share a registry: when it cannot be reached, none of them helps (Platform spec, "run.toml"). */
export function sharedRegistries({ image, mirrors }: RunImageNames): readonly string[] {
  const names = [image, ...mirrors];
  return names.flatMap((name, at) => {
    const registry = referenceOf(name)?.registry;
    const before = names.slice(0, at).find((other) => referenceOf(other)?.registry === registry);
    return before === undefined || registry === undefined
      ? []
      : [`run image ${before} and its mirror ${name} are both on ${registry}: each belongs on a registry of its own`];
  });
}

/** Sentences about mirrors that are another image than the first of `found`, which are one run image under several names. */
export function unlikeMirrors(found: readonly NamedRunImage[]): readonly string[] {
  const [first, ...rest] = found;
  return rest
    .filter(({ imageId }) => imageId !== first!.imageId)
    .map(({ name, imageId }) => `run image ${first!.name} is ${first!.imageId}, and its mirror ${name} is ${imageId}`);
}

/**
 * Sentences about run images whose user is the one who builds: an app can then change what buildpacks made for it (Platform spec, "Run Image"). A user
 * without a number is known to nobody who has not unpacked the image, and passed over.
 */
export function sharedUsers(buildConfig: ImageConfig, found: readonly NamedRunImage[]): readonly string[] {
  const builder = envOf(buildConfig, "CNB_USER_ID");
  return found
    .filter(({ config }) => userOf(config.config).user === builder)
    .map(
      ({ name }) => `run image ${name} runs apps as ${builder}, the user who builds: they can change their own files`,
    );
}
