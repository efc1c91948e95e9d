import { BlockList, isIP } from "node:net";
import { Fault } from "../../std/fault.ts";
import { hostNameOf, isLoopback } from "./address.ts";

/** Which proxy requests take; `exceptions` is a list like that of NO_PROXY. */
export interface ProxySettings {
  readonly https?: string;
  readonly http?: string;
  readonly exceptions?: string;
}

/** The proxies an environment names: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the same in lower case, which come first. */
export function proxySettingsOf(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const value = (name: string) => env[name.toLowerCase()] || env[name] || undefined;
  const https = value("HTTPS_PROXY") ?? value("ALL_PROXY");
  const http = value("HTTP_PROXY") ?? value("ALL_PROXY");
  const exceptions = value("NO_PROXY");
  return { ...(https && { https }), ...(http && { http }), ...(exceptions && { exceptions }) };
}

function isInBlock(address: string, block: string): boolean {
  const slash = block.indexOf("/");
  const [network, bits] = [block.slice(0, slash), Number(block.slice(slash + 1))];
  const kind = isIP(network);
  if (kind === 0 || isIP(address) !== kind || !(bits >= 0 && bits <= (kind === 4 ? 32 : 128))) return false;
  const family = kind === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(address, family);
}

function matches(url: URL, entry: string): boolean {
  if (entry === "*") return true;
  const name = hostNameOf(url.hostname);
  if (entry.includes("/")) return isInBlock(name, entry);
  const port = /^(?:\[.*\]|[^:]*):(\d+)$/.exec(entry)?.[1];
  if (port !== undefined && port !== (url.port || (url.protocol === "https:" ? "443" : "80"))) return false;
  const wanted = isIP(entry) === 6 ? entry : hostNameOf(entry).replace(/^\*(?=\.)/, "");
  return wanted.startsWith(".") ? name.endsWith(wanted) : name === wanted || name.endsWith(`.${wanted}`);
}

/**
 * The proxy for a URL, undefined to go there directly: this machine is never asked for through one, nor is what the exceptions name (a name
 * means the names below it too, `.name` only those, an address block its addresses, `*` everything). Throws Fault `proxy.parse`.
 */
export function proxyFor(url: URL, settings: ProxySettings): URL | undefined {
  const text = url.protocol === "https:" ? settings.https : settings.http;
  if (!text || isLoopback(url.hostname)) return undefined;
  const exceptions = (settings.exceptions ?? "").toLowerCase().split(/[\s,]+/);
  if (exceptions.some((entry) => entry !== "" && matches(url, entry))) return undefined;
  const full = /^[a-z0-9]+:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(full) ? new URL(full) : undefined;
  // The text may hold a password.
  if (proxy && /^(https?|socks5?):$/.test(proxy.protocol)) return proxy;
  throw new Fault("proxy.parse", `Cannot use proxy for ${url.host}: its address is not a URL we know`, {
    exit: "usage",
    hint: "a proxy looks like http://proxy.example:3128",
  });
}
