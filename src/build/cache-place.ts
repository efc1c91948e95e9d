import type { Image } from "../oci/image.ts";
import type { Platform } from "../oci/platform.ts";
import { parseReference, withDefaultTag } from "../oci/reference.ts";
import { type CachePlace, cacheName } from "../phase/cache.ts";
import { directoryCache, writeLaunchCache } from "../phase/cache-directory.ts";
import { imageCache, registryCache } from "../phase/cache-image.ts";
import { homeAt } from "../reach/home.ts";
import { Outside, type OutsideOptions } from "../reach/outside.ts";
import type { ImagePlace } from "../reach/place.ts";
import type { CacheForm } from "../setting/cache-form.ts";
import { type Emit, logTo } from "../std/event.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import type { BlobSource } from "../store/contract.ts";
import type { Layout } from "../store/layout.ts";

/** The directory of a form that is one; a volume has its own below PACK_HOME. */
export function directoryOf(form: CacheForm, base: HostPath, home: string | undefined): HostPath | undefined {
  if (form.format === "bind")
    return hostPath(form.directory.startsWith("/") ? form.directory : `${base}/${form.directory}`);
  return form.format === "volume" && form.name ? under(homeAt(home).volumes, form.name) : undefined;
}

/** Keeps the layers above the run image where the next export to a daemon finds them; for other places only a warning (as the reference has it). */
export async function keepLaunchLayers(
  directory: HostPath,
  kind: ImagePlace["kind"],
  made: { readonly image: Image; readonly blobs: BlobSource },
  runImage: Image,
  emit: Emit,
): Promise<void> {
  if (kind !== "daemon") return logTo(emit).warn("Ignoring -launch-cache, only intended for use with -daemon");
  await writeLaunchCache(directory, made.image.layers.slice(runImage.layers.length), made.blobs);
}

/** What a cache is opened with. */
export interface CacheSurroundings {
  readonly store: Layout;
  readonly base: HostPath;
  readonly platform: Platform;
}

/** The same cache, whose writing may fail: the image is there already, and the reference only warns, too. */
function forgiving(place: CachePlace, emit: Emit, signal: AbortSignal | undefined): CachePlace {
  return {
    read: (words) => place.read(words),
    async write(contents) {
      try {
        await place.write(contents);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof Fault)) throw error;
        logTo(emit).warn(`Failed to export cache: ${reasonOf(error)}`);
      }
    },
  };
}

/** Opens the cache of an image in the form asked for, in the local store unless said; `key` is the image's own. */
export function openCache(
  form: CacheForm | undefined,
  key: string,
  { store, base, platform }: CacheSurroundings,
  options: {
    readonly home?: string;
    readonly outside?: OutsideOptions;
    readonly onEvent?: Emit;
    readonly signal?: AbortSignal;
  },
): CachePlace & AsyncDisposable {
  const { onEvent = () => {}, signal } = options;
  const nothing = { [Symbol.asyncDispose]: async () => {} };
  if (form?.format === "image") {
    const settings = { ...options.outside, platform, store, storeRoot: homeAt(options.home).store };
    const types = { layerTypes: "family" as const, remember: false };
    const outside = new Outside({ ...settings, ...types }, onEvent, signal);
    const name = withDefaultTag(parseReference(form.name));
    const place = forgiving(registryCache(outside.images.registry, name), onEvent, signal);
    const check = async () => (await outside.registry()).ensureWritable([name]);
    return { ...place, check, [Symbol.asyncDispose]: () => outside[Symbol.asyncDispose]() };
  }
  const directory = form && directoryOf(form, base, options.home);
  const place = directory && forgiving(directoryCache(directory), onEvent, signal);
  return { ...(place ?? imageCache(store, cacheName(key))), ...nothing };
}
