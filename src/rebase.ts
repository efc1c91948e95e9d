import { diffPackages, type PackageDiff } from "./base/diff.ts";
import { metadataLabel } from "./base/image.ts";
import { packagesOf } from "./base/packages.ts";
import { swapBase } from "./cnb/rebase.ts";
import { lifecycleOf, type Refusal, rebaseNotes, refusals } from "./cnb/refusal.ts";
import { homeAt } from "./home.ts";
import { labelsOf } from "./oci/config.ts";
import type { Digest } from "./oci/digest.ts";
import type { Image } from "./oci/image.ts";
import type { Compressor } from "./oci/media-type.ts";
import { ociArchitecture, type Platform } from "./oci/platform.ts";
import { formatReference, parseReference, recordedName, withDefaultTag } from "./oci/reference.ts";
import { Outside, type OutsideOptions } from "./outside.ts";
import { type ImagePlace, type Keeper, openPlace } from "./place.ts";
import { saveImage, writeReport } from "./save.ts";
import { type Emit, inPhase, logTo } from "./std/event.ts";
import { Fault, withExit } from "./std/fault.ts";
import { hostPath } from "./std/path.ts";
import type { StoredImage } from "./store/contract.ts";
import { firstOf } from "./store/first-of.ts";
import { type Layout, openLayout } from "./store/layout.ts";

/** What a rebase is asked to do; only `image` is needed. */
export interface RebaseOptions {
  /** The image: a name in the local store, `oci:DIR[:tag]` or an archive. */
  readonly image: string;
  /** The run image to move onto; what stands now under the name the image was built on unless said. */
  readonly runImage?: string;
  /** The image to rebase, left as it is; `image` is then only the name of the result. */
  readonly previousImage?: string;
  /** Who keeps the image, its run image and the result: the local store unless said, registries, or the Docker daemon. */
  readonly output?: Keeper;
  readonly outside?: OutsideOptions;
  /** More names for the result. */
  readonly tags?: readonly string[];
  /** Rebase in spite of the refusals that can be overridden. */
  readonly force?: boolean;
  readonly home?: string;
  /** Relative paths in image locations begin here; the working directory unless said. */
  readonly base?: string;
  readonly compression?: Compressor;
  /** Where to write `report.toml`. */
  readonly reportDirectory?: string;
  readonly onEvent?: Emit;
  readonly signal?: AbortSignal;
}

/** What a rebase did. */
export interface RebaseReport {
  readonly imageId: Digest;
  readonly digest: Digest;
  readonly names: readonly string[];
  /** The run images before and after, as the image's metadata names them. */
  readonly from: string;
  readonly to: string;
  /** Whether the image stands on other layers than before. */
  readonly changed: boolean;
  /** Which distribution packages changed, when both run images list theirs. */
  readonly packages: PackageDiff | undefined;
}

async function readApp(place: ImagePlace): Promise<StoredImage> {
  const stored = await place.read();
  if (stored) return stored;
  throw new Fault("rebase.missing", `Cannot rebase ${place.text}: there is no such image`, {
    exit: "rebase",
    hint: "`pack images` lists the images of the local store",
  });
}

/** The name of the run image to move onto: the one given, else what the image's metadata records. */
function wantedName(given: string | undefined, app: Image, place: string): string {
  const metadata = lifecycleOf(app.config);
  const text = given ?? metadata?.runImage.image ?? metadata?.stack?.runImage.image;
  if (text) return text;
  throw new Fault("rebase.run-image", `Cannot rebase ${place}: it does not record its run image`, {
    exit: "rebase",
    hint: "name one with --run-image",
  });
}

const whereabouts: Readonly<Record<ImagePlace["kind"], string>> = {
  local: "in the local store",
  registry: "in its registry",
  daemon: "in the daemon",
  exchange: "there",
};

async function readBase(text: string, place: ImagePlace): Promise<StoredImage> {
  const stored = await place.read();
  if (stored) return stored;
  const makeIt = place.kind === "local" ? `make it with "pack base create ${text} --file base.toml", or ` : "";
  throw new Fault("run-image.missing", `Cannot read run image ${text}: it is not ${whereabouts[place.kind]}`, {
    exit: "rebase",
    hint: `${makeIt}name another one with --run-image`,
  });
}

