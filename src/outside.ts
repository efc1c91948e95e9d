import { homedir } from "node:os";
import type { Compression } from "./oci/media-type.ts";
import type { Platform } from "./oci/platform.ts";
import type { Reference } from "./oci/reference.ts";
import type { Emit } from "./std/event.ts";
import type { BlobSource, ImageStore } from "./store/contract.ts";
import type { Registry } from "./store/registry.ts";

/** How registries are reached; without any of it as nobody in particular, and directly. */
export interface OutsideOptions {
  /** The environment that says who we are (`DOCKER_CONFIG`, `REGISTRY_AUTH_FILE`, `CNB_REGISTRY_AUTH`) and which proxy to take. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Registries (`host` or `host:port`) whose certificates are not checked and that may be spoken to without TLS. */
  readonly insecureRegistries?: readonly string[];
}

/** How `Outside` is opened: `nearby` is where documents may be at hand that then need not be fetched. */
export interface OutsideSettings extends OutsideOptions {
  readonly platform: Platform;
  readonly compression?: Compression | undefined;
  readonly nearby?: BlobSource;
}

/** What is not on this machine: opened when it is first needed, closed in the end. */
export class Outside implements AsyncDisposable {
  readonly #options: OutsideSettings;
  readonly #emit: Emit;
  readonly #signal: AbortSignal | undefined;
  #registry: Promise<Registry> | undefined;

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

  /** The registries as a store that can be handed on before anything is read or written. */
  readonly images: ImageStore = {
    read: async (name: Reference) => (await this.registry()).read(name),
    write: async (...words) => (await this.registry()).write(...words),
  };

  async #openRegistry(): Promise<Registry> {
    const [{ openRegistry }, { environmentCredentials }, { proxySettingsOf }] = await Promise.all([
      import("./store/registry.ts"),
      import("./store/auth/keychain.ts"),
      import("./store/registry/proxy.ts"),
    ]);
    const { env = {}, insecureRegistries, platform, compression, nearby } = this.#options;
    const bundles = [env["SSL_CERT_FILE"], env["NODE_EXTRA_CA_CERTS"]].filter((path): path is string => Boolean(path));
    return openRegistry({
      platform,
      credentials: environmentCredentials(env, homedir()),
      proxy: proxySettingsOf(env),
      tls: { bundles, hostDirectories: ["/etc/docker/certs.d", "/etc/containers/certs.d"] },
      emit: this.#emit,
      ...(insecureRegistries && { insecure: insecureRegistries }),
      ...(compression && { compression }),
      ...(nearby && { nearby }),
      ...(this.#signal && { signal: this.#signal }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const registry = await this.#registry?.catch(() => undefined);
    await registry?.[Symbol.asyncDispose]();
  }
}
