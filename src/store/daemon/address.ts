import { Fault } from "../../std/fault.ts";

/** Where the files of a TLS connection lie, and whether the daemon's certificate is checked. */
export interface TlsFiles {
  /** A folder with `ca.pem`, `cert.pem` and `key.pem`; each may be missing. */
  readonly folder: string;
  readonly verify: boolean;
}

/** How a daemon is reached. */
export type DaemonAddress =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls?: TlsFiles }
  | { readonly kind: "ssh"; readonly host: string; readonly port?: number; readonly user?: string };

/** The socket of a daemon that was installed for the whole machine. */
export const systemSocket = "/var/run/docker.sock";
const ports = { plain: 2375, tls: 2376 } as const;

function refuse(text: string, found: string): never {
  // What stands before an @ may be a password.
  const shown = text.replace(/\/\/[^/]*@/, "//***@");
  throw new Fault("daemon.address", `Cannot reach daemon at ${shown}: ${found}`, {
    exit: "usage",
    hint: "an address looks like unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host",
  });
}

function parseUrl(text: string): URL {
  try {
    // The names of other schemes are not taken apart into host and port.
    return new URL(text.replace(/^[a-z]+:/, "http:"));
  } catch {
    return refuse(text, "it is not a URL");
  }
}

/**
 * Text as in DOCKER_HOST to address: `unix://`, `tcp://`, `http://`, `https://`, `ssh://`, or `host:port`. `tls` says where the files of
 * a TLS connection are; without it only `https://` is one. Throws Fault `daemon.address`.
 */
export function parseDaemonAddress(text: string, tls?: TlsFiles): DaemonAddress {
  if (text.startsWith("unix://")) return { kind: "socket", path: text.slice("unix://".length) || systemSocket };
  if (text.startsWith("/")) return { kind: "socket", path: text };
  const full = text.includes("://") ? text : `tcp://${text}`;
  const scheme = full.slice(0, full.indexOf("://"));
  if (!["tcp", "http", "https", "ssh"].includes(scheme)) refuse(text, `${scheme} is no way to a daemon on this system`);
  const url = parseUrl(full);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const given = url.port === "" && /:80(?:\/|$)/.test(full) ? 80 : Number(url.port);
  if (scheme === "ssh") {
    if (url.password !== "") refuse(text, "it has a password in it, and ssh takes none");
    // A host that begins with a dash would be an option of the ssh program.
    if (/^-/.test(host) || /^-/.test(url.username)) refuse(text, "neither user nor host may begin with a dash");
    return { kind: "ssh", host, ...(given && { port: given }), ...(url.username && { user: url.username }) };
  }
  const secure = tls ?? (scheme === "https" ? { folder: "", verify: true } : undefined);
  const port = given || (secure ? ports.tls : ports.plain);
  return { kind: "tcp", host, port, ...(secure && { tls: secure }) };
}

/** The address as people write it. */
export function formatDaemonAddress(address: DaemonAddress): string {
  if (address.kind === "socket") return `unix://${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  if (address.kind === "tcp") return `tcp://${host}:${address.port}`;
  return `ssh://${address.user ? `${address.user}@` : ""}${host}${address.port ? `:${address.port}` : ""}`;
}
