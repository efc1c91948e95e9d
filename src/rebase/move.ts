import { diffPackages, type PackageDiff } from "../base/diff.ts";
import { metadataLabel } from "../base/image.ts";
import { packagesOf } from "../base/packages.ts";
import { asksOldBase } from "../cnb/base-end.ts";
import type { RunImageNames } from "../cnb/label.ts";
import { swapBase } from "../cnb/rebase.ts";
import {
  isRecorded,
  lifecycleOf,
  type RebaseQuestion,
  type Refusal,
  rebaseNotes,
  recordedRunImage,
  refusals,
} from "../cnb/refusal.ts";
import { isSameRunImage } from "../cnb/run-image.ts";
import { labelsOf, platformOf } from "../oci/config.ts";
import type { Image } from "../oci/image.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import { formatReference, parseReference, recordedName } from "../oci/reference.ts";
import type { ImagePlace } from "../reach/place.ts";
import { openPlace, type PlaceOptions } from "../reach/place.ts";
import type { Search } from "../reach/pull.ts";
import { findRunImage, type RunImageMirrors, runImageNamesFor } from "../reach/run-image.ts";
import { Fault } from "../std/fault.ts";
import type { BlobSource, StoredImage } from "../store/contract.ts";
import { firstOf } from "../store/first-of.ts";
import type { Layout } from "../store/layout.ts";

/** What the run image of a rebase is looked for with. */
export interface MoveSettings {
  /** The run image to move onto, when it is not the one under the recorded name. */
  readonly runImage: string | undefined;
  readonly mirrors: RunImageMirrors | undefined;
  /** The registry the result goes to, if it goes to one: run images are taken from there if it has them. */
  readonly registry: string | undefined;
  readonly places: PlaceOptions;
  readonly store: Layout;
  readonly search: Search;
  /** A run image that is being read already. */
  readonly begun?: BegunBase | undefined;
}

/** A run image and the name it was found under. */
type FoundBase = NonNullable<Awaited<ReturnType<typeof findRunImage>>>;

/** A run image that began to be read before it was known for which platform: as if for this one. */
export interface BegunBase {
  readonly platform: Platform;
  /** Undefined when it cannot be read; why will show when it is read again. */
  readonly found: Promise<FoundBase | undefined>;
}

/** One image and the run image it would move onto, with everything that speaks against it. */
export interface Move {
  readonly app: StoredImage;
  /** What the run image was asked for by. */
  readonly text: string;
  readonly refusals: readonly Refusal[];
  readonly notes: readonly string[];
  /** The run images before and after, as metadata names them. */
  readonly from: string;
  readonly to: string;
  readonly newBase: StoredImage;
  /** The image on its new base; only when no refusal stands. */
  made(): Moved;
}

/** An image on its new base. */
export interface Moved {
  readonly image: Image;
  readonly blobs: BlobSource;
  /** Whether it stands on other layers than before. */
  readonly isChanged: boolean;
}

const whereabouts: Readonly<Record<ImagePlace["kind"], string>> = {
  local: "in the local store",
  registry: "in its registry",
  daemon: "in the daemon",
  exchange: "there",
};

/** The name of the run image to move onto: the one given, else what the image's metadata records. */
function wantedName(given: string | undefined, app: Image, place: string): string {
  const metadata = lifecycleOf(app.config);
  const text = given ?? (metadata && recordedRunImage(metadata)?.image);
  if (text) return text;
  throw new Fault("rebase.run-image", `Cannot rebase ${place}: it does not record its run image`, {
    exit: "rebase",
    hint: "name one with --run-image",
  });
}

async function readBase(text: string, names: RunImageNames, settings: MoveSettings): Promise<FoundBase> {
  const { mirrors, registry, store, places, search } = settings;
  await using place = openPlace(text, store, places);
  const wanted = runImageNamesFor(names, mirrors, registry);
  const found = await findRunImage(place, wanted, search);
  if (found) return found;
  const makeIt = place.kind === "local" ? `make it with "pack base create ${text} --file base.toml", or ` : "";
  throw new Fault("run-image.missing", `Cannot read run image ${text}: it is not ${whereabouts[place.kind]}`, {
    exit: "rebase",
    hint: `${makeIt}name another one with --run-image`,
  });
}

