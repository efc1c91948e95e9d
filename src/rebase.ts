import type { PackageDiff } from "./base/diff.ts";
import type { Refusal } from "./cnb/refusal.ts";
import { platformOf } from "./oci/config.ts";
import type { Digest } from "./oci/digest.ts";
import type { Compressor } from "./oci/media-type.ts";
import { formatPlatform, ociArchitecture, type Platform } from "./oci/platform.ts";
import { parseReference, type Reference, withDefaultTag } from "./oci/reference.ts";
import { homeAt } from "./reach/home.ts";
import { Outside, type OutsideOptions } from "./reach/outside.ts";
import { type ImagePlace, type Keeper, openPlace } from "./reach/place.ts";
import type { PullPolicy } from "./reach/pull-policy.ts";
import { pullRecord } from "./reach/pull-record.ts";
import type { RunImageMirrors } from "./reach/run-image.ts";
import { saveImage, saveIndex, writeReport } from "./reach/save.ts";
import { planIndexMove } from "./rebase/index-move.ts";
import { beginBase, type Move, type MoveSettings, packagesOfMove, planMove } from "./rebase/move.ts";
import { type Emit, inPhase, logTo } from "./std/event.ts";
import { Fault, withExit } from "./std/fault.ts";
import { hostPath } from "./std/path.ts";
import { isStoredIndex, type StoredImage, type StoredIndex } from "./store/contract.ts";
import { type Layout, openLayout } from "./store/layout.ts";
import { checkPlatform } from "./store/platform.ts";

