import type { Platform } from "../oci/platform.ts";
import { formatReference } from "../oci/reference.ts";
import type { Sources } from "../source/find.ts";
import type { BuildpackRegistry } from "../source/registry.ts";
import { type Emit, logTo } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import type { HostPath } from "../std/path.ts";
import type { OpenedStack } from "../std/stack.ts";
import type { StoredImage } from "../store/contract.ts";
import type { Layout } from "../store/layout.ts";
import { unpackLayers } from "../store/unpacked.ts";
import type { StackedLayer } from "../tar/stacked.ts";
import type { Home } from "./home.ts";
import { watched } from "./image-files.ts";
import type { Outside } from "./outside.ts";
import { openPlace } from "./place.ts";
import { findImage } from "./pull.ts";
import type { PullPolicy } from "./pull-policy.ts";
import { pullRecord } from "./pull-record.ts";

/** What images and packages are had with. */
export interface Reach {
  readonly home: Home;
  readonly store: Layout;
  readonly outside: Outside;
  readonly platform: Platform;
  /** When builders, packages and run images are fetched. */
  readonly policy: PullPolicy;
  /** Where buildpacks without a place of their own are looked up. */
  readonly registry: BuildpackRegistry;
  /** Relative paths in image locations begin here. */
  readonly base: HostPath;
  /** What must stay open while images are read. */
  readonly opened: OpenedStack;
  readonly emit: Emit;
  readonly signal: AbortSignal | undefined;
}

/**
 * The image a text means: a name in the local store, fetched from its registry as the policy says; `docker://NAME`, `docker-daemon:NAME`, `oci:DIR` or
 * an archive. `what` says what it is for. Throws Fault `image.missing` (exit 2) when there is none, and those of where it is.
 */
export async function fetchImage(what: string, text: string, reach: Reach): Promise<StoredImage> {
  const { store, outside, platform, policy, base, opened, emit, home } = reach;
  const place = opened.use(openPlace(text, store, { base, platform, outside }));
  const search = { store, outside, policy, record: pullRecord(home.pulls), leave: false, platform, emit };
  const stored =
    place.kind === "local" || place.kind === "registry"
      ? (await findImage(what, place.names, search))?.stored
      : await place.read(platform);
  if (stored) return stored;
  const name = place.names[0] ? formatReference(place.names[0]) : text;
  throw new Fault("image.missing", `Cannot read ${what} ${name}: there is no such image`, {
    exit: "usage",
    hint: policy === "never" ? "--pull-policy never keeps it from being fetched" : "check its name",
  });
}

/** The layers of an image as directories, unpacked unless they are already, and held while the store is open. */
export function unpackedLayers(stored: StoredImage, text: string, reach: Reach): Promise<readonly StackedLayer[]> {
  const { home, store, emit, signal } = reach;
  const source = watched(stored, `Unpacking ${text}`, emit);
  return unpackLayers(source, { root: home.layers, hold: (diffIds) => store.hold(diffIds), signal });
}

/** How buildpacks that are not simply files of this machine are had. */
export function sourcesOf(reach: Reach): Sources {
  const { home, outside, registry, policy, emit, signal } = reach;
  return {
    image: (name) => fetchImage("package", name, reach),
    unpack: (stored) => unpackedLayers(stored, "package", reach),
    async registered(id) {
      const { findInRegistry } = await import("../source/registry.ts");
      const access = { home: home.root, offline: policy === "never", emit, signal };
      const { address, version } = await findInRegistry(id, registry, access);
      logTo(emit).debug(`Found ${id.namespace}/${id.name}@${version} in the registry ${registry.name}`);
      return { image: address, version };
    },
    async download(url) {
      const { download } = await import("../source/download.ts");
      const dispatchers = await outside.dispatchers();
      logTo(emit).info(`Downloading ${url.replace(/\/\/[^/@]*@/, "//")}`);
      return download(url, { cache: home.downloads, connectTo: (to) => dispatchers.for(to), signal });
    },
  };
}
