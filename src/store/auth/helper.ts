import { execa } from "execa";
import { Fault } from "../../std/fault.ts";
import { isObject } from "../../std/json.ts";
import type { Credential } from "./credential.ts";

/** The user name by which helpers mark an identity token. */
const tokenUser = "<token>";
/** How long a helper may take, in milliseconds: it may ask a person. */
const helperTimeout = 120_000;

function refuse(program: string, found: string): never {
  throw new Fault("auth.helper", `Cannot get credentials from ${program}: ${found}`, {
    hint: "run it by hand, or remove it from the credentials file",
  });
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
  if (/[/\\]/.test(name)) refuse(program, "its name is a path");
  const { exitCode, stdout, code, timedOut } = await execa(program, ["get"], {
    input: server,
    env,
    extendEnv: false,
    reject: false,
    timeout: helperTimeout,
    maxBuffer: 1024 * 1024,
  });
  if (code === "ENOENT") refuse(program, "it is not installed");
  if (timedOut) refuse(program, "it takes too long");
  if (exitCode !== 0) {
    // The protocol of helpers tells this only in words.
    if (/credentials not found|no credentials/i.test(stdout)) return undefined;
    refuse(program, exitCode === undefined ? "it cannot be run" : `it ended with ${exitCode}`);
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
