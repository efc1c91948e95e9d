import { type ImageInfo, type InspectOptions, imageInfoOf } from "./inspect.ts";
import type { ImageConfig } from "./oci/config.ts";
import type { Digest } from "./oci/digest.ts";
import { ociArchitecture } from "./oci/platform.ts";
import { homeAt } from "./reach/home.ts";
import { Outside, type OutsideOptions } from "./reach/outside.ts";
import { type ImagePlace, openPlace } from "./reach/place.ts";
import { Fault } from "./std/fault.ts";
import { hostPath } from "./std/path.ts";
import type { StoredImage } from "./store/contract.ts";
import { type Layout, openLayout } from "./store/layout.ts";

/** What one side knows of an image: its description, or why it cannot tell; neither when it has no such image. */
export interface Side<T = ImageInfo> {
  readonly info?: T;
  readonly fault?: Fault;
}

/** What is here, and what is in the registry. */
export interface Sides<T = ImageInfo> {
  readonly local: Side<T>;
  readonly remote: Side<T>;
}

/** An image that was found, as far as every place can tell of it. */
export interface FoundImage {
  readonly config: ImageConfig;
  readonly imageId: Digest;
  readonly digest: Digest;
}

/** What to inspect on both sides. */
export interface InspectSidesOptions extends InspectOptions {
  readonly outside?: OutsideOptions;
  readonly signal?: AbortSignal;
}

/** How long a registry may take, in milliseconds. */
const patience = 20_000;

async function sideOf<T>(
  look: () => Promise<FoundImage | undefined>,
  tell: (found: FoundImage) => T,
): Promise<Side<T>> {
  try {
    const found = await look();
    return found ? { info: tell(found) } : {};
  } catch (fault) {
    if (fault instanceof Fault) return { fault };
    throw fault;
  }
}

function foundIn(stored: StoredImage | undefined): FoundImage | undefined {
  return stored && { config: stored.image.config, imageId: stored.identity.imageId, digest: stored.identity.digest };
}

/** What the daemon has under the place's name; a machine without a daemon has nothing there. */
async function lookIntoDaemon({ names }: ImagePlace, outside: Outside): Promise<FoundImage | undefined> {
  try {
    const glance = await (await outside.daemon()).glance(names[0]!);
    return glance && { config: glance.config, imageId: glance.id, digest: glance.id };
  } catch (error) {
    if (error instanceof Fault && error.code === "daemon.none") return undefined;
    throw error;
  }
}

async function lookHere(place: ImagePlace, outside: Outside): Promise<FoundImage | undefined> {
  if (place.kind === "daemon") return lookIntoDaemon(place, outside);
  const here = foundIn(await place.read());
  return here ?? (place.kind === "local" ? lookIntoDaemon(place, outside) : undefined);
}

async function lookThere(place: ImagePlace, text: string, store: Layout, options: InspectSidesOptions, root: string) {
  const late = AbortSignal.timeout(patience);
  const signal = options.signal ? AbortSignal.any([options.signal, late]) : late;
  const platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  const settings = { ...options.outside, platform, store, storeRoot: hostPath(root), remember: false, hasty: true };
  await using outside = new Outside(settings, () => {}, signal);
  try {
    return foundIn(await outside.images.registry.read(place.names[0]!));
  } catch (error) {
    if (!late.aborted || options.signal?.aborted) throw error;
    const found = `its registry does not answer within ${patience / 1000} seconds`;
    throw new Fault("registry.unreachable", `Cannot inspect ${text}: ${found}`, { cause: error });
  }
}

/**
 * Tells what the local store (else the daemon) and the registry know of an image, in the words of `tell`; a side that cannot tell does not keep the
 * other from it. What is in a directory or a file has no other side. Nothing is written.
 */
export async function lookOnSides<T>(options: InspectSidesOptions, tell: (found: FoundImage) => T): Promise<Sides<T>> {
  const platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  const { store: root } = homeAt(options.home);
  await using store = openLayout(root, { platform });
  const settings = { ...options.outside, platform, store, storeRoot: root, remember: false };
  await using outside = new Outside(settings, () => {}, options.signal);
  const base = hostPath(options.base ?? process.cwd());
  await using place = openPlace(options.image, store, { base, platform, outside });
  const isNamed = place.kind !== "exchange";
  const [local, remote] = await Promise.all([
    sideOf(async () => (place.kind === "registry" ? undefined : lookHere(place, outside)), tell),
    sideOf(async () => (isNamed ? lookThere(place, options.image, store, options, root) : undefined), tell),
  ]);
  return { local, remote };
}

/** Tells what both sides know of an image; see `lookOnSides`. */
export function inspectSides(options: InspectSidesOptions): Promise<Sides> {
  return lookOnSides(options, ({ config, imageId, digest }) => ({ ...imageInfoOf({ config }), imageId, digest }));
}
