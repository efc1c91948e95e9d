import { posix } from "node:path";
import { digestOf, hexOf } from "../../oci/digest.ts";
import { Fault } from "../../std/fault.ts";
import { isObject, type Json, parseJson } from "../../std/json.ts";
import { type DaemonAddress, formatDaemonAddress, parseDaemonAddress, systemSocket, type TlsFiles } from "./address.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What stands where a socket is looked for. */
export type SocketState = "usable" | "denied" | "absent";

/** Everything the choice of a daemon depends on. */
export interface DaemonSurroundings {
  /** What the user asked for, before everything else: an address as in DOCKER_HOST. */
  readonly host?: string | undefined;
  readonly env: Environment;
  /** The content of Docker's `config.json`, undefined when there is none. */
  readonly configText: string | undefined;
  /** The content of a context's `meta.json`, undefined when there is no such context. */
  readonly contextText: (name: string) => string | undefined;
  readonly socketState: (path: string) => SocketState;
}

/** A place a daemon might be, and why it was passed over. */
export interface PassedOver {
  /** Where the idea comes from: `DOCKER_HOST`, `context colima`, `Podman's socket`, … */
  readonly origin: string;
  readonly address?: string;
  readonly because: string;
}

/** Which daemon is meant: an address and its origin, or none; with everything that was not taken. */
export interface DaemonChoice {
  readonly chosen?: { readonly origin: string; readonly address: DaemonAddress };
  readonly passedOver: readonly PassedOver[];
}

/** The folder in which Docker's client keeps its configuration. */
export function dockerFolder(env: Environment): string | undefined {
  return env["DOCKER_CONFIG"] || (env["HOME"] ? posix.join(env["HOME"], ".docker") : undefined);
}

/** Where a context of this name has its files, below Docker's folder (docker/cli, "context store"). */
export function contextFolders(folder: string, name: string): { readonly meta: string; readonly tls: string } {
  const id = hexOf(digestOf(name));
  return {
    meta: posix.join(folder, "contexts", "meta", id, "meta.json"),
    tls: posix.join(folder, "contexts", "tls", id, "docker"),
  };
}

/** The sockets a daemon of this machine may listen on, in the order they are tried. */
export function usualSockets(env: Environment): readonly { readonly origin: string; readonly path: string }[] {
  const { HOME: home, XDG_RUNTIME_DIR: runtime, XDG_CONFIG_HOME: config, COLIMA_HOME: colima } = env;
  const at = (origin: string, folder: string | undefined, ...parts: string[]) =>
    folder ? [{ origin, path: posix.join(folder, ...parts) }] : [];
  return [
    ...at("Docker's socket", systemSocket),
    ...at("rootless Docker's socket", runtime, "docker.sock"),
    ...at("Docker Desktop's socket", home, ".docker", "run", "docker.sock"),
    ...at("Docker Desktop's socket", home, ".docker", "desktop", "docker.sock"),
    ...at("Colima's socket", colima, "default", "docker.sock"),
    ...at("Colima's socket", home, ".colima", "default", "docker.sock"),
    ...at("Colima's socket", config ?? (home && posix.join(home, ".config")), "colima", "default", "docker.sock"),
    ...at("rootless Podman's socket", runtime, "podman", "podman.sock"),
    ...at("Podman's socket", "/run/podman/podman.sock"),
  ];
}

/** The name of the context that is in force, undefined for none; `default` means none. */
export function contextName(env: Environment, configText: string | undefined): string | undefined {
  const config = configText === undefined ? undefined : parseJson(configText, "Docker's config.json");
  const current = isObject(config) ? config["currentContext"] : undefined;
  const name = env["DOCKER_CONTEXT"] || (typeof current === "string" ? current : undefined);
  return name === "default" ? undefined : name || undefined;
}

function tlsIn(env: Environment): TlsFiles | undefined {
  const { DOCKER_CERT_PATH: folder, DOCKER_TLS_VERIFY: verify } = env;
  if (!folder && !verify) return undefined;
  return { folder: folder || dockerFolder(env) || "", verify: Boolean(verify) };
}

/** The address in a context's `meta.json`. */
function contextAddress(name: string, text: string, folder: string): DaemonAddress {
  const broken = (found: string) =>
    new Fault("daemon.context", `Cannot use Docker context ${name}: ${found}`, {
      hint: "`docker context inspect` shows what it holds; `docker context use default` leaves it",
    });
  const meta = parseJson(text, `meta.json of Docker context ${name}`);
  const endpoints = isObject(meta) ? meta["Endpoints"] : undefined;
  const docker: Json | undefined = isObject(endpoints) ? endpoints["docker"] : undefined;
  const host = isObject(docker) ? docker["Host"] : undefined;
  if (!isObject(docker) || typeof host !== "string" || host === "") throw broken("it names no Docker host");
  const tls = { folder: contextFolders(folder, name).tls, verify: docker["SkipTLSVerify"] !== true };
  return parseDaemonAddress(host, /^(tcp|https):/.test(host) && isObject(meta) ? tls : undefined);
}

/**
 * Decides which daemon is meant, as Docker's client does: what the user asked for, DOCKER_HOST, the context of DOCKER_CONTEXT or of
 * `config.json`, the first usual socket this user may use. Pure. Throws Fault `daemon.address` or `daemon.context` when what was said cannot be used.
 */
export function settleDaemon(surroundings: DaemonSurroundings): DaemonChoice {
  const { host, env, configText, contextText, socketState } = surroundings;
  const passedOver: PassedOver[] = [];
  const named = host ? { origin: "--docker-host", text: host } : { origin: "DOCKER_HOST", text: env["DOCKER_HOST"] };
  const context = contextName(env, configText);
  if (named.text) {
    if (context) passedOver.push({ origin: `context ${context}`, because: `${named.origin} comes before it` });
    return {
      chosen: { origin: named.origin, address: parseDaemonAddress(named.text, tlsIn(env)) },
      passedOver,
    };
  }
  if (context) {
    const text = contextText(context);
    if (text === undefined)
      throw new Fault("daemon.context", `Cannot use Docker context ${context}: there is no such context`, {
        hint: "`docker context ls` lists them; `docker context use default` leaves it",
      });
    const address = contextAddress(context, text, dockerFolder(env) ?? "");
    return { chosen: { origin: `context ${context}`, address }, passedOver };
  }
  for (const { origin, path } of usualSockets(env)) {
    const state = socketState(path);
    const address: DaemonAddress = { kind: "socket", path };
    if (state === "usable") return { chosen: { origin, address }, passedOver };
    const because = state === "denied" ? "permission denied" : "there is none";
    passedOver.push({ origin, address: formatDaemonAddress(address), because });
  }
  return { passedOver };
}
