import { digestOf, hexOf } from "../oci/digest.ts";
import type { Compressor } from "../oci/media-type.ts";
import type { Platform } from "../oci/platform.ts";
import { formatReference, isSameName, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import type { HostPath } from "../std/path.ts";
import { openArchive } from "../store/archive.ts";
import type { ImageStore, IndexStore, StoredImage, StoredIndex } from "../store/contract.ts";
import type { Layout } from "../store/layout.ts";
import { openLayoutDirectory } from "../store/layout-directory.ts";
import { parseLocation } from "../store/locate.ts";
import type { Outside } from "./outside.ts";

/** Who keeps images by name. */
export type Keeper = "local" | "registry" | "daemon";

/** What marks a name as a registry's or the daemon's where a plain one would be local; skopeo writes it so. */
const prefixes = [
  ["docker://", "registry"],
  ["docker-daemon:", "daemon"],
] as const;

/** Where one image is or goes: a name in the local store or in a registry, a directory or a file. */
export interface ImagePlace extends AsyncDisposable {
  /** What the user wrote. */
  readonly text: string;
  /** The name images are written under there; a directory or file without one keeps them by its tag alone. */
  readonly names: readonly Reference[];
  readonly images: ImageStore;
  /** All but an `exchange`, a directory or file, keep images by name. */
  readonly kind: Keeper | "exchange";
  /** The image that is there, undefined when there is none; of one for several platforms that for `platform`. */
  read(platform?: Platform): Promise<StoredImage | undefined>;
  /** What is there, whole: an image, or the index of one for several platforms; undefined when there is nothing. */
  readWhole(): Promise<StoredImage | StoredIndex | undefined>;
  /** Takes images for several platforms; undefined where there is no place for them. */
  readonly indexes: IndexStore | undefined;
}

/** What `openPlace` may be told. */
export interface PlaceOptions {
  /** Relative paths begin here. */
  readonly base: HostPath;
  readonly platform: Platform;
  readonly compression?: Compressor | undefined;
  /** The registries and the daemon, for names that are meant to be there. */
  readonly outside?: Outside;
  /** Whose image a plain name means; the local store's unless said. */
  readonly keeper?: Keeper | undefined;
  /** Whether an image of the daemon may also be called by its ID, as one that is only read may. */
  readonly byId?: boolean;
}

/** What a daemon may know as an image's ID, or as the beginning of one. */
const idPattern = /^(?:sha256:)?[0-9a-f]{12,64}$/;

function isIndexStore(images: ImageStore & Partial<IndexStore>): images is ImageStore & IndexStore {
  return images.readWhole !== undefined && images.writePart !== undefined && images.writeIndex !== undefined;
}

function namePlace(text: string, name: Reference, kind: Keeper, images: ImageStore & Partial<IndexStore>): ImagePlace {
  const indexes = isIndexStore(images) ? images : undefined;
  return {
    text,
    names: [name],
    images,
    kind,
    indexes,
    read: (platform) => images.read(name, platform),
    readWhole: () => (indexes ? indexes.readWhole(name) : images.read(name)),
    [Symbol.asyncDispose]: async () => {},
  };
}

/**
 * Opens where the text says an image is: `oci:DIR[:tag]`, `docker-archive:FILE[:name]`, `oci-archive:FILE[:tag]`, a `.tar`, `docker://NAME` in a
 * registry, `docker-daemon:NAME`, or a name in the local store. Throws Fault `location.parse` or `reference.parse`.
 */
export function openPlace(text: string, local: Layout, options: PlaceOptions): ImagePlace {
  const { outside, keeper = "local" } = options;
  for (const [prefix, kind] of outside ? prefixes : []) {
    if (!text.startsWith(prefix)) continue;
    return namePlace(text, withDefaultTag(parseReference(text.slice(prefix.length))), kind, outside!.images[kind]);
  }
  if (options.byId && outside && keeper === "daemon" && idPattern.test(text)) {
    const { daemon } = outside.images;
    // The daemon looks for a name first where the text could be one.
    const read = () => daemon.readId(text);
    const none = { names: [], indexes: undefined, [Symbol.asyncDispose]: async () => {} };
    return { text, images: daemon, kind: keeper, read, readWhole: read, ...none };
  }
  const location = parseLocation(text, options.base);
  if (location.kind === "name") {
    const name = withDefaultTag(location.name);
    const isLocal = keeper === "local" || !outside;
    return isLocal ? namePlace(text, name, "local", local) : namePlace(text, name, keeper, outside.images[keeper]);
  }
  const { platform, compression } = options;
  const { tag } = location;
  const exchange = { platform, ...(tag !== undefined && { tag }), ...(compression && { compression }) };
  const layout = location.kind === "layout" ? openLayoutDirectory(location.directory, exchange) : undefined;
  const images =
    location.kind === "layout"
      ? layout!
      : openArchive(location.file, { ...exchange, form: location.form, isFormSaid: location.isFormSaid });
  const names =
    location.kind === "archive" && location.form === "docker" && tag !== undefined ? [parseReference(tag)] : [];
  return {
    text,
    names,
    images,
    kind: "exchange",
    indexes: layout,
    read: (wanted) => images.sole(wanted),
    readWhole: () => (layout ? layout.readWhole() : images.sole()),
    [Symbol.asyncDispose]: () => images[Symbol.asyncDispose](),
  };
}

/** A short name for what is kept of the builds of an image, the same for every way to write the image's own. Throws as `openPlace`. */
export function keyOf(text: string, base: HostPath): string {
  const location = parseLocation(text, base);
  const full = location.kind === "name" ? formatReference(withDefaultTag(location.name)) : text;
  return hexOf(digestOf(full)).slice(0, 32);
}

/** The names with every repeated one left out. */
export function distinctNames(names: readonly Reference[]): Reference[] {
  return names.filter((name, at) => names.findIndex((other) => isSameName(name, other)) === at);
}