/** The run image the app stands on now, when it is still to be had under the reference it was read by. */
async function readOldBase(app: Image, store: Layout): Promise<Image | undefined> {
  const reference = lifecycleOf(app.config)?.runImage.reference;
  if (!reference) return undefined;
  try {
    return (await store.read(parseReference(reference)))?.image;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** What a base's label lists is compared; layers are not read for it. */
async function packageDiff(app: StoredImage, newBase: StoredImage): Promise<PackageDiff | undefined> {
  const isListed = ({ image }: StoredImage) => labelsOf(image.config)[metadataLabel] !== undefined;
  if (!isListed(app) || !isListed(newBase)) return undefined;
  const [before, after] = await Promise.all([packagesOf(app), packagesOf(newBase)]);
  return before && after && diffPackages(before, after);
}

function refuse(place: string, found: readonly Refusal[], force: boolean): void {
  const standing = force ? found.filter((refusal) => !refusal.overridable) : found;
  if (standing.length === 0) return;
  const all = standing.map((refusal) => refusal.found);
  const hints = [...new Set(standing.map((refusal) => refusal.hint))];
  throw new Fault(standing[0]!.code, `Cannot rebase ${place}: ${all.join("; and ")}`, {
    exit: "rebase",
    hint: hints.join("; "),
  });
}

/**
 * Moves an image onto another run image (Platform spec, "rebaser"): documents are rewritten, the app's own layers are not touched. Throws one Fault
 * (exit 72) that lists every refusal; then nothing has changed.
 */
export async function rebase(options: RebaseOptions): Promise<RebaseReport> {
  const emit = options.onEvent ?? (() => {});
  const log = logTo(emit);
  const platform: Platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  const base = hostPath(options.base ?? process.cwd());
  const storeRoot = homeAt(options.home).store;
  await using store = openLayout(storeRoot, { platform, hold: true });
  const { compression, output: keeper } = options;
  await using outside = new Outside(
    { ...options.outside, platform, compression, store, storeRoot },
    emit,
    options.signal,
  );
  const places = { base, platform, outside, keeper };
  await using target = openPlace(options.image, store, { ...places, compression });
  await using source = openPlace(options.previousImage ?? options.image, store, places);
  const tags = (options.tags ?? []).map((tag) => withDefaultTag(parseReference(tag)));
  try {
    return await inPhase(emit, "rebase", async () => {
      const app = await readApp(source);
      const text = wantedName(options.runImage, app.image, source.text);
      await using basePlace = openPlace(text, store, places);
      const newBase = await readBase(text, basePlace);
      const oldBase = await readOldBase(app.image, store);
      const name = basePlace.kind !== "exchange" ? formatReference(basePlace.names[0]!) : text;
      const question = { app: app.image, newBase: newBase.image, runImageName: name, ...(oldBase && { oldBase }) };
      const found = refusals(question);
      for (const refusal of options.force ? found.filter((item) => item.overridable) : []) log.warn(refusal.found);
      refuse(source.text, found, options.force ?? false);
      for (const note of rebaseNotes(question)) log.info(note);
      options.signal?.throwIfAborted();

      log.info(`Rebasing ${source.text} on run image ${text}`);
      const repository = basePlace.names[0] ?? { registry: "pack.local", repository: "run" };
      const reference = recordedName({
        registry: repository.registry,
        repository: repository.repository,
        digest: newBase.identity.digest,
      });
      const image = swapBase(app.image, newBase.image, { name, reference, ...(oldBase && { oldBase }) });
      const blobs = firstOf(newBase.blobs, app.blobs, store);
      const saved = await saveImage({ image, blobs, target, tags, local: store, emit });
      if (options.reportDirectory) await writeReport(options.reportDirectory, saved);
      return {
        imageId: saved.identity.imageId,
        digest: saved.identity.digest,
        names: saved.names,
        from: lifecycleOf(app.image.config)?.runImage.reference ?? "",
        to: reference,
        packages: await packageDiff(app, newBase),
        changed:
          labelsOf(image.config)["io.buildpacks.lifecycle.metadata"] !==
          labelsOf(app.image.config)["io.buildpacks.lifecycle.metadata"],
      };
    });
  } catch (error) {
    throw withExit(error, "rebase");
  }
}
