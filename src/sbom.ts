import { lifecycleOf } from "./cnb/refusal.ts";
import { ociArchitecture, type Platform } from "./oci/platform.ts";
import { homeAt } from "./reach/home.ts";
import { Outside, type OutsideOptions } from "./reach/outside.ts";
import { type ImagePlace, openPlace } from "./reach/place.ts";
import type { Emit } from "./std/event.ts";
import { Fault } from "./std/fault.ts";
import { makeDirectory } from "./std/file.ts";
import { guestPath, hostPath } from "./std/path.ts";
import type { StoredImage } from "./store/contract.ts";
import { layerTar } from "./store/layer.ts";
import { openLayout } from "./store/layout.ts";
import { checkPlatform } from "./store/platform.ts";
import { extractTar } from "./tar/extract.ts";

/** Whose bill of materials is wanted, and where to. */
export interface SbomOptions {
  /** A name in the local store (else in the daemon), `docker://NAME` in a registry, `oci:DIR[:tag]` or an archive. */
  readonly image: string;
  /** Whether a plain name means an image in its registry. */
  readonly remote?: boolean;
  /** Of an image for several platforms which one is meant; this machine's unless said. An image that stands alone must be for it, if it is said. */
  readonly platform?: Platform;
  /** The directory to unpack into; the working directory unless said. */
  readonly directory?: string;
  readonly home?: string;
  /** Relative paths begin here; the working directory unless said. */
  readonly base?: string;
  readonly outside?: OutsideOptions;
  readonly onEvent?: Emit;
  readonly signal?: AbortSignal;
}

async function readHere(place: ImagePlace, outside: Outside, wanted?: Platform): Promise<StoredImage | undefined> {
  const stored = await place.read(wanted);
  if (stored || place.kind !== "local") return stored;
  try {
    return await outside.images.daemon.read(place.names[0]!);
  } catch (error) {
    if (error instanceof Fault && error.code === "daemon.none") return undefined;
    throw error;
  }
}

/**
 * Unpacks the layer with an image's bills of materials (Platform spec, "SBOM"), as `layers/sbom/launch/…`; of an image in a registry nothing else
 * is fetched. Throws Fault `image.missing`, `image.platform` or `sbom.missing`.
 */
export async function downloadSbom(options: SbomOptions): Promise<void> {
  const platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  const { store: root } = homeAt(options.home);
  await using store = openLayout(root, { platform });
  const settings = { ...options.outside, platform, store, storeRoot: root, remember: false };
  await using outside = new Outside(settings, options.onEvent ?? (() => {}), options.signal);
  const base = hostPath(options.base ?? process.cwd());
  const keeper = options.remote ? ("registry" as const) : undefined;
  await using place = openPlace(options.image, store, { base, platform, outside, keeper });
  const stored = await readHere(place, outside, options.platform);
  if (!stored) {
    const hint = place.kind === "local" ? "with --remote it is looked for in its registry" : undefined;
    throw new Fault("image.missing", `Cannot read bill of materials of ${options.image}: there is no such image`, {
      ...(hint && { hint }),
    });
  }
  checkPlatform(stored, options.image, options.platform);
  const sha = lifecycleOf(stored.image.config)?.sbom?.sha;
  const layer = sha ? stored.image.layers.find((item) => item.diffId === sha) : undefined;
  if (!layer) {
    throw new Fault("sbom.missing", `Cannot read bill of materials of ${options.image}: it has none`, {
      hint: "its buildpacks wrote no SBOM; old images have it in a label: pack inspect --bom -o json",
    });
  }
  const directory = hostPath(options.directory ?? base);
  await makeDirectory(directory);
  const whole = { host: directory, guest: guestPath("/") };
  await extractTar(layerTar(layer, stored.blobs), whole, options.signal ? { signal: options.signal } : {});
}
