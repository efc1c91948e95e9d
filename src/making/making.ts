import type { Compressor } from "../oci/media-type.ts";
import { isPlatformFor, ociArchitecture, type Platform } from "../oci/platform.ts";
import type { Reference } from "../oci/reference.ts";
import type { Sources } from "../package/gather.ts";
import type { Workbench } from "../package/layer.ts";
import { homeAt } from "../reach/home.ts";
import { Outside, type OutsideOptions } from "../reach/outside.ts";
import type { Keeper } from "../reach/place.ts";
import { findImage } from "../reach/pull.ts";
import type { PullPolicy } from "../reach/pull-policy.ts";
import { pullRecord } from "../reach/pull-record.ts";
import { type BuildpackRegistry, findInRegistry, registryNamed } from "../source/registry.ts";
import { claimDirectory } from "../std/claim.ts";
import { type Emit, logTo } from "../std/event.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import { OpenedStack } from "../std/stack.ts";
import type { StoredImage } from "../store/contract.ts";
import { type Layout, openLayout } from "../store/layout.ts";

/** What making and inspecting builders and packages have in common. */
export interface MakingOptions {
  readonly home?: string;
  /** Relative paths begin here; the working directory unless said. */
  readonly base?: string;
  /** When images are fetched from their registries; `if-not-present` unless said. */
  readonly pullPolicy?: PullPolicy;
  readonly outside?: OutsideOptions;
  /** The buildpack registries there are besides the official one, and the one that is meant when none is named. */
  readonly registries?: readonly BuildpackRegistry[];
  readonly registry?: string;
  /** Fetch no index: use what earlier runs have cloned. */
  readonly offline?: boolean;
  readonly onEvent?: Emit;
  readonly signal?: AbortSignal;
}

/** The options, and where relative locators of modules begin; `base` unless said. */
export type MakingSettings = MakingOptions & { readonly modules?: string };

/** Everything that is opened for it; disposing leaves nothing behind but the store. */
export interface Making extends AsyncDisposable {
  readonly store: Layout;
  readonly outside: Outside;
  readonly platform: Platform;
  readonly base: HostPath;
  readonly bench: Workbench;
  readonly sources: Sources;
  readonly emit: Emit;
  /** The image under a name, fetched as the policy says; `what` says what it is for. Undefined when there is none. */
  findImage(what: string, name: Reference, platform: Platform | undefined): Promise<StoredImage | undefined>;
  /** The same for an image of which only the documents are wanted: it stays where it is. */
  glance(name: Reference, platform: Platform): Promise<StoredImage | undefined>;
}

/** What is made, and where it goes. */
export interface Destination {
  /** Who keeps it; undefined for a directory or file. */
  readonly keeper: Keeper | undefined;
  readonly compression?: Compressor | undefined;
}

/** Opens the local store, the world outside and a workbench. */
export async function openMaking(options: MakingSettings, destination: Destination): Promise<Making> {
  const emit = options.onEvent ?? (() => {});
  const home = homeAt(options.home);
  const platform: Platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  const base = hostPath(options.base ?? process.cwd());
  const { signal, registries = [], registry, offline } = options;
  const opened = new OpenedStack();
  try {
    const store = opened.use(openLayout(home.store, { platform, hold: true }));
    const { compression, keeper } = destination;
    const settings = { ...options.outside, platform, compression, store, storeRoot: home.store };
    const outside = opened.use(new Outside({ ...settings, layerTypes: "family" }, emit, signal));
    const scratch = await claimDirectory(home.work, "make-");
    opened.use({ [Symbol.asyncDispose]: () => removeTree(scratch) });
    const policy = options.pullPolicy ?? "if-not-present";
    const leave = keeper === "registry";
    const search = { store, outside, policy, record: pullRecord(home.pulls), leave, emit };
    const find = async (what: string, name: Reference, wanted: Platform | undefined) => {
      // An image that was built in the daemon may stand nowhere else.
      const near = keeper === "daemon" ? await outside.images.daemon.read(name, wanted) : undefined;
      const isOurs = wanted === undefined || isPlatformFor(wanted, platform);
      // The local store has one image under a name: that for another platform stays where it is.
      return near ?? (await findImage(what, [name], { ...search, leave: leave || !isOurs, platform: wanted }))?.stored;
    };
    return {
      store,
      outside,
      platform,
      base,
      emit,
      bench: { blobs: store, scratch, signal },
      findImage: find,
      glance: async (name, wanted) =>
        (await findImage("run image", [name], { ...search, leave: true, platform: wanted }))?.stored,
      sources: {
        base: options.modules === undefined ? base : hostPath(options.modules),
        scratch,
        signal,
        use: (one) => opened.use(one),
        findImage: (name, target) => find("package", name, target?.arch ? platformFor(target) : undefined),
        findInRegistry: (id) =>
          findInRegistry(id, registryNamed(registries, undefined, registry), {
            home: home.root,
            offline: offline ?? false,
            emit,
            signal,
          }),
        download: async (url) => {
          const { download } = await import("../source/download.ts");
          const dispatchers = await outside.dispatchers();
          logTo(emit).info(`Downloading ${url.replace(/\/\/[^/@]*@/, "//")}`);
          return download(url, { cache: home.downloads, connectTo: (to) => dispatchers.for(to), signal });
        },
      },
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

/** The platform a target means. */
export function platformFor({
  os = "linux",
  arch,
  variant,
}: {
  os?: string;
  arch?: string;
  variant?: string;
}): Platform {
  return { os, architecture: arch ?? ociArchitecture(process.arch), ...(variant && { variant }) };
}

/** Says what a module's author should mend, in one line. */
export function warnOfStrays(name: string, strays: readonly string[], emit: Emit): void {
  if (strays.length > 0) logTo(emit).warn(`Ignoring unknown keys in the descriptor of ${name}: ${strays.join(", ")}`);
}
