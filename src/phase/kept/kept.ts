import type { HostPath, Place } from "../../std/path.ts";
import { OpenedStack } from "../../std/stack.ts";
import type { BlobStore } from "../../store/contract.ts";
import type { Owner } from "../../tar/entry.ts";
import type { Lister } from "../../tar/list.ts";
import type { BuildpackLayers } from "../export/request.ts";
import type { Workspace } from "../workspace.ts";
import { type AppAtWork, type AppWay, KeptApp } from "./app.ts";
import { LaidApp, type SourceLook } from "./laid.ts";
import { type CachedLayer, type EarlyLooks, KeptLayers } from "./layers.ts";
import { type KnownTar, readEpoch, type Verdict } from "./record.ts";
import { Slots } from "./slot.ts";

/** What a look at the files after the build tells of the tars to be made from them. */
export interface Verdicts {
  /** By the path of a layer's directory. */
  readonly layers: ReadonlyMap<HostPath, Verdict>;
  /** Of the app's layers, one for each slice and one for the rest. */
  readonly app: readonly Verdict[] | undefined;
}

/** What the last build of an image worked on and this one can work on again: see docs/decisions/kept-directories.md. */
export interface Kept extends AsyncDisposable {
  readonly layers: KeptLayers;
  readonly app: AppAtWork;
  /** Looks at everything after the build, before any of it is read. Throws Fault `tar.read`. */
  look(
    group: readonly BuildpackLayers[],
    slices: readonly (readonly string[])[],
    signal?: AbortSignal,
  ): Promise<Verdicts>;
  /** Keeps the directories of these layers and the app with what they have become; to be called once image and cache are written. */
  keep(layers: readonly CachedLayer[], app: readonly KnownTar[]): Promise<void>;
}

/** What directories are kept by. */
export interface KeptOptions {
  /** Where those of this image wait; undefined when nothing is to be taken or left. */
  readonly root: HostPath | undefined;
  /** Begin anew: what waits is not taken. */
  readonly forget: boolean;
  readonly workspace: Workspace;
  readonly owner: Owner;
  /** The store that takes the layers, and its root. */
  readonly blobs: BlobStore;
  readonly store: HostPath;
  /** Of this program. */
  readonly version: string;
  readonly list: Lister;
  /** What was seen of the kept layers already. */
  readonly early: Promise<EarlyLooks>;
  /** A look at the app's source that has begun already. */
  readonly source: Promise<SourceLook> | undefined;
  /** Whether the sandbox can lay a directory over the app's source, so that it need not be copied. */
  readonly lays: boolean;
}

/** Opens what is kept for an image, and makes the app ready to work on. Disposing leaves for the next build what is still good. Throws Fault `app.read`. */
export async function openKept(options: KeptOptions, way: Omit<AppWay, "to">): Promise<Kept> {
  const { workspace, owner, store, blobs } = options;
  const epoch = await readEpoch(options.version);
  const slots = new Slots(epoch && options.root, workspace.aside);
  const { list } = options;
  if (options.forget) await slots.retain("", new Set());
  const keeping = {
    slots,
    aside: workspace.aside,
    epoch: epoch ?? { version: "", boot: "" },
    owner,
    blobs,
    store,
    list,
  };
  const opened = new OpenedStack();
  const whole = { ...way, to: workspace.app };
  const laid = options.lays ? await LaidApp.open(keeping, whole, options.source) : undefined;
  const app: AppAtWork = opened.use(laid ?? (await KeptApp.open(keeping, whole)));
  const layers = opened.use(new KeptLayers(keeping, await options.early));
  return {
    layers,
    app,
    async look(group, slices, signal) {
      const cached = group.flatMap((entry) => entry.layers.filter(isCached));
      const places = cached.map((layer): Place => layer.place);
      const [ofLayers, ofApp] = await Promise.all([layers.look(places, signal), app.look(slices, signal)]);
      return { layers: ofLayers, app: ofApp };
    },
    async keep(cached, tars) {
      app.remember(tars);
      await layers.keep(cached);
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

function isCached({ metadata, hasDirectory }: BuildpackLayers["layers"][number]): boolean {
  return metadata.cache && hasDirectory;
}
