import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { Readable } from "node:stream";
import type { ImageConfig } from "../oci/config.ts";
import { withLayers } from "../oci/image.ts";
import type { Reference } from "../oci/reference.ts";
import type { Output, Probe } from "../sandbox/contract.ts";
import type { ByteStream } from "../std/byte.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import { encodeJson, isObject, parseJson } from "../std/json.ts";
import { guestPath, type HostPath } from "../std/path.ts";
import type { StoredImage } from "../store/contract.ts";
import { ask, askStream } from "../store/daemon/ask.ts";
import { type Connection, connect } from "../store/daemon/connect.ts";
import { type Line, untag } from "../store/daemon/image.ts";
import { linesOf } from "../store/daemon/load.ts";
import { type Daemon, type DaemonAddress, openDaemon } from "../store/daemon.ts";
import { nameText } from "../store/name.ts";
import { layerHeader } from "../tar/entry.ts";
import { directoryItems } from "../tar/layer.ts";
import { writeTar } from "../tar/write.ts";
import type { Engine, EngineKind, EngineSettings, Step } from "./contract.ts";
import { failedStep, lastLines } from "./ending.ts";

/** The context and the Dockerfile in one tar; the latter's name cannot be one of the context's, nor in an ignore file. */
function contextTar({ context, text }: Step, file: string, signal?: AbortSignal): ByteStream {
  async function* items() {
    yield* directoryItems({ host: context, guest: guestPath("/") }, { uid: 0, gid: 0 }, signal);
    const content = Buffer.from(text);
    yield { header: { ...layerHeader(file, "file", 0o644, { uid: 0, gid: 0 }), size: content.length }, content };
  }
  return writeTar(items(), { signal, lends: false });
}

/** Follows the messages of a build (Docker's `jsonmessage`); `made` hears the ID of each image on the way. Throws Fault `engine.step` for an error among them. */
async function follow(answer: ByteStream, output: Output, made: (id: string) => void): Promise<void> {
  for await (const line of linesOf(answer)) {
    if (line.trim() === "") continue;
    const message = parseJson(line, "the daemon's answer");
    if (!isObject(message)) continue;
    const { stream, error } = message;
    if (typeof stream === "string") output(Buffer.from(stream));
    const id = typeof stream === "string" && /^ ?-+> ([0-9a-f]{12,64})\s*$/.exec(stream)?.[1];
    if (id) made(id);
    if (typeof error === "string") throw failedStep(error.trim());
  }
}

class DockerBuild implements Engine {
  readonly #base: StoredImage;
  readonly #daemon: Daemon;
  readonly #line: Line;
  readonly #settings: EngineSettings;
  readonly #repository = `extend/${randomUUID()}`;
  readonly #names: Reference[] = [];
  /** Images without a name, of steps before one that failed. */
  readonly #left: string[] = [];
  #config: ImageConfig;

  constructor(base: StoredImage, daemon: Daemon, connection: Connection, settings: EngineSettings) {
    this.#base = base;
    this.#daemon = daemon;
    this.#line = { connection, engine: daemon.engine, layers: new Map(), signal: settings.signal };
    this.#settings = settings;
    this.#config = base.image.config;
  }

  /** A name for the image after the next step; the base is the first. */
  #nextName(): Reference {
    const name = { registry: "pack.local", repository: this.#repository, tag: String(this.#names.length) };
    this.#names.push(name);
    return name;
  }

  async begin(): Promise<void> {
    await this.#daemon.write(this.#base.image, [this.#nextName()], this.#base.blobs, this.#base);
  }

  async apply(step: Step, output: Output): Promise<ImageConfig> {
    const base = this.#names.at(-1)!;
    const name = this.#nextName();
    const { connection, engine, signal } = this.#line;
    const file = `.${randomUUID()}.Dockerfile`;
    const args = Object.fromEntries(step.arguments.map((one) => [one.name, one.value]));
    const query = {
      dockerfile: file,
      t: nameText(name),
      buildargs: encodeJson({ ...args, base_image: nameText(base) }),
      networkmode: this.#settings.network === "host" ? "default" : this.#settings.network,
      forcerm: "1",
      nocache: "1",
    };
    const body = Readable.from(contextTar(step, file, signal), { objectMode: false });
    const tail = lastLines(output);
    const made: string[] = [];
    try {
      const path = `/v${engine.api}/build`;
      const question = { method: "POST" as const, path, query, body, what: "apply Dockerfile", signal };
      await follow(await askStream(connection, question), tail.take, (id) => made.push(id));
    } catch (error) {
      // The first one is the base.
      this.#left.push(...made.slice(1).slice(-1));
      signal?.throwIfAborted();
      throw error;
    } finally {
      body.destroy();
    }
    const found = await this.#daemon.glance(name);
    if (!found) throw failedStep("the daemon has made no image");
    this.#config = found.config;
    return found.config;
  }

  async result() {
    const stored = await this.#daemon.read(this.#names.at(-1)!);
    if (!stored) throw new Fault("engine.failed", "Cannot read the extended image: the daemon does not have it");
    return { image: withLayers({ ...stored.image, config: this.#config }, stored.image.layers), blobs: stored.blobs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const line = { ...this.#line, signal: undefined };
    const { connection, engine } = line;
    for (const id of this.#left) {
      const path = `/v${engine.api}/images/${id}`;
      await ask(connection, { method: "DELETE", path, what: "remove the image of a failed step" }).catch(
        () => undefined,
      );
    }
    // What a name stands on goes with it, unless the user has it too.
    for (const name of this.#names.reverse()) await untag(line, name).catch(() => undefined);
    await this.#daemon[Symbol.asyncDispose]();
    this.#line.connection[Symbol.dispose]();
  }
}

/** The build of the Docker API (Docker's classic builder, Podman): `find` tells where the daemon is; exports are kept in `scratch` while they are read. */
export function docker(find: () => Promise<DaemonAddress>, scratch: HostPath): EngineKind {
  return {
    name: "docker",
    async probe(): Promise<Probe> {
      try {
        const daemon = await openDaemon(await find());
        const { kind, version } = daemon.engine;
        await daemon[Symbol.asyncDispose]();
        return { usable: true, detail: `${kind === "podman" ? "Podman" : "Docker"} ${version}` };
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        // Every place where a daemon might have been is what `pack doctor` lists by itself.
        const isNone = error.code === "daemon.none";
        const because = isNone ? "there is no daemon here" : reasonOf(error).replace(/^cannot [^:]*: /, "");
        return { usable: false, because, hint: error.hint ?? "start Docker or Podman's service" };
      }
    },
    async open(base, settings) {
      const address = await find();
      await mkdir(scratch, { recursive: true });
      const { signal } = settings;
      const daemon = await openDaemon(address, { temporary: scratch, ...(signal && { signal }) });
      const engine = new DockerBuild(base, daemon, await connect(address), settings);
      try {
        await engine.begin();
        return engine;
      } catch (error) {
        await engine[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}
