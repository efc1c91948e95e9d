import { homedir } from "node:os";
import type { Compressor } from "../oci/media-type.ts";
import type { Platform } from "../oci/platform.ts";
import type { Emit } from "../std/event.ts";
import type { HostPath } from "../std/path.ts";
import type { ImageStore, IndexStore } from "../store/contract.ts";
import type { Daemon, DaemonAddress } from "../store/daemon.ts";
import { type Layout, openLayout } from "../store/layout.ts";
import type { Dispatchers } from "../store/registry/dispatcher.ts";
import type { Mirrors } from "../store/registry/mirror.ts";
import type { TlsSettings } from "../store/registry/trust.ts";
import type { Registry } from "../store/registry.ts";

/** How registries and the Docker daemon are reached; without any of it as nobody in particular, directly, and at the usual socket. */
export interface OutsideOptions {
  /** The environment that says who we are (`DOCKER_CONFIG`, `REGISTRY_AUTH_FILE`, `CNB_REGISTRY_AUTH`) and which proxy to take. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Registries (`host` or `host:port`) whose certificates are not checked and that may be spoken to without TLS. */
  readonly insecureRegistries?: readonly string[];
  /** Where the images of registries may be read too, by registry; `*` means every one. Asked for when a registry is first spoken to. */
  readonly mirrors?: () => Promise<Mirrors>;
  /** The daemon's address (`unix://…`, `tcp://…`, `ssh://…`); what `env` says, else the usual sockets, unless said. */
  readonly dockerHost?: string;
}

/** How `Outside` is opened: in the local store documents and layers may be at hand that then need not be fetched. */
export interface OutsideSettings extends OutsideOptions {
  readonly platform: Platform;
  readonly compression?: Compressor | undefined;
  /** The media types of layers compressed on the way to a registry, `docker` unless said, as the reference has them for app images. */
  readonly layerTypes?: "docker" | "family";
  readonly store: Layout;
  /** Whether configs that were fetched stay in the local store; they do unless said. */
  readonly remember?: boolean;
  /** Whether to give up soon what cannot be reached: for questions one can do without an answer to. */
  readonly hasty?: boolean;
  /** A directory with tars of layers that a daemon may be sent: a launch cache. */
  readonly launchCache?: HostPath | undefined;
  /** Where the local store lies. */
  readonly storeRoot: HostPath;
}

/** Whom to trust: the authorities an environment names, and those this machine has for single registries. */
export function tlsSettingsOf(env: Readonly<Record<string, string | undefined>>): TlsSettings {
  const bundles = [env["SSL_CERT_FILE"], env["NODE_EXTRA_CA_CERTS"]].filter((path): path is string => Boolean(path));
  return { bundles, hostDirectories: ["/etc/docker/certs.d", "/etc/containers/certs.d"] };
}

/** What is not on this machine: opened when it is first needed, closed in the end. */
export class Outside implements AsyncDisposable {
  readonly #options: OutsideSettings;
  readonly #emit: Emit;
  readonly #signal: AbortSignal | undefined;
  #registry: Promise<Registry> | undefined;
  #daemon: Promise<Daemon> | undefined;
  #dispatchers: Promise<Dispatchers> | undefined;

  constructor(options: OutsideSettings, emit: Emit, signal?: AbortSignal) {
    this.#options = options;
    this.#emit = emit;
    this.#signal = signal;
  }

  /** All registries as one store; the client is loaded only now. */
  registry(): Promise<Registry> {
    this.#registry ??= this.#openRegistry();
    return this.#registry;
  }

  /** The Docker daemon, or one that speaks its API; found and spoken to only now. Throws Fault `daemon.none` when there is none. */
  daemon(): Promise<Daemon> {
    this.#daemon ??= this.#openDaemon();
    return this.#daemon;
  }

  /** Connections to any server, with the proxies and certificates registries are reached by. */
  dispatchers(): Promise<Dispatchers> {
    this.#dispatchers ??= this.#openDispatchers();
    return this.#dispatchers;
  }

  /** The registries, and the daemon, as stores that can be handed on before anything is read or written. */
  readonly images: {
    readonly registry: ImageStore & IndexStore;
    readonly daemon: ImageStore & Pick<Daemon, "readId">;
  } = {
    registry: {
      readWhole: async (...words) => (await this.registry()).readWhole(...words),
      writePart: async (...words) => (await this.registry()).writePart(...words),
      writeIndex: async (...words) => (await this.registry()).writeIndex(...words),
      read: async (...words) => (await this.registry()).read(...words),
      write: async (...words) => (await this.registry()).write(...words),
    },
    daemon: {
      read: async (...words) => (await this.daemon()).read(...words),
      readId: async (...words) => (await this.daemon()).readId(...words),
      write: async (...words) => (await this.daemon()).write(...words),
    },
  };

  /** Where the daemon is; throws Fault `daemon.none` when there is none. */
  async daemonAddress(): Promise<DaemonAddress> {
    const { findDaemon } = await import("../store/daemon.ts");
    const { env = {}, dockerHost } = this.#options;
    return (await findDaemon(env, dockerHost)).chosen.address;
  }

  async #openDaemon(): Promise<Daemon> {
    const { firstLocal, launchBlobs, localBlobs, openDaemon } = await import("../store/daemon.ts");
    const { platform, store, storeRoot, launchCache } = this.#options;
    return openDaemon(await this.daemonAddress(), {
      platform,
      local: firstLocal(localBlobs(store, storeRoot), ...(launchCache ? [launchBlobs(launchCache)] : [])),
      onEvent: this.#emit,
      ...(this.#signal && { signal: this.#signal }),
    });
  }

  async #openRegistry(): Promise<Registry> {
    const [{ openRegistry }, { environmentCredentials }, { proxySettingsOf }] = await Promise.all([
      import("../store/registry.ts"),
      import("../store/auth/keychain.ts"),
      import("../store/registry/proxy.ts"),
    ]);
    const {
      env = {},
      insecureRegistries,
      platform,
      compression,
      layerTypes,
      store,
      storeRoot,
      remember = true,
      hasty,
    } = this.#options;
    const mirrors = await this.#options.mirrors?.();
    // What is read at once need not be held.
    const { has, open } = openLayout(storeRoot);
    return openRegistry({
      platform,
      credentials: environmentCredentials(env, homedir()),
      proxy: proxySettingsOf(env),
      tls: tlsSettingsOf(env),
      emit: this.#emit,
      ...(hasty && { attempts: 2, connectTimeout: 5000 }),
      ...(mirrors && { mirrors }),
      ...(insecureRegistries && { insecure: insecureRegistries }),
      ...(compression && { compression }),
      nearby: { has, open, ...(remember && { put: store.put }) },
      ...(layerTypes && { layerTypes }),
      ...(this.#signal && { signal: this.#signal }),
    });
  }

  async #openDispatchers(): Promise<Dispatchers> {
    const [{ Dispatchers }, { proxySettingsOf }] = await Promise.all([
      import("../store/registry/dispatcher.ts"),
      import("../store/registry/proxy.ts"),
    ]);
    const { env = {} } = this.#options;
    return new Dispatchers({ tls: tlsSettingsOf(env), proxy: proxySettingsOf(env) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const dispatchers = await this.#dispatchers?.catch(() => undefined);
    await dispatchers?.[Symbol.asyncDispose]();
    const registry = await this.#registry?.catch(() => undefined);
    await registry?.[Symbol.asyncDispose]();
    const daemon = await this.#daemon?.catch(() => undefined);
    await daemon?.[Symbol.asyncDispose]();
  }
}
