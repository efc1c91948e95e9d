import { randomUUID } from "node:crypto";
import { chmod, mkdir, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errnoOf } from "../../std/fault.ts";
import { readText } from "../../std/file.ts";
import { isObject, type JsonObject } from "../../std/json.ts";
import { systemFault } from "../failure.ts";
import { type CredentialFile, parseCredentialFile } from "./document.ts";
import { tellHelper, untellHelper } from "./helper.ts";
import { findServer, normalizedServer, serverOf } from "./server.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a secret was put, for people; `isPlain`: anybody who can read the file has it. */
export interface Kept {
  readonly place: string;
  readonly isPlain: boolean;
}

interface OpenFile {
  readonly path: string;
  readonly document: JsonObject;
  readonly parsed: CredentialFile;
}

/** The credentials file to write: Podman's when the environment names it, else Docker's. */
export function credentialFileOf(env: Environment, home: string): string {
  return env["REGISTRY_AUTH_FILE"] || join(env["DOCKER_CONFIG"] || join(home, ".docker"), "config.json");
}

async function openFile(env: Environment, home: string): Promise<OpenFile> {
  const named = credentialFileOf(env, home);
  // A link stays one: the file behind it is replaced.
  const path = await realpath(named).catch(() => named);
  const text = await readText(path).catch((error) => {
    throw systemFault("read credentials", path, error);
  });
  const parsed = parseCredentialFile(text ?? "", path);
  const document: unknown = JSON.parse(text?.trim() || "{}");
  return { path, parsed, document: isObject(document) ? document : {} };
}

/** Replaces the file whole; nobody else may read it, unless they could before. */
async function replace(path: string, document: JsonObject): Promise<void> {
  const fresh = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const mode = await stat(path).then(
      (found) => found.mode & 0o777,
      () => 0o600,
    );
    await writeFile(fresh, `${JSON.stringify(document, undefined, "\t")}\n`, { mode: 0o600 });
    await chmod(fresh, mode & 0o600);
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw errnoOf(error) === undefined ? error : systemFault("write credentials", path, error);
  }
}

function section(document: JsonObject, key: string): JsonObject {
  const found = document[key];
  return isObject(found) ? found : {};
}

/** A section without the entries that mean the server, however they spell it. */
function without(entries: JsonObject, server: string): JsonObject {
  const wanted = normalizedServer(server);
  return Object.fromEntries(Object.entries(entries).filter(([key]) => normalizedServer(key) !== wanted));
}

function helperFor({ helpers, store }: CredentialFile, registry: string): string | undefined {
  return findServer(helpers, registry, "") ?? store;
}

/**
 * Keeps who one is at a registry: with the credential helper the file names for it, or `helper`, which the file then names; without either in the
 * file itself. Throws Fault `auth.helper`, `auth.parse` or `store.system`; then the file is as it was.
 */
export async function keepCredential(
  registry: string,
  secret: { readonly username: string; readonly password: string },
  env: Environment,
  home: string,
  helper?: string,
): Promise<Kept> {
  const { path, document, parsed } = await openFile(env, home);
  const server = serverOf(registry);
  const auths = without(section(document, "auths"), server);
  const chosen = helper ?? helperFor(parsed, registry);
  if (chosen === undefined) {
    const auth = Buffer.from(`${secret.username}:${secret.password}`).toString("base64");
    await replace(path, { ...document, auths: { ...auths, [server]: { auth } } });
    return { place: path, isPlain: true };
  }
  await tellHelper(chosen, server, secret, env);
  const helpers = section(document, "credHelpers");
  await replace(path, {
    ...document,
    // An empty entry is how Docker remembers that there is something with the helper.
    auths: { ...auths, [server]: {} },
    ...(helper !== undefined && { credHelpers: { ...without(helpers, server), [server]: helper } }),
  });
  return { place: `docker-credential-${chosen}`, isPlain: false };
}

/** Forgets who one is at a registry, in the file and with its helper; whether there was anything to forget. Throws as `keepCredential`. */
export async function dropCredential(registry: string, env: Environment, home: string): Promise<boolean> {
  const { path, document, parsed } = await openFile(env, home);
  const server = serverOf(registry);
  const helper = helperFor(parsed, registry);
  const before = section(document, "auths");
  const auths = without(before, server);
  const isListed = Object.keys(auths).length < Object.keys(before).length;
  if (helper !== undefined) await untellHelper(helper, server, env);
  if (isListed) await replace(path, { ...document, auths });
  return isListed || helper !== undefined;
}
