import pLimit, { type LimitFunction } from "p-limit";
import type { Reference } from "../../oci/reference.ts";
import type { ByteStream } from "../../std/byte.ts";
import type { Emit } from "../../std/event.ts";
import { anonymous, type Credentials } from "../auth/credential.ts";
import { RegistryClient } from "./client.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { ConnectionSettings } from "./dispatcher.ts";
import { Presence } from "./presence.ts";
import type { Repository } from "./repository.ts";
import { Gate } from "./retry.ts";
import { slots } from "./slots.ts";
import { type Patience, Wire } from "./wire.ts";

/** How registries are reached. */
export interface HostSettings extends ConnectionSettings {
  /** Who we are, by registry and repository; nobody unless said. */
  readonly credentials?: Credentials;
  /** How many blobs move at the same time, to and from each registry; 4 unless said. */
  readonly concurrency?: number;
  readonly patience?: Patience;
  /** How often a request is tried in all; 7 times unless said. */
  readonly attempts?: number;
  readonly clock?: Clock;
  readonly emit?: Emit;
  readonly signal?: AbortSignal;
}

/** A repository, and what is common to all of its registry. */
export interface Located {
  readonly at: Repository;
  readonly presence: Presence;
  /** Lets as many downloads flow as may at a time. */
  readonly flow: (open: () => ByteStream) => ByteStream;
  /** Lets as many uploads work as may at a time; they wait for downloads, which never wait for them. */
  readonly uploads: LimitFunction;
}

interface Host {
  readonly presence: Presence;
  readonly flow: Located["flow"];
  readonly uploads: LimitFunction;
  readonly gate: Gate;
  /** By credential. */
  readonly clients: Map<string, RegistryClient>;
}

const defaultConcurrency = 4;

/** Keeps what is known of every registry that was spoken to, and the connections to it. */
export class Hosts implements AsyncDisposable {
  readonly #settings: HostSettings;
  readonly #wire: Wire;
  readonly #tokens: Gate;
  readonly #hosts = new Map<string, Host>();

  constructor(settings: HostSettings) {
    this.#settings = settings;
    this.#wire = new Wire(settings, settings.patience, settings.signal);
    this.#tokens = this.#gate();
  }

  /** The repository of a name; throws what the credentials' source throws. */
  async locate({ registry, repository }: Pick<Reference, "registry" | "repository">): Promise<Located> {
    const credential = (await this.#settings.credentials?.(registry, repository)) ?? anonymous;
    const { presence, flow, uploads, gate, clients } = this.#host(registry);
    const key = JSON.stringify(credential);
    const client =
      clients.get(key) ??
      new RegistryClient({
        registry,
        credential,
        insecure: this.#settings.insecure ?? [],
        wire: this.#wire,
        gates: { registry: gate, tokens: this.#tokens },
        emit: this.#settings.emit ?? (() => {}),
      });
    clients.set(key, client);
    return { at: { client, name: repository }, presence, flow, uploads };
  }

  #host(registry: string): Host {
    const width = this.#settings.concurrency ?? defaultConcurrency;
    const known = this.#hosts.get(registry) ?? {
      presence: new Presence(),
      flow: slots(width),
      uploads: pLimit(width),
      gate: this.#gate(),
      clients: new Map(),
    };
    this.#hosts.set(registry, known);
    return known;
  }

  #gate(): Gate {
    const { clock = systemClock, signal, attempts } = this.#settings;
    return new Gate(clock, signal, attempts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire[Symbol.asyncDispose]();
  }
}
