import { lifecycleOf } from "./cnb/refusal.ts";
import type { Identity } from "./oci/image.ts";
import type { Compressor } from "./oci/media-type.ts";
import { ociArchitecture, type Platform } from "./oci/platform.ts";
import { homeAt } from "./reach/home.ts";
import { Outside, type OutsideOptions } from "./reach/outside.ts";
import { type ImagePlace, openPlace } from "./reach/place.ts";
import { type Emit, logTo } from "./std/event.ts";
import { Fault } from "./std/fault.ts";
import { hostPath } from "./std/path.ts";
import { isStoredIndex, type StoredImage, type StoredIndex } from "./store/contract.ts";
import { copyImage, copyIndex } from "./store/copy.ts";
import { openLayout } from "./store/layout.ts";
import { checkPlatform, isAttestation } from "./store/platform.ts";

/** What is to be copied, and where. */
export interface TransferOptions {
  /** Where the image is: a name in the local store, `docker://NAME` in a registry, `docker-daemon:NAME`, `oci:DIR[:tag]`, or an archive. */
  readonly from: string;
  /** Where it goes, written the same way. */
  readonly to: string;
  /** Of an image for several platforms all of them, and what else its index lists; otherwise one. */
  readonly all?: boolean;
  /** Which one; this machine's unless said. An image that stands alone must be for it, if it is said. */
  readonly platform?: Platform;
  readonly home?: string;
  /** Relative paths begin here; the working directory unless said. */
  readonly base?: string;
  /** Of layers that are stored uncompressed and go elsewhere; gzip unless said. */
  readonly compression?: Compressor;
  readonly outside?: OutsideOptions;
  readonly onEvent?: Emit;
  readonly signal?: AbortSignal;
}

/** What was copied: an image, or everything an index lists. */
export type Copied = Pick<Identity, "digest" | "size"> & {
  /** Of an image for one platform. */
  readonly imageId?: Identity["imageId"];
  /** Of an image for several platforms that was copied whole: how many images it has, attestations left aside. */
  readonly images?: number;
};

async function sourceOf(place: ImagePlace, { all, platform }: TransferOptions) {
  const found = all ? await place.readWhole() : await place.read(platform);
  if (found && !isStoredIndex(found)) checkPlatform(found, place.text, platform);
  if (found) return found;
  const hint = place.kind === "local" ? "`pack images` lists the images of the local store" : undefined;
  throw new Fault("image.missing", `Cannot copy ${place.text}: there is no such image`, hint ? { hint } : {});
}

/** New layers of an app image carry Docker's types in both families, as the reference has it; a base keeps to its own family. */
async function layerTypesOf(found: StoredImage | StoredIndex): Promise<"docker" | "family"> {
  const [first] = isStoredIndex(found) ? found.index.manifests.filter((entry) => !isAttestation(entry)) : [];
  const image = !isStoredIndex(found) ? found : first && (await found.read(first));
  return image && lifecycleOf(image.image.config) !== undefined ? "docker" : "family";
}

async function writeTo(place: ImagePlace, found: StoredImage | StoredIndex): Promise<Copied> {
  if (!isStoredIndex(found)) return await copyImage(found, place.images, place.names);
  const { indexes } = place;
  if (!indexes)
    throw new Fault("index.place", `Cannot write ${place.text}: an image for several platforms has no place there`, {
      exit: "usage",
      hint: "a registry, the local store or oci:DIR keep them; --platform chooses one image",
    });
  const { digest, size } = await copyIndex(found, indexes, place.names);
  return { digest, size, images: found.index.manifests.filter((entry) => !isAttestation(entry)).length };
}

/**
 * Copies an image from one place to another; the image ID stays, and the digests of manifests and of an index wherever no layer is compressed anew.
 * Throws Fault `image.missing`, `image.platform`, or `index.place`.
 */
export async function copy(options: TransferOptions): Promise<Copied> {
  const emit = options.onEvent ?? (() => {});
  const platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  const { compression } = options;
  const storeRoot = homeAt(options.home).store;
  await using store = openLayout(storeRoot, { platform, hold: true });
  const settings = { ...options.outside, platform, compression, store, storeRoot };
  const places = { base: hostPath(options.base ?? process.cwd()), platform, compression };
  await using near = new Outside(settings, emit, options.signal);
  await using from = openPlace(options.from, store, { ...places, outside: near });
  const found = await sourceOf(from, options);
  await using far = new Outside({ ...settings, layerTypes: await layerTypesOf(found) }, emit, options.signal);
  await using to = openPlace(options.to, store, { ...places, outside: far });
  logTo(emit).info(`Copying ${from.text} to ${to.text}`);
  return await writeTo(to, found);
}
