import { platformOf } from "../oci/config.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { mediaTypes } from "../oci/media-type.ts";
import { ociArchitecture, type Platform } from "../oci/platform.ts";
import { formatReference, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import { homeAt } from "../reach/home.ts";
import { Outside, type OutsideOptions } from "../reach/outside.ts";
import { type ImagePlace, openPlace } from "../reach/place.ts";
import type { Emit } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import { OpenedStack } from "../std/stack.ts";
import { isStoredIndex, type StoredImage, type StoredIndex } from "../store/contract.ts";
import { type Layout, openLayout } from "../store/layout.ts";
import { isAttestation, platformIn } from "../store/platform.ts";
import { type Draft, type Drafts, openDrafts } from "./draft.ts";

/** What every work on a manifest list takes. */
export interface ListOptions {
  /** The list's name: where it is pushed to. */
  readonly list: string;
  readonly home?: string;
  /** Relative paths in image locations begin here; the working directory unless said. */
  readonly base?: string;
  readonly outside?: OutsideOptions;
  readonly onEvent?: Emit;
  readonly signal?: AbortSignal;
}

/** What work on a manifest list is done with. */
export interface Work extends AsyncDisposable {
  readonly drafts: Drafts;
  readonly name: Reference;
  readonly outside: Outside;
  readonly store: Layout;
  /** Where an image is: in its registry, or where the text says. */
  place(text: string): ImagePlace;
}

/** Opens what work on a manifest list is done with. Throws Fault `reference.parse`. */
export function openWork(options: ListOptions): Work {
  const home = homeAt(options.home);
  const platform: Platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  const opened = new OpenedStack();
  const store = opened.use(openLayout(home.store, { platform }));
  const settings = { ...options.outside, platform, store, storeRoot: home.store, remember: false };
  const outside = opened.use(new Outside(settings, options.onEvent ?? (() => {}), options.signal));
  const base: HostPath = hostPath(options.base ?? process.cwd());
  return {
    drafts: openDrafts(home.manifests),
    name: withDefaultTag(parseReference(options.list)),
    outside,
    store,
    place: (text) => opened.use(openPlace(text, store, { base, platform, outside, keeper: "registry" })),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** An image for a list, and where it is to be read. */
export interface Found {
  readonly descriptor: Descriptor;
  readonly from: string;
}

function entryOf(entry: Pick<Descriptor, "mediaType" | "size" | "digest">, platform: Platform): Descriptor {
  const { mediaType, size, digest } = entry;
  return { mediaType, size, digest, platform: { ...platform } };
}

function entryFor({ image, identity }: StoredImage): Descriptor {
  const mediaType = mediaTypes[image.family].manifest;
  return entryOf({ mediaType, size: identity.size, digest: identity.digest }, platformOf(image.config));
}

/** What the local store has under a plain name, as everywhere, else what its place has. */
async function readPlace(text: string, { place, store }: Work) {
  const there = place(text);
  const name = there.names[0];
  const isPlain = there.kind === "registry" && !text.startsWith("docker://");
  const here = isPlain && name ? await store.readWhole(name) : undefined;
  if (here) return { found: here, from: `local:${formatReference(name!)}` };
  const from = there.kind === "registry" ? `docker://${formatReference(name!)}` : text;
  return { found: await there.readWhole(), from };
}

/** The images at a place, all that are for some platform. Throws Fault `image.missing`. */
export async function findImages(text: string, work: Work): Promise<readonly Found[]> {
  const { found, from } = await readPlace(text, work);
  if (!found) throw new Fault("image.missing", `Cannot add ${text} to manifest list: there is no such image`);
  if (!isStoredIndex(found)) return [{ descriptor: entryFor(found), from }];
  const entries = found.index.manifests.filter((entry) => !isAttestation(entry));
  return Promise.all(
    entries.map(async (entry) => {
      const platform = platformIn(entry) ?? platformOf((await found.read(entry)).image.config);
      return { descriptor: { ...entry, ...entryOf(entry, platform) }, from };
    }),
  );
}

/** The image of an entry where it came from; undefined when it is in the list's own repository already. */
export async function readSource(entry: Descriptor, draft: Draft, work: Work): Promise<StoredImage | undefined> {
  const from = draft.sources.get(entry.digest) ?? `docker://${formatReference(work.name)}`;
  const { digest } = entry;
  const isLocal = from.startsWith("local:");
  const name = /^(docker:\/\/|local:)/.test(from)
    ? parseReference(from.replace(/^(docker:\/\/|local:)/, ""))
    : undefined;
  const { registry, repository } = work.name;
  if (name && !isLocal && name.registry === registry && name.repository === repository) return undefined;
  const places = work.outside.images.registry;
  const stored = !name
    ? await imageIn(await work.place(from).readWhole(), digest)
    : isLocal
      ? await imageIn(await work.store.readWhole(name), digest)
      : await places.read({ registry: name.registry, repository: name.repository, digest });
  if (stored) return stored;
  throw new Fault("image.missing", `Cannot push manifest list: image ${digest} is no longer at ${from}`, {
    hint: "add it again",
  });
}

/** The image with this digest in what was found under a name. */
async function imageIn(found: StoredImage | StoredIndex | undefined, digest: Digest): Promise<StoredImage | undefined> {
  if (!found || !isStoredIndex(found)) return found?.identity.digest === digest ? found : undefined;
  const entry = found.index.manifests.find((item) => item.digest === digest);
  return entry && found.read(entry);
}
