import { Agent, type Dispatcher, ProxyAgent } from "undici";
import { isInsecure } from "./address.ts";
import { type ProxySettings, proxyFor } from "./proxy.ts";
import type { TlsSettings } from "./trust.ts";
import { Trust } from "./trust.ts";

/** How connections are made. */
export interface ConnectionSettings {
  readonly tls?: TlsSettings;
  readonly proxy?: ProxySettings;
  /** Registries (`host` or `host:port`) whose certificates are not checked and that may be spoken to without TLS. */
  readonly insecure?: readonly string[];
  /** How long a connection may take to come about, in milliseconds. */
  readonly connectTimeout?: number;
}

const defaultConnectTimeout = 15_000;

/** Keeps the connections to every host, through its proxy and with its TLS settings. */
export class Dispatchers implements AsyncDisposable {
  readonly #settings: ConnectionSettings;
  readonly #trust: Trust;
  readonly #open = new Map<string, Promise<Dispatcher>>();

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.#trust = new Trust(settings.tls ?? {});
  }

  /** The way to a URL; throws Fault when its proxy or certificates cannot be used. */
  for(url: URL): Promise<Dispatcher> {
    const known = this.#open.get(url.origin) ?? this.#make(url);
    this.#open.set(url.origin, known);
    return known;
  }

  async #make(url: URL): Promise<Dispatcher> {
    const proxy = proxyFor(url, this.#settings.proxy ?? {});
    const timeout = this.#settings.connectTimeout ?? defaultConnectTimeout;
    const tls = {
      timeout,
      ...(url.protocol === "https:" && {
        secureContext: await this.#trust.contextFor(url.host),
        rejectUnauthorized: !isInsecure(url.host, this.#settings.insecure ?? []),
      }),
    };
    if (proxy === undefined) return new Agent({ connect: tls });
    const proxyTls = {
      timeout,
      ...(proxy.protocol === "https:" && { secureContext: await this.#trust.contextFor(proxy.host) }),
    };
    const { username, password } = proxy;
    const token = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    // Proxies for plain HTTP take the whole URL; many refuse to open a tunnel for it.
    return new ProxyAgent({
      uri: proxy.href,
      requestTls: tls,
      proxyTls,
      proxyTunnel: url.protocol === "https:",
      ...(username && /^https?:$/.test(proxy.protocol) && { token: `Basic ${Buffer.from(token).toString("base64")}` }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = await Promise.allSettled(this.#open.values());
    this.#open.clear();
    await Promise.all(open.map((made) => (made.status === "fulfilled" ? made.value.destroy() : undefined)));
  }
}