/** What a rebase is asked to do; only `image` is needed. */
export interface RebaseOptions {
  /** The image: a name in the local store, `oci:DIR[:tag]` or an archive. */
  readonly image: string;
  /** The run image to move onto; what stands now under the name the image was built on unless said. */
  readonly runImage?: string;
  /**
   * Of an image for several platforms only the one for this is moved, and the others stay as they are; all of them unless said. An image that
   * stands alone must be for it, if it is said.
   */
  readonly platform?: Platform;
  /** More mirrors of run images, by image: they are tried before the recorded ones. */
  readonly runImageMirrors?: RunImageMirrors;
  /** When a run image of the local store is fetched again; only when it is not there unless said. */
  readonly pullPolicy?: PullPolicy;
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

/** What a rebase did with one image. */
export interface RebasedImage {
  readonly platform: string;
  readonly imageId: Digest;
  /** Of its manifest. */
  readonly digest: Digest;
  /** The run images before and after, as the image's metadata names them. */
  readonly from: string;
  readonly to: string;
  /** Whether the image stands on other layers than before. */
  readonly changed: boolean;
  /** Which distribution packages changed, when both run images list theirs. */
  readonly packages: PackageDiff | undefined;
}

/** What a rebase did; of an image for several platforms, what is said of one image is said of the first that was moved. */
export interface RebaseReport extends RebasedImage {
  /** Of the manifest, or of the index. */
  readonly digest: Digest;
  readonly names: readonly string[];
  /** Every image that was moved. */
  readonly images: readonly RebasedImage[];
}

async function readApp(place: ImagePlace): Promise<StoredImage | StoredIndex> {
  const stored = await place.readWhole();
  if (stored) return stored;
  throw new Fault("rebase.missing", `Cannot rebase ${place.text}: there is no such image`, {
    exit: "rebase",
    hint: "`pack images` lists the images of the local store",
  });
}

/** A move, and the platform to name beside its refusals when there are several. */
interface Named {
  readonly move: Move;
  readonly label: string;
}

function refuse(place: string, moves: readonly Named[], force: boolean, warn: (text: string) => void): void {
  const said = ({ label }: Named, refusal: Refusal) =>
    moves.length > 1 ? `${label}: ${refusal.found}` : refusal.found;
  const all = moves.flatMap((named) => named.move.refusals.map((refusal) => ({ refusal, text: said(named, refusal) })));
  for (const { text } of force ? all.filter((item) => item.refusal.overridable) : []) warn(text);
  const standing = force ? all.filter((item) => !item.refusal.overridable) : all;
  if (standing.length === 0) return;
  const hints = [...new Set(standing.map((item) => item.refusal.hint))];
  const texts = standing.map((item) => item.text);
  throw new Fault(standing[0]!.refusal.code, `Cannot rebase ${place}: ${texts.join("; and ")}`, {
    exit: "rebase",
    hint: hints.join("; "),
  });
}

/** What is common to every way a rebase can go. */
interface Work {
  readonly options: RebaseOptions;
  readonly source: ImagePlace;
  readonly target: ImagePlace;
  readonly tags: readonly Reference[];
  readonly store: Layout;
  readonly outside: Outside;
  readonly settings: MoveSettings;
  readonly emit: Emit;
}

async function rebasedOf(
  move: Move,
  isChanged: boolean,
  identity: { imageId: Digest; digest: Digest },
): Promise<RebasedImage> {
  return {
    platform: formatPlatform(platformOf(move.app.image.config)),
    imageId: identity.imageId,
    digest: identity.digest,
    from: move.from,
    to: move.to,
    changed: isChanged,
    packages: await packagesOfMove(move),
  };
}

async function rebaseOne(app: StoredImage, work: Work): Promise<RebaseReport> {
  const { options, source, target, tags, store, settings, emit } = work;
  const log = logTo(emit);
  checkPlatform(app, source.text, options.platform);
  const move = await planMove(app, source.text, settings);
  refuse(source.text, [{ move, label: "" }], options.force ?? false, log.warn);
  for (const note of move.notes) log.info(note);
  options.signal?.throwIfAborted();
  log.info(`Rebasing ${source.text} on run image ${move.text}`);
  const { image, blobs, isChanged } = move.made();
  const saved = await saveImage({ image, blobs, target, tags, local: store, emit });
  if (options.reportDirectory) await writeReport(options.reportDirectory, saved, target.kind, work.outside);
  const rebased = await rebasedOf(move, isChanged, saved.identity);
  return { ...rebased, names: saved.names, images: [rebased] };
}

async function rebaseAll(app: StoredIndex, work: Work): Promise<RebaseReport> {
  const { options, source, target, tags, settings, emit } = work;
  const log = logTo(emit);
  const plan = await planIndexMove(app, source.text, settings, options.platform);
  const moves = plan.moves.map(({ move, platform }) => ({ move, label: formatPlatform(platform) }));
  refuse(source.text, moves, options.force ?? false, log.warn);
  for (const note of new Set([...plan.notes, ...plan.moves.flatMap(({ move }) => move.notes)])) log.info(note);
  options.signal?.throwIfAborted();
  for (const { move, label } of moves) log.info(`Rebasing ${source.text} (${label}) on run image ${move.text}`);
  const made = plan.moves.map(({ move }) => move.made());
  const saved = await saveIndex({ target, tags, emit, others: plan.others, images: made, listed: plan.listed });
  const images = await Promise.all(
    plan.moves.map(({ move }, at) => rebasedOf(move, made[at]!.isChanged, saved.images[at]!)),
  );
  if (options.reportDirectory) await writeReport(options.reportDirectory, saved, target.kind, work.outside);
  return { ...images[0]!, digest: saved.identity.digest, names: saved.names, images };
}

/** What rebases of many images have in common. */
export type SharedRebaseOptions = Pick<RebaseOptions, "home" | "compression" | "outside" | "onEvent" | "signal">;

/** Rebases many images, also several at the same time, over the same connections; dispose of it to close them. */
export interface Rebaser extends AsyncDisposable {
  /** As `rebase` does. */
  rebase(options: Omit<RebaseOptions, "home" | "compression" | "outside">): Promise<RebaseReport>;
}

/**
 * Opens what many rebases share: the local store, and what is said to registries and the daemon goes to `onEvent` of this call. Documents of
 * registries stay in memory, as far as they may be needed again; nothing of them is written into the local store.
 */
export function openRebaser(shared: SharedRebaseOptions = {}): Rebaser {
  return rebaserFor(shared, false);
}

function rebaserFor(shared: SharedRebaseOptions, remember: boolean): Rebaser {
  const platform: Platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  const { compression } = shared;
  const home = homeAt(shared.home);
  const store = openLayout(home.store, { platform, hold: true });
  const outsideSettings = { ...shared.outside, platform, compression, remember, store, storeRoot: home.store };
  const outside = new Outside(outsideSettings, shared.onEvent ?? (() => {}), shared.signal);
  return {
    async rebase(options) {
      const emit = options.onEvent ?? (() => {});
      const base = hostPath(options.base ?? process.cwd());
      const { output: keeper } = options;
      const places = { base, platform, outside, keeper };
      await using target = openPlace(options.image, store, { ...places, compression });
      await using source = openPlace(options.previousImage ?? options.image, store, places);
      const tags = (options.tags ?? []).map((tag) => withDefaultTag(parseReference(tag)));
      const policy = options.pullPolicy ?? "if-not-present";
      const search = {
        store,
        outside,
        policy,
        record: pullRecord(home.pulls),
        leave: target.kind === "registry",
        emit,
      };
      const settings: MoveSettings = {
        runImage: options.runImage,
        mirrors: options.runImageMirrors,
        registry: target.kind === "registry" ? target.names[0]?.registry : undefined,
        places,
        store,
        search,
      };
      const begun = beginBase(settings, platform);
      const work = { options, source, target, tags, store, outside, settings: { ...settings, begun }, emit };
      try {
        return await inPhase(emit, "rebase", async () => {
          const app = await readApp(source);
          return await (isStoredIndex(app) ? rebaseAll(app, work) : rebaseOne(app, work));
        });
      } catch (error) {
        throw withExit(error, "rebase");
      } finally {
        // Nothing goes on when the result is known.
        await begun?.found;
      }
    },
    async [Symbol.asyncDispose]() {
      await outside[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/**
 * Moves an image onto another run image (Platform spec, "rebaser"), one for several platforms in all of them: documents are rewritten, the app's
 * own layers are not touched. Throws one Fault (exit 72) that lists every refusal; then nothing has changed.
 */
export async function rebase(options: RebaseOptions): Promise<RebaseReport> {
  await using rebaser = rebaserFor(options, true);
  return await rebaser.rebase(options);
}
