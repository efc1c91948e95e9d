import { defaultRegistry } from "../../oci/reference.ts";

/** What Docker and its helpers call the registry docker.io. */
export const hubServer = "https://index.docker.io/v1/";

const hubHosts = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

/** A key of a credentials file as `host[:port][/path]`: without scheme, API version and final slash, docker.io by that name. */
export function normalizedServer(key: string): string {
  const bare = key.replace(/^https?:\/\//i, "").replace(/\/+$/, "");
  const slash = bare.indexOf("/");
  const host = (slash < 0 ? bare : bare.slice(0, slash)).toLowerCase();
  const path = (slash < 0 ? "" : bare.slice(slash)).replace(/^\/v[12]$/, "");
  return (hubHosts.has(host) ? defaultRegistry : host) + path;
}

/** How a credential helper is asked for a registry. */
export function serverOf(registry: string): string {
  return registry === defaultRegistry ? hubServer : registry;
}

/**
 * The entry for a repository: the longest key that is the registry or a path above the repository (containers-auth.json(5)), else a key
 * `*.domain` for the registries below it.
 */
export function findServer<T>(entries: ReadonlyMap<string, T>, registry: string, repository: string): T | undefined {
  const host = normalizedServer(registry);
  for (let path = repository; path !== ""; path = path.slice(0, Math.max(path.lastIndexOf("/"), 0))) {
    const found = entries.get(`${host}/${path}`);
    if (found !== undefined) return found;
  }
  if (entries.has(host)) return entries.get(host);
  for (const [key, entry] of entries) if (key.startsWith("*.") && host.endsWith(key.slice(1))) return entry;
  return undefined;
}
