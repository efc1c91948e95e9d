import { join } from "node:path";
import { readText } from "../../std/file.ts";
import { systemFault } from "../failure.ts";
import { anonymous, type Credential, type Credentials } from "./credential.ts";
import { type CredentialFile, parseCredentialFile, parseRegistryAuth } from "./document.ts";
import { askHelper } from "./helper.ts";
import { findServer, normalizedServer, serverOf } from "./server.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The credentials files an environment names, the first one that knows a registry counting; `home` is the user's home directory. */
export function credentialFiles(env: Environment, home: string): readonly string[] {
  const runtime = env["XDG_RUNTIME_DIR"];
  return [
    ...(env["REGISTRY_AUTH_FILE"] ? [env["REGISTRY_AUTH_FILE"]] : []),
    join(env["DOCKER_CONFIG"] || join(home, ".docker"), "config.json"),
    ...(runtime ? [join(runtime, "containers/auth.json")] : []),
    join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "containers/auth.json"),
  ];
}

async function readFile(path: string): Promise<CredentialFile | undefined> {
  const text = await readText(path).catch((error) => {
    throw systemFault("read credentials", path, error);
  });
  return text === undefined ? undefined : parseCredentialFile(text, path);
}

type Ask = (helper: string, server: string) => Promise<Credential | undefined>;

async function find(
  { helpers, store, credentials }: CredentialFile,
  registry: string,
  repository: string,
  ask: Ask,
): Promise<Credential | undefined> {
  const helper = findServer(helpers, registry, repository) ?? store;
  const kept = helper === undefined ? undefined : await ask(helper, serverOf(registry));
  return kept ?? findServer(credentials, registry, repository);
}

/** The same result for the same arguments, worked out once. */
function once<T>(work: (a: string, b: string) => Promise<T>): (a: string, b: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (a, b) => {
    const key = JSON.stringify([a, b]);
    const found = known.get(key) ?? work(a, b);
    known.set(key, found);
    return found;
  };
}

/**
 * Credentials as an environment has them (Platform spec, "Registry Authentication"): `CNB_REGISTRY_AUTH`, then the files of Docker and
 * Podman with their helpers; who is in none of them is anonymous. Everything is read when first needed, and once.
 */
export function environmentCredentials(env: Environment, home: string): Credentials {
  const place = "CNB_REGISTRY_AUTH";
  let sources: Promise<{ given: ReadonlyMap<string, Credential>; files: readonly CredentialFile[] }> | undefined;
  const readSources = async () => {
    const inline = env["DOCKER_AUTH_CONFIG"];
    const files = await Promise.all(credentialFiles(env, home).map(readFile));
    return {
      given: env[place] ? parseRegistryAuth(env[place], place) : new Map<string, Credential>(),
      files: [
        ...(inline ? [parseCredentialFile(inline, "DOCKER_AUTH_CONFIG")] : []),
        ...files.filter((file) => file !== undefined),
      ],
    };
  };
  const ask = once((helper, server) => askHelper(helper, server, env));
  return once(async (registry, repository) => {
    sources ??= readSources();
    const { given, files } = await sources;
    const header = given.get(normalizedServer(registry));
    if (header) return header;
    for (const file of files) {
      const credential = await find(file, registry, repository, ask);
      if (credential) return credential;
    }
    return anonymous;
  });
}
