import { tmpdir } from "node:os";
import type { ImageConfig } from "../oci/config.ts";
import type { Digest } from "../oci/digest.ts";
import type { Identity } from "../oci/image.ts";
import type { Platform } from "../oci/platform.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import type { Emit } from "../std/event.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import type { ImageStore, StoredImage } from "./contract.ts";
import type { DaemonAddress } from "./daemon/address.ts";
import { connect } from "./daemon/connect.ts";
import { type Engine, readEngine } from "./daemon/engine.ts";
import { configIn, type FoundImage } from "./daemon/found.ts";
import { history, inspect, inspectReference, type Line } from "./daemon/image.ts";
import type { LocalBlobs } from "./daemon/local.ts";
import { readExport, readLocally } from "./daemon/read.ts";
import { writeImage } from "./daemon/write.ts";
import type { Exchange } from "./exchange.ts";

export type { DaemonAddress } from "./daemon/address.ts";
export { formatDaemonAddress, parseDaemonAddress } from "./daemon/address.ts";
export type { Engine, StoreKind } from "./daemon/engine.ts";
export { firstLocal, type LocalBlobs, launchBlobs, localBlobs } from "./daemon/local.ts";
export { type DaemonChoice, type Environment, type PassedOver, settleDaemon } from "./daemon/settle.ts";
export { findDaemon, readSurroundings } from "./daemon/surroundings.ts";

/** How a daemon is opened. */
export interface DaemonOptions {
  /** Which image of a multi-platform one is meant. */
  readonly platform?: Platform;
  /** Blobs of this machine: an image whose layers are all here is read without an export. */
  readonly local?: LocalBlobs;
  /** Where exports are kept while they are read, as large as the image; the system's folder for temporary files unless said. */
  readonly temporary?: HostPath;
  /** The ssh program for `ssh://`. */
  readonly ssh?: string;
  readonly onEvent?: Emit;
  readonly signal?: AbortSignal;
}

/** What a daemon tells of an image without handing out a layer. */
export interface Glance {
  /** What the daemon calls it. */
  readonly id: Digest;
  readonly names: readonly string[];
  /** Labels, environment, entry point and diffIDs are exact; of the history, times and empty steps may be lost. */
  readonly config: ImageConfig;
}

/** A container engine as a place for images. */
export interface Daemon extends ImageStore, AsyncDisposable {
  readonly address: DaemonAddress;
  readonly engine: Engine;
  /** What the daemon calls an image that was written to it: the image ID, in a containerd store the manifest's digest. */
  idOf(identity: Identity): Digest;
  /** The image under a name, or under an ID or the beginning of one, as far as the daemon tells it without an export. */
  glance(name: Reference | string): Promise<Glance | undefined>;
  /** The image with this ID, or the beginning of it, as `read` gives those with a name. */
  readId(id: string): Promise<StoredImage | undefined>;
}

/** How many bytes are sent between two events. */
const step = 1 << 22;

/**
 * Opens the daemon at `address`: Docker with either of its stores, or Podman. Throws Fault `daemon.unreachable`, `daemon.denied`, `daemon.tls` or
 * `daemon.version`. `read` exports an image to a temporary file unless all of it is in `local`; `write` sends what the daemon lacks.
 * A classic store keeps no manifest: the digest `write` gives is that of the manifest the image has elsewhere, and `read` makes one for the layers it finds.
 */
export async function openDaemon(address: DaemonAddress, options: DaemonOptions = {}): Promise<Daemon> {
  const { platform, local, signal, onEvent = () => {} } = options;
  const connection = await connect(address, options.ssh);
  let engine: Engine;
  try {
    engine = await readEngine(connection, signal);
  } catch (error) {
    connection[Symbol.dispose]();
    throw error;
  }
  const line: Line = { connection, engine, layers: new Map(), signal };
  const exports = new Set<Exchange>();
  const temporary = options.temporary ?? hostPath(tmpdir());

  const readFound = async (found: FoundImage | undefined): Promise<StoredImage | undefined> => {
    if (!found) return undefined;
    const here = local && (await readLocally(line, found, local));
    if (here) return here;
    const { stored, archive } = await readExport(line, found, temporary, platform);
    exports.add(archive);
    return stored;
  };
  const find = (name: Reference | string) =>
    typeof name === "string" ? inspect(line, name) : inspectReference(line, name);

  return {
    address,
    engine,
    idOf: (identity) => (engine.kind === "containerd" ? identity.digest : identity.imageId),
    read: async (name) => readFound(await find(name)),
    readId: async (id) => readFound(await find(id)),

    async glance(name) {
      const found = await find(name);
      if (!found) return undefined;
      const config = configIn(found, await history(line, found.id), connection.place);
      return { id: found.id, names: found.names, config };
    },

    async write(image, names, blobs, texts) {
      let [done, told] = [0, 0];
      const task = `save ${names[0] ? formatReference(names[0]) : "image"} to the daemon`;
      const tell = () => onEvent({ type: "progress", task, done, unit: "byte" });
      const identity = await writeImage(line, image, names, blobs, texts, (bytes) => {
        done += bytes;
        if (done - told < step) return;
        told = done;
        tell();
      });
      tell();
      return identity;
    },

    async [Symbol.asyncDispose]() {
      for (const archive of exports) await archive[Symbol.asyncDispose]();
      connection[Symbol.dispose]();
    },
  };
}
