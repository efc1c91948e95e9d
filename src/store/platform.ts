import { platformOf } from "../oci/config.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Index } from "../oci/manifest.ts";
import { formatPlatform, isPlatformFor, type Platform } from "../oci/platform.ts";
import { Fault } from "../std/fault.ts";
import { isObject } from "../std/json.ts";
import type { StoredImage } from "./contract.ts";

/** The platform a descriptor says its image is for, undefined when it says none. */
export function platformIn(descriptor: Descriptor): Platform | undefined {
  const found = descriptor.platform;
  if (!isObject(found)) return undefined;
  const { os, architecture, variant } = found;
  if (typeof os !== "string" || typeof architecture !== "string") return undefined;
  return { os, architecture, ...(typeof variant === "string" && { variant }) };
}

/** Attestations stand in an index beside the images they speak of, under the platform `unknown/unknown`. */
export function isAttestation(descriptor: Descriptor): boolean {
  return platformIn(descriptor)?.os === "unknown";
}

/**
 * The entry of an index to use: the one for `platform` (an equal variant before an absent one), or the only one when no platform
 * is asked for or none is written down. Throws Fault `image.platform` that lists what is there.
 */
export function choosePlatform(index: Index, place: string, platform?: Platform): Descriptor {
  const images = index.manifests.filter((descriptor) => !isAttestation(descriptor));
  const only = images.length === 1 ? images[0] : undefined;
  if (only && (platform === undefined || platformIn(only) === undefined)) return only;
  const fitting = images.filter((descriptor) => {
    const have = platformIn(descriptor);
    return platform && have && isPlatformFor(have, platform);
  });
  const exact = fitting.find((descriptor) => platformIn(descriptor)?.variant === platform?.variant);
  const chosen = exact ?? fitting[0];
  if (chosen) return chosen;
  const there = images.map((descriptor) => {
    const have = platformIn(descriptor);
    return have ? formatPlatform(have) : `${descriptor.digest} without a platform`;
  });
  const found = there.length === 0 ? "its index is empty" : `it has ${there.join(", ")}`;
  const wanted = platform ? `image for ${formatPlatform(platform)}` : "image";
  throw new Fault("image.platform", `Cannot choose ${wanted} at ${place}: ${found}`, {
    ...(there.length > 0 && { hint: "ask for one of these platforms" }),
  });
}

/** Throws Fault `image.platform` when an image that stands alone says it is for another platform than the one asked for. */
export function checkPlatform({ image }: StoredImage, place: string, platform: Platform | undefined): void {
  const have = platformOf(image.config);
  if (platform === undefined || have.os === "" || have.architecture === "" || isPlatformFor(have, platform)) return;
  const found = `the image there is for ${formatPlatform(have)}`;
  throw new Fault("image.platform", `Cannot take image for ${formatPlatform(platform)} at ${place}: ${found}`, {
    hint: "ask for that platform, or for none",
  });
}
