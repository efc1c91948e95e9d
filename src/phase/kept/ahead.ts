import { lstat } from "node:fs/promises";
import type { Descriptor } from "../../oci/descriptor.ts";
import { tarDigestOf } from "../../oci/digest.ts";
import { mediaTypes } from "../../oci/media-type.ts";
import type { ByteStream } from "../../std/byte.ts";
import { type HostPath, type Place, under } from "../../std/path.ts";
import { fileMark } from "../../tar/fingerprint.ts";
import { fileIn } from "../../tar/layer.ts";
import type { Listed, TreeList } from "../../tar/list.ts";
import { systemPath } from "../../tar/name.ts";
import { type Spliced, spliceLayer } from "../../tar/splice.ts";
import { parentsOf } from "../export/parent.ts";
import type { Keeping } from "./layers.ts";
import { type AppLayersRecord, frameOf, isSameFrame, type MadeAhead, readList } from "./record.ts";

/** Whether a file that was read is still what it was when it was listed. */
async function isStill(source: HostPath, entry: Listed): Promise<boolean> {
  const stats = await lstat(systemPath(fileIn(source, entry.path))).catch(() => undefined);
  return stats !== undefined && fileMark(stats) === fileMark(entry);
}

async function* checked({ tar, fresh }: Spliced, source: HostPath, signal: AbortSignal): ByteStream {
  yield* tar.lend(signal);
  for (const entry of fresh)
    if (!(await isStill(source, entry))) throw new Error(`${entry.path} was changed meanwhile`);
}

/**
 * The one layer of an app whose source was changed since the last one was made, put together from that one and from the changed files while buildpacks work, as they
 * will hardly change the app when they did not the last time. What is in the way makes it no layer, and it is made later as any other. Disposing ends it.
 */
export class LayerAhead implements MadeAhead, AsyncDisposable {
  readonly ahead: Promise<Omit<Descriptor, "mediaType"> | undefined>;
  readonly #ending = new AbortController();

  private constructor({ blobs }: Keeping, spliced: Spliced, source: HostPath) {
    const bytes = checked(spliced, source, this.#ending.signal);
    this.ahead = blobs.put(mediaTypes.oci.tar, bytes).catch(() => undefined);
  }

  /** `kept` is where the last build left what it knew; `now` is the source as it is to be in the layer, at `place`. Undefined when there is nothing to begin with. */
  static async begin(
    keeping: Keeping,
    kept: { readonly folder: HostPath; readonly image: AppLayersRecord },
    place: Place,
    now: TreeList,
  ): Promise<LayerAhead | undefined> {
    const { owner, blobs } = keeping;
    const [layer, ...more] = kept.image.layers;
    if (layer === undefined || more.length > 0 || !isSameFrame(kept.image, frameOf(place, owner))) return undefined;
    const list = await readList(under(kept.folder, "list"));
    if (list === undefined) return undefined;
    const { size, diffId } = layer;
    const descriptor = { mediaType: mediaTypes.oci.tar, size, digest: tarDigestOf(diffId) };
    if (!(await blobs.has(descriptor.digest))) return undefined;
    const open = () => blobs.open(descriptor, { lends: true });
    const spliced = spliceLayer({ list, size, open }, now, { place, parents: parentsOf(place, owner), owner });
    return spliced && new LayerAhead(keeping, spliced, place.host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.ahead;
  }
}
