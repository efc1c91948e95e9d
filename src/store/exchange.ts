import type { Descriptor } from "../oci/descriptor.ts";
import type { Compressor } from "../oci/media-type.ts";
import { isPlatformFor, type Platform } from "../oci/platform.ts";
import type { Reference } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";
import type { ImageStore, StoredImage } from "./contract.ts";
import { nameKey } from "./layout/index-file.ts";
import type { EntryMarks } from "./layout/listing.ts";
import { nameText } from "./name.ts";
import { platformIn } from "./platform.ts";

/** Where images are exchanged with other tools: a directory or a file. */
export interface Exchange extends ImageStore, AsyncDisposable {
  /**
   * The image the place means by itself: the one under its tag, else the only one; undefined when there is none. Throws Fault
   * `image.choice` that lists what is there when there are several. Of an image for several platforms the one for `platform`.
   */
  sole(platform?: Platform): Promise<StoredImage | undefined>;
}

/** How a place of exchange is opened. */
export interface ExchangeOptions {
  /** The one name at this place that is read and written, whatever name is asked for. */
  readonly tag?: string;
  /** Which image of a multi-platform one is meant. */
  readonly platform?: Platform;
  /** How layers that are stored uncompressed are written, `gzip` unless said; compressed ones are copied as they are. */
  readonly compression?: Compressor;
}

/** The annotation in which containerd, Docker and BuildKit keep an image's full name. */
export const fullNameKey = "io.containerd.image.name";

/** What a place that other tools read writes about names: their tag as the entry's name (or the place's own), the full name beside it. */
export function marksFor(names: readonly Reference[], tag?: string): EntryMarks[] {
  if (tag !== undefined) return [{ [nameKey]: tag }];
  if (names.length === 0) return [{}];
  const texts = new Map(names.map((name) => [nameText(name), name]));
  return [...texts].map(([text, name]) => ({
    ...(name.digest === undefined || name.tag !== undefined ? { [fullNameKey]: text } : {}),
    [nameKey]: name.tag ?? name.digest ?? "latest",
  }));
}

function isTagged(entry: Descriptor, tag: string): boolean {
  return entry.annotations?.[nameKey] === tag || entry.annotations?.[fullNameKey] === tag;
}

/** The entry under the place's own tag (a tag or a full name), or without one the entry a name means: by digest, by full name, else by the tag alone. */
export function findEntry(entries: readonly Descriptor[], name: Reference, tag?: string): Descriptor | undefined {
  if (tag !== undefined) return entries.find((entry) => isTagged(entry, tag));
  if (name.digest) return entries.find((entry) => entry.digest === name.digest);
  const text = nameText(name);
  const isUntitled = (entry: Descriptor) => entry.annotations?.[fullNameKey] === undefined;
  return (
    entries.find((entry) => isTagged(entry, text)) ??
    entries.find((entry) => isUntitled(entry) && entry.annotations?.[nameKey] === (name.tag ?? "latest"))
  );
}

/** What people call the entry. */
function labelOf(entry: Descriptor): string {
  return entry.annotations?.[fullNameKey] ?? entry.annotations?.[nameKey] ?? entry.digest;
}

/**
 * The entry a place means by itself: the one its tag names (a tag or a full name), or its only image, or the only one for `platform`;
 * undefined when there is none. Throws Fault `image.choice` that lists what is there when there are several.
 */
export function soleEntry(
  entries: readonly Descriptor[],
  place: string,
  tag: string | undefined,
  platform: Platform | undefined,
): Descriptor | undefined {
  const fitting = entries.filter((entry) => tag === undefined || isTagged(entry, tag));
  const isForPlatform = (entry: Descriptor) => {
    const have = platformIn(entry);
    return platform !== undefined && have !== undefined && isPlatformFor(have, platform);
  };
  for (const candidates of [fitting, fitting.filter(isForPlatform)]) {
    if (new Set(candidates.map((entry) => entry.digest)).size === 1) return candidates[0]!;
  }
  if (fitting.length === 0) return undefined;
  const what = tag === undefined ? "image" : `image ${tag}`;
  throw new Fault("image.choice", `Cannot choose ${what} at ${place}: it holds ${fitting.map(labelOf).join(", ")}`, {
    hint: "say which one by a tag after the path",
  });
}
