import { loadExeca } from "../../std/execa.ts";
import { Fault } from "../../std/fault.ts";
import { isObject } from "../../std/json.ts";
import type { Credential } from "./credential.ts";

/** The user name by which helpers mark an identity token. */
const tokenUser = "<token>";
/** How long a helper may take, in milliseconds: it may ask a person. */
const helperTimeout = 120_000;

const doings = { get: "get credentials from", store: "keep credentials with", erase: "remove credentials from" };

function refuse(program: string, found: string, verb: keyof typeof doings = "get"): never {
  throw new Fault("auth.helper", `Cannot ${doings[verb]} ${program}: ${found}`, {
    hint: "run it by hand, or remove it from the credentials file",
  });
}

async function callHelper(
  name: string,
  verb: "get" | "store" | "erase",
  input: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly exitCode: number | undefined; readonly stdout: string }> {
  const program = `docker-credential-${name}`;
  if (/[/\\]/.test(name)) refuse(program, "its name is a path", verb);
  const execa = await loadExeca();
  const { exitCode, stdout, code, timedOut } = await execa(program, [verb], {
    input,
    env,
    extendEnv: false,
    reject: false,
    timeout: helperTimeout,
    maxBuffer: 1024 * 1024,
  });
  if (code === "ENOENT") refuse(program, "it is not installed", verb);
  if (timedOut) refuse(program, "it takes too long", verb);
  return { exitCode, stdout };
}

function endedWith(exitCode: number | undefined): string {
  return exitCode === undefined ? "it cannot be run" : `it ended with ${exitCode}`;
}

/** Whether a helper says, in the only way its protocol has, that it knows nothing of a server. */
function isUnknown(stdout: string): boolean {
  return /credentials not found|no credentials/i.test(stdout);
}

/** Gives a helper a secret to keep for a server. Throws Fault `auth.helper`; what it printed is not shown. */
export async function tellHelper(
  name: string,
  server: string,
  secret: { readonly username: string; readonly password: string },
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const entry = JSON.stringify({ ServerURL: server, Username: secret.username, Secret: secret.password });
  const { exitCode } = await callHelper(name, "store", entry, env);
  if (exitCode !== 0) refuse(`docker-credential-${name}`, endedWith(exitCode), "store");
}

/** Makes a helper forget a server; one it does not know is none to forget. Throws Fault `auth.helper`. */
export async function untellHelper(
  name: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const { exitCode, stdout } = await callHelper(name, "erase", server, env);
  if (exitCode !== 0 && !isUnknown(stdout)) refuse(`docker-credential-${name}`, endedWith(exitCode), "erase");
}

/**
 * What the helper `docker-credential-<name>` knows of a server; undefined when it knows none. `env` is all of its environment. Throws Fault
 * `auth.helper` when it is missing or fails; what it printed is not shown.
 */
export async function askHelper(
  name: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credential | undefined> {
  const program = `docker-credential-${name}`;
  const { exitCode, stdout } = await callHelper(name, "get", server, env);
  if (exitCode !== 0) {
    if (isUnknown(stdout)) return undefined;
    refuse(program, endedWith(exitCode));
  }
  let document: unknown;
  try {
    document = JSON.parse(stdout);
  } catch {
    refuse(program, "its answer is not JSON");
  }
  const [username, secret] = isObject(document) ? [document["Username"], document["Secret"]] : [];
  if (typeof username !== "string" || typeof secret !== "string") refuse(program, "its answer has no user and secret");
  if (secret === "") return undefined;
  if (username === tokenUser) return { kind: "identity", token: secret, source: program };
  return { kind: "basic", username, password: secret, source: program };
}