/** Begins to read the run image when it was named and is in a registry, so that it need not wait for the app image. */
export function beginBase(settings: MoveSettings, platform: Platform): BegunBase | undefined {
  const { runImage, registry, search } = settings;
  if (!runImage || registry === undefined) return undefined;
  const found = readBase(runImage, { image: runImage }, { ...settings, search: { ...search, platform } });
  return { platform, found: found.catch(() => undefined) };
}

/** The run image an app is to move onto: the one that is being read, if it is for the app's platform. */
async function baseFor(app: Image, text: string, settings: MoveSettings): Promise<FoundBase> {
  const { runImage, begun } = settings;
  const platform = platformOf(app.config);
  const isBegun = begun !== undefined && formatPlatform(begun.platform) === formatPlatform(platform);
  const found = isBegun ? await begun.found : undefined;
  if (found) return found;
  const metadata = runImage ? undefined : lifecycleOf(app.config);
  const names = (metadata && recordedRunImage(metadata)) ?? { image: text };
  return readBase(text, names, { ...settings, search: { ...settings.search, platform } });
}

/** The run image the app stands on now, when it can help and is still to be had under the reference it was read by. */
async function readOldBase(app: Image, store: Layout): Promise<Image | undefined> {
  const metadata = lifecycleOf(app.config);
  const reference = metadata?.runImage.reference;
  if (!reference || !asksOldBase(app.config.diffIds, metadata)) return undefined;
  try {
    return (await store.read(parseReference(reference)))?.image;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** Finds the run image an app image is to move onto, and judges the move; nothing is changed. Throws Fault when there is none to be had. */
export async function planMove(app: StoredImage, place: string, settings: MoveSettings): Promise<Move> {
  const { store } = settings;
  const text = wantedName(settings.runImage, app.image, place);
  const { name: found, stored: newBase } = await baseFor(app.image, text, settings);
  const oldBase = await readOldBase(app.image, store);
  const metadata = lifecycleOf(app.image.config);
  // A mirror of the user's own is another way to the recorded run image, not another run image.
  const isOwnMirror = !settings.runImage && found && metadata && !isRecorded(metadata, formatReference(found));
  // The reference records the name as it was given: another spelling of it would be another image ID.
  const isAsked = !found || isSameRunImage(text, formatReference(found));
  const name = isOwnMirror || isAsked ? text : formatReference(found);
  const question: RebaseQuestion = {
    app: app.image,
    newBase: newBase.image,
    runImageName: name,
    ...(oldBase && { oldBase }),
  };
  const { registry, repository } = found ?? { registry: "pack.local", repository: "run" };
  const reference = recordedName({ registry, repository, digest: newBase.identity.digest });
  return {
    app,
    text: isOwnMirror ? formatReference(found) : text,
    newBase,
    refusals: refusals(question),
    notes: rebaseNotes(question),
    from: metadata?.runImage.reference ?? "",
    to: reference,
    made() {
      const image = swapBase(app.image, newBase.image, { name, reference, ...(oldBase && { oldBase }) });
      const label = "io.buildpacks.lifecycle.metadata";
      return {
        image,
        blobs: firstOf(newBase.blobs, app.blobs, store),
        isChanged: labelsOf(image.config)[label] !== labelsOf(app.image.config)[label],
      };
    },
  };
}

/** Which distribution packages a move changes, when the labels of both images list theirs; layers are not read for it. */
export async function packagesOfMove({ app, newBase }: Move): Promise<PackageDiff | undefined> {
  const isListed = ({ image }: StoredImage) => labelsOf(image.config)[metadataLabel] !== undefined;
  if (!isListed(app) || !isListed(newBase)) return undefined;
  const [before, after] = await Promise.all([packagesOf(app), packagesOf(newBase)]);
  return before && after && diffPackages(before, after);
}
