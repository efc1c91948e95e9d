import { homedir } from "node:os";
import { join } from "node:path";
import { Fault, reasonOf } from "../std/fault.ts";
import { kindOf, readText } from "../std/file.ts";
import { parseCredentialFile, parseRegistryAuth } from "../store/auth/document.ts";
import { credentialFiles } from "../store/auth/keychain.ts";
import { connect } from "../store/daemon/connect.ts";
import { readEngine } from "../store/daemon/engine.ts";
import { formatDaemonAddress, readSurroundings, settleDaemon } from "../store/daemon.ts";
import { areaOf, type DoctorOptions, type Finding } from "./diagnosis.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const credential = areaOf("credentials");
const proxy = areaOf("proxies");
const daemon = areaOf("daemons");

function ofFault(error: unknown): readonly [string, string | undefined] {
  return error instanceof Fault ? [error.message, error.hint] : [reasonOf(error), undefined];
}

/** Names of registries alone: never a user, a password or a token. */
function named(registries: readonly string[]): string {
  return registries.length === 0 ? "it knows no registry" : `it knows ${registries.join(", ")}`;
}

async function isOnPath(program: string, env: Environment): Promise<boolean> {
  const folders = (env["PATH"] ?? "").split(":").filter((folder) => folder !== "");
  const found = folders.map((folder) => kindOf(join(folder, program)).catch(() => undefined));
  return (await Promise.all(found)).some((kind) => kind !== undefined && kind !== "directory");
}

async function ofFile(path: string, env: Environment): Promise<Finding> {
  try {
    const text = await readText(path);
    if (text === undefined) return credential(path, "none", "there is no such file");
    const { credentials, helpers, store } = parseCredentialFile(text, path);
    const kept = [...helpers].map(([server, name]) => `${server} (docker-credential-${name})`);
    const rest = store === undefined ? "" : `, and asks docker-credential-${store} for all others`;
    const found = named([...credentials.keys(), ...kept]) + rest;
    for (const name of new Set([...helpers.values(), ...(store === undefined ? [] : [store])])) {
      if (await isOnPath(`docker-credential-${name}`, env)) continue;
      const hint = `install docker-credential-${name}, or take it out of the file`;
      return credential(path, "warn", `${found}; docker-credential-${name} is not on the PATH`, hint);
    }
    return credential(path, "ok", found);
  } catch (error) {
    return credential(path, "warn", ...ofFault(error));
  }
}

function ofVariable(env: Environment): Finding[] {
  const text = env["CNB_REGISTRY_AUTH"];
  if (!text) return [];
  try {
    return [credential("CNB_REGISTRY_AUTH", "ok", named([...parseRegistryAuth(text, "CNB_REGISTRY_AUTH").keys()]))];
  } catch (error) {
    return [credential("CNB_REGISTRY_AUTH", "warn", ...ofFault(error))];
  }
}

/** A proxy's address without who goes through it. */
function shown(text: string): string {
  return text.replace(/^([a-z0-9+.-]+:\/\/)?[^/@]*@/i, "$1***@");
}

const proxyNames = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];
const certificateNames = ["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"];

function proxies(env: Environment): Finding[] {
  const names = [...proxyNames.flatMap((name) => [name.toLowerCase(), name]), ...certificateNames];
  const set = names.flatMap((name) => (env[name] ? [proxy(name, "ok", shown(env[name]))] : []));
  return set.length > 0 ? set : [proxy("environment", "none", "it names no proxy and no certificates")];
}

async function daemons({ env = {}, dockerHost }: NonNullable<DoctorOptions["outside"]>): Promise<Finding[]> {
  try {
    const { chosen, passedOver } = settleDaemon(await readSurroundings(env, dockerHost));
    const passed = passedOver.map(({ origin, address, because }) =>
      daemon(address ? `${origin} (${address})` : origin, "none", because),
    );
    if (chosen === undefined)
      return [
        ...passed,
        daemon(
          "choice",
          "none",
          "there is none",
          "builds need none; start Docker, Podman or Colima, or set DOCKER_HOST",
        ),
      ];
    const name = `${chosen.origin} (${formatDaemonAddress(chosen.address)})`;
    try {
      using connection = await connect(chosen.address);
      const { kind, version, api } = await readEngine(connection);
      return [...passed, daemon(name, "ok", `it answers: version ${version}, API ${api}, ${kind} store`)];
    } catch (error) {
      return [...passed, daemon(name, "warn", ...ofFault(error))];
    }
  } catch (error) {
    return [daemon("choice", "warn", ...ofFault(error))];
  }
}

/** How registries and daemons are reached: who we are there, which way we go, which daemon is meant. */
export async function lookOutside({ outside = {} }: DoctorOptions): Promise<Finding[]> {
  const { env = {} } = outside;
  const files = await Promise.all(credentialFiles(env, homedir()).map((path) => ofFile(path, env)));
  return [...ofVariable(env), ...files, ...proxies(env), ...(await daemons(outside))];
}
