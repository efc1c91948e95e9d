import { homedir } from "node:os";
import { parseReference } from "./oci/reference.ts";
import type { OutsideOptions } from "./reach/outside.ts";
import { type Emit, logTo } from "./std/event.ts";
import { Fault } from "./std/fault.ts";
import { dropCredential, keepCredential } from "./store/auth/keep.ts";

/** Who logs in, and where. */
export interface LoginOptions {
  /** The registry's host, `host[:port]`; `docker.io` for Docker Hub. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
  /** The credential helper to keep it with, `docker-credential-<name>`; the one the credentials file names unless said. */
  readonly helper?: string;
  readonly outside?: OutsideOptions;
  readonly onEvent?: Emit;
  readonly signal?: AbortSignal;
}

/** Where the password is now. */
export interface LoginReport {
  readonly registry: string;
  readonly place: string;
  /** Whether anybody who can read the file has it. */
  readonly isPlain: boolean;
}

/** The registry that people mean by what they write: a host, with or without scheme and path. Throws Fault `usage.registry`. */
export function registryNamed(text: string): string {
  const host = text.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  if (["docker.io", "index.docker.io", "registry-1.docker.io"].includes(host)) return "docker.io";
  try {
    const { registry } = parseReference(`${host}/x`);
    if (registry === host) return registry;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
  throw new Fault("usage.registry", `Cannot understand registry "${text.slice(0, 200)}": it is not a host[:port]`, {
    exit: "usage",
    hint: "for instance registry.example.com, localhost:5000 or docker.io",
  });
}

/**
 * Proves to a registry who one is, and only then keeps the password: with a credential helper, or in the credentials file, which is said as a
 * warning. Throws Fault `registry.denied` or `registry.auth` when the registry does not take it; then nothing is kept.
 */
export async function login(options: LoginOptions): Promise<LoginReport> {
  const { username, password, helper, outside = {}, onEvent = () => {}, signal } = options;
  const log = logTo(onEvent);
  const { env = {}, insecureRegistries } = outside;
  const registry = registryNamed(options.registry);
  if (username === "" || password === "")
    throw new Fault("usage.login", `Cannot log in to ${registry}: ${username === "" ? "user" : "password"} is empty`, {
      exit: "usage",
    });
  const [{ openRegistry }, { proxySettingsOf }, { tlsSettingsOf }] = await Promise.all([
    import("./store/registry.ts"),
    import("./store/registry/proxy.ts"),
    import("./reach/outside.ts"),
  ]);
  {
    await using registries = openRegistry({
      credentials: async () => ({ kind: "basic", username, password, source: "the login" }),
      proxy: proxySettingsOf(env),
      tls: tlsSettingsOf(env),
      emit: onEvent,
      ...(insecureRegistries && { insecure: insecureRegistries }),
      ...(signal && { signal }),
    });
    const isAsked = await registries.greet(registry);
    if (!isAsked) log.warn(`${registry} asks nobody who they are: the password was not tried`);
  }
  signal?.throwIfAborted();
  const kept = await keepCredential(registry, { username, password }, env, homedir(), helper);
  if (kept.isPlain)
    log.warn(`The password is in ${kept.place}, where it is not encrypted; a credential helper keeps it safe`);
  return { registry, ...kept };
}

/** Forgets who one is at a registry; whether there was anything to forget. Throws as `keepCredential`. */
export async function logout(options: {
  readonly registry: string;
  readonly outside?: OutsideOptions;
}): Promise<boolean> {
  return dropCredential(registryNamed(options.registry), options.outside?.env ?? {}, homedir());
}
