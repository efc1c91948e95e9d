import { type Draft, withEntries, withoutEntry } from "./manifest-list/draft.ts";
import { findImages, type ListOptions, openWork, readSource, type Work } from "./manifest-list/work.ts";
import type { Descriptor } from "./oci/descriptor.ts";
import { type Digest, isDigest } from "./oci/digest.ts";
import type { Index } from "./oci/manifest.ts";
import { mediaTypes } from "./oci/media-type.ts";
import { formatReference, parseReference, withDefaultTag } from "./oci/reference.ts";
import { logTo } from "./std/event.ts";
import { Fault } from "./std/fault.ts";
import { isStoredIndex } from "./store/contract.ts";
import { platformIn } from "./store/platform.ts";

export type { ListOptions } from "./manifest-list/work.ts";

/** The media types of an index: OCI's, or those of Docker's manifest lists. */
export type ListFormat = "oci" | "docker";

/** What of an image an entry says. */
export interface Annotation {
  readonly os?: string;
  readonly architecture?: string;
  readonly variant?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

async function needDraft({ drafts, name }: Work, verb: string): Promise<Draft> {
  const draft = await drafts.read(name);
  if (draft) return draft;
  const all = await drafts.names();
  throw new Fault("manifest.missing", `Cannot ${verb} manifest list ${formatReference(name)}: there is none here`, {
    hint: all.length > 0 ? `there are ${all.join(", ")}` : "make one with `pack manifest create`",
  });
}

/** The digest of the entry an image means: by its digest, by where it came from, or by what stands under its name now. */
async function digestIn(draft: Draft, text: string, work: Work): Promise<Digest> {
  const isListed = (digest: Digest) => draft.index.manifests.some((entry) => entry.digest === digest);
  const name = isDigest(text) ? undefined : parseReference(text);
  const wanted = isDigest(text) ? text : name?.digest;
  if (wanted && isListed(wanted)) return wanted;
  const full = name && formatReference(withDefaultTag(name));
  const known = [...draft.sources].filter(([, from]) => from.replace(/^(docker:\/\/|local:)/, "") === full);
  if (known.length === 1) return known[0]![0];
  if (name && !wanted) {
    const found = (await findImages(text, work).catch(() => [])).find(({ descriptor }) => isListed(descriptor.digest));
    if (found) return found.descriptor.digest;
  }
  const why = known.length > 1 ? `it stands for ${known.length} images of it` : "it is not in it";
  throw new Fault("manifest.entry", `Cannot find ${text} in manifest list ${formatReference(work.name)}: ${why}`, {
    hint: "`pack manifest inspect` shows the digests of its images, and each may be named by its digest",
  });
}

/** Makes a manifest list of images, here or with `publish` in its registry alone. Throws Fault `manifest.exists` when there is one here. */
export async function createManifestList(
  options: ListOptions & {
    readonly images: readonly string[];
    readonly format?: ListFormat;
    readonly publish?: boolean;
  },
): Promise<Digest | undefined> {
  await using work = openWork(options);
  const shown = formatReference(work.name);
  if (!options.publish && (await work.drafts.read(work.name)))
    throw new Fault("manifest.exists", `Cannot create manifest list ${shown}: it is there already`, {
      hint: "`pack manifest add` adds images to it, `pack manifest remove` takes it away",
    });
  const found = (await Promise.all(options.images.map((image) => findImages(image, work)))).flat();
  const index: Index = { mediaType: mediaTypes[options.format ?? "oci"].index, manifests: [] };
  const draft = withEntries({ index, sources: new Map() }, found);
  const log = logTo(options.onEvent ?? (() => {}));
  if (options.publish) return publish(draft, work, log.info);
  await work.drafts.write(work.name, draft);
  log.info(`Successfully created manifest list '${shown}'`);
  return undefined;
}

/** Adds images to a manifest list; every image of one for several platforms. */
export async function addToManifestList(options: ListOptions & { readonly images: readonly string[] }): Promise<void> {
  await using work = openWork(options);
  const draft = await needDraft(work, "add to");
  const found = (await Promise.all(options.images.map((image) => findImages(image, work)))).flat();
  await work.drafts.write(work.name, withEntries(draft, found));
  const log = logTo(options.onEvent ?? (() => {}));
  for (const image of options.images) log.info(`Successfully added image '${image}' to index`);
}

/** Says more of an image in a manifest list, or something else. */
export async function annotateManifestList(
  options: ListOptions & Annotation & { readonly image: string },
): Promise<void> {
  await using work = openWork(options);
  const draft = await needDraft(work, "annotate");
  const digest = await digestIn(draft, options.image, work);
  const { os, architecture, variant, annotations } = options;
  const manifests = draft.index.manifests.map((entry): Descriptor => {
    if (entry.digest !== digest) return entry;
    const platform = {
      ...platformIn(entry),
      ...(os && { os }),
      ...(architecture && { architecture }),
      ...(variant && { variant }),
    };
    const all = { ...entry.annotations, ...annotations };
    return { ...entry, platform, ...(Object.keys(all).length > 0 && { annotations: all }) };
  });
  await work.drafts.write(work.name, { ...draft, index: { ...draft.index, manifests } });
  logTo(options.onEvent ?? (() => {})).info(
    `Successfully annotated image '${options.image}' in index '${options.list}'`,
  );
}

/** Takes images out of a manifest list. */
export async function removeFromManifestList(
  options: ListOptions & { readonly images: readonly string[] },
): Promise<void> {
  await using work = openWork(options);
  let draft = await needDraft(work, "remove from");
  for (const image of options.images) draft = withoutEntry(draft, await digestIn(draft, image, work));
  await work.drafts.write(work.name, draft);
  logTo(options.onEvent ?? (() => {})).info(`Successfully removed images from manifest list '${options.list}'`);
}

/** Takes a manifest list away from here; what was pushed stays. */
export async function deleteManifestList(options: ListOptions): Promise<void> {
  await using work = openWork(options);
  await needDraft(work, "remove");
  await work.drafts.remove(work.name);
  logTo(options.onEvent ?? (() => {})).info(`Successfully removed manifest list '${options.list}'`);
}

/** Pushes a manifest list, after the images its repository lacks; with `purge` it is no longer here then. Resolves to its digest. */
export async function pushManifestList(
  options: ListOptions & { readonly format?: ListFormat; readonly purge?: boolean },
): Promise<Digest> {
  await using work = openWork(options);
  const draft = await needDraft(work, "push");
  const mediaType = options.format ? mediaTypes[options.format].index : draft.index.mediaType;
  const log = logTo(options.onEvent ?? (() => {}));
  const digest = await publish({ ...draft, index: { ...draft.index, mediaType } }, work, log.info);
  if (options.purge) await work.drafts.remove(work.name);
  return digest;
}

async function publish(draft: Draft, work: Work, say: (text: string) => void): Promise<Digest> {
  const { name, outside } = work;
  const registry = outside.images.registry;
  const manifests: Descriptor[] = [];
  for (const entry of draft.index.manifests) {
    const stored = await readSource(entry, draft, work);
    // Layers that are compressed on the way give the manifest another digest.
    manifests.push(
      stored ? { ...entry, ...(await registry.writePart(stored.image, [name], stored.blobs, stored)) } : entry,
    );
  }
  const { digest } = await registry.writeIndex({ ...draft.index, manifests }, [name]);
  say(`Successfully pushed manifest list '${formatReference(name)}' to registry`);
  return digest;
}

/** The index of a manifest list: the one here, else what its registry has. Throws Fault `manifest.missing`. */
export async function inspectManifestList(options: ListOptions): Promise<Index> {
  await using work = openWork(options);
  const draft = await work.drafts.read(work.name);
  if (draft) return draft.index;
  const found = await work.outside.images.registry.readWhole(work.name);
  if (found && isStoredIndex(found)) return found.index;
  const why = found ? "it is an image for one platform" : "there is none, here or in its registry";
  throw new Fault("manifest.missing", `Cannot inspect manifest list ${formatReference(work.name)}: ${why}`);
}
