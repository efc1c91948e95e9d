import { lifecycleOf } from "./cnb/refusal.ts";
import type { Identity } from "./oci/image.ts";
import type { Compressor } from "./oci/media-type.ts";
import { ociArchitecture } from "./oci/platform.ts";
import { homeAt } from "./reach/home.ts";
import { Outside, type OutsideOptions } from "./reach/outside.ts";
import { type ImagePlace, openPlace } from "./reach/place.ts";
import { type Emit, logTo } from "./std/event.ts";
import { Fault } from "./std/fault.ts";
import { hostPath } from "./std/path.ts";
import { copyImage } from "./store/copy.ts";
import { openLayout } from "./store/layout.ts";

/** What is to be copied, and where. */
export interface TransferOptions {
  /** Where the image is: a name in the local store, `docker://NAME` in a registry, `docker-daemon:NAME`, `oci:DIR[:tag]`, or an archive. */
  readonly from: string;
  /** Where it goes, written the same way. */
  readonly to: string;
  readonly home?: string;
  /** Relative paths begin here; the working directory unless said. */
  readonly base?: string;
  /** Of layers that are stored uncompressed and go elsewhere; gzip unless said. */
  readonly compression?: Compressor;
  readonly outside?: OutsideOptions;
  readonly onEvent?: Emit;
  readonly signal?: AbortSignal;
}

async function sourceOf(place: ImagePlace) {
  const stored = await place.read();
  if (stored) return stored;
  const hint = place.kind === "local" ? "`pack images` lists the images of the local store" : undefined;
  throw new Fault("image.missing", `Cannot copy ${place.text}: there is no such image`, hint ? { hint } : {});
}

/** Copies an image from one place to another; the image ID stays, and the manifest's digest wherever no layer is compressed anew. */
export async function copy(options: TransferOptions): Promise<Identity> {
  const emit = options.onEvent ?? (() => {});
  const platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  const { compression } = options;
  const storeRoot = homeAt(options.home).store;
  await using store = openLayout(storeRoot, { platform, hold: true });
  const settings = { ...options.outside, platform, compression, store, storeRoot };
  const places = { base: hostPath(options.base ?? process.cwd()), platform, compression };
  await using near = new Outside(settings, emit, options.signal);
  await using from = openPlace(options.from, store, { ...places, outside: near });
  const stored = await sourceOf(from);
  // New layers of an app image carry Docker's types in both families, as the reference has it; a base keeps to its own family.
  const isApp = lifecycleOf(stored.image.config) !== undefined;
  await using far = new Outside({ ...settings, layerTypes: isApp ? "docker" : "family" }, emit, options.signal);
  await using to = openPlace(options.to, store, { ...places, outside: far });
  logTo(emit).info(`Copying ${from.text} to ${to.text}`);
  return await copyImage(stored, to.images, to.names);
}
