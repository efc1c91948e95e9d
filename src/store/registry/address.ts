import { isIP } from "node:net";
import { defaultRegistry } from "../../oci/reference.ts";

/** How a registry is spoken to. */
export type Scheme = "https" | "http";

/** The host that serves a registry's API: that of docker.io has a name of its own. */
export function apiHostOf(registry: string): string {
  return registry === defaultRegistry ? "registry-1.docker.io" : registry;
}

/** The name or address in `host[:port]`, in lower case and without brackets. */
export function hostNameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1");
}

/** Whether the host is this machine: `localhost`, a name below it, or a loopback address. */
export function isLoopback(host: string): boolean {
  const name = hostNameOf(host);
  if (name === "localhost" || name.endsWith(".localhost") || name === "::1") return true;
  return isIP(name) === 4 && name.startsWith("127.");
}

function isPrivate(host: string): boolean {
  const name = hostNameOf(host);
  return isIP(name) === 4 && /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(name);
}

/** Whether one of `insecure` (`host`, or `host:port` for that port alone; a path behind it is ignored) means this registry. */
export function isInsecure(host: string, insecure: readonly string[]): boolean {
  return insecure.some((entry) => {
    const wanted = entry
      .replace(/^https?:\/\//, "")
      .replace(/\/.*$/, "")
      .toLowerCase();
    return wanted === host.toLowerCase() || wanted === hostNameOf(host);
  });
}

/**
 * The schemes to try, in order. Plain HTTP is only for this machine, for private IPv4 addresses (RFC 1918), and for registries the user
 * called insecure.
 */
export function schemesFor(host: string, insecure: readonly string[]): readonly [Scheme, ...Scheme[]] {
  if (isLoopback(host)) return ["http", "https"];
  return isPrivate(host) || isInsecure(host, insecure) ? ["https", "http"] : ["https"];
}

/** Text to URL, relative to `base` if that is given; undefined unless it is one of HTTP. */
export function httpUrl(text: string, base?: URL): URL | undefined {
  if (!URL.canParse(text, base?.href)) return undefined;
  const url = new URL(text, base);
  return /^https?:$/.test(url.protocol) ? url : undefined;
}
