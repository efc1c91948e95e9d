import { platformOf } from "../oci/config.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Index } from "../oci/manifest.ts";
import { formatPlatform, isPlatformFor, type Platform } from "../oci/platform.ts";
import { Fault } from "../std/fault.ts";
import type { StoredImage, StoredIndex } from "../store/contract.ts";
import { isAttestation, platformIn } from "../store/platform.ts";
import { type Move, type MoveSettings, planMove } from "./move.ts";

/** What is to become of an image for several platforms. */
export interface IndexMove {
  readonly moves: readonly { readonly platform: Platform; readonly move: Move }[];
  /** The images that stay as they are. */
  readonly others: readonly StoredImage[];
  /** The index that lists images with these descriptors, those of `moves` first, then those of `others`. */
  listed(descriptors: readonly Descriptor[]): Index;
  readonly notes: readonly string[];
}

/**
 * Plans the move of every image an index lists, or of the one for `platform`. Attestations are left out: they speak of images that are
 * replaced. Throws Fault `image.platform` when there is none for the platform asked for.
 */
export async function planIndexMove(
  found: StoredIndex,
  place: string,
  settings: MoveSettings,
  platform: Platform | undefined,
): Promise<IndexMove> {
  const entries = found.index.manifests.filter((entry) => !isAttestation(entry));
  const images = await Promise.all(entries.map(async (entry) => ({ entry, app: await found.read(entry) })));
  const listed = images.map(({ entry, app }) => ({
    entry,
    app,
    platform: platformIn(entry) ?? platformOf(app.image.config),
  }));
  const isMeant = (item: (typeof listed)[number]) => platform === undefined || isPlatformFor(item.platform, platform);
  const meant = listed.filter(isMeant);
  if (meant.length === 0) {
    const there = listed.map((item) => formatPlatform(item.platform)).join(", ") || "no image";
    const wanted = platform ? ` for ${formatPlatform(platform)}` : "";
    throw new Fault("image.platform", `Cannot rebase ${place}${wanted}: it has ${there}`, {
      exit: "rebase",
      hint: "ask for one of these platforms",
    });
  }
  const others = listed.filter((item) => !isMeant(item));
  // Layers of other platforms are of no use here: they go from where they are to where they belong.
  const search = { ...settings.search, leave: true };
  const moves = await Promise.all(
    meant.map(async (item) => ({
      platform: item.platform,
      move: await planMove(item.app, `${place} (${formatPlatform(item.platform)})`, { ...settings, search }),
    })),
  );
  const order = [...meant, ...others];
  const dropped = found.index.manifests.length - entries.length;
  return {
    moves,
    others: others.map((item) => item.app),
    listed: (descriptors) => ({
      ...found.index,
      manifests: entries.map((entry) => {
        const at = order.findIndex((item) => item.entry === entry);
        return { ...entry, ...descriptors[at]! };
      }),
    }),
    notes: dropped > 0 ? [`Leaving out ${dropped} attestations: they speak of the images before the rebase`] : [],
  };
}
