import { readFile } from "node:fs/promises";
import { readText } from "../std/file.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";

/** The parts of this machine's npm configuration that are no secret, for a binding of type `npmrc`. */
export interface NpmSettings {
  /** Lines of an npmrc. */
  readonly text: string;
  /** Certificates to trust, in PEM form. */
  readonly certificates: string | undefined;
}

/** Names a setting that says where packages are and how they are reached; nothing that proves who we are. */
const harmless =
  /^(registry|@[^:]+:registry|proxy|https-proxy|http-proxy|noproxy|strict-ssl|fetch-retries|fetch-timeout|maxsockets)$/;

function withoutUser(value: string): string {
  return value.replace(/^([a-z]+:\/\/)[^/@]*@/i, "$1");
}

function settingsOf(text: string, env: Readonly<Record<string, string | undefined>>): [string, string][] {
  return text.split("\n").flatMap((line): [string, string][] => {
    const match = /^\s*([^;#=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (!match) return [];
    const value = match[2]!
      .replace(/^"(.*)"$/, "$1")
      .replace(/\$\{([^}]+)\}/g, (whole, name: string) => env[name] ?? whole);
    return [[match[1]!, value]];
  });
}

/** The same settings as npm takes them from environment variables (`npm_config_registry`). */
function settingsFromEnv(env: Readonly<Record<string, string | undefined>>): [string, string][] {
  return Object.entries(env).flatMap(([name, value]): [string, string][] => {
    const match = /^npm_config_(.+)$/i.exec(name);
    return match && value ? [[match[1]!.toLowerCase().replaceAll("_", "-"), value]] : [];
  });
}

/**
 * What the user's npm would use: `~/.npmrc`, then `npm_config_…` variables; undefined when neither says anything.
 * Tokens, passwords, user names and client keys are never part of it.
 */
export async function readNpmSettings(
  home: HostPath,
  env: Readonly<Record<string, string | undefined>>,
): Promise<NpmSettings | undefined> {
  const found = new Map([...settingsOf((await readText(under(home, ".npmrc"))) ?? "", env), ...settingsFromEnv(env)]);
  const lines = [...found]
    .filter(([key]) => harmless.test(key))
    .map(([key, value]) => `${key}=${withoutUser(value)}\n`);
  const file = found.get("cafile") ?? env["NODE_EXTRA_CA_CERTS"];
  const certificates = file?.startsWith("/")
    ? await readFile(hostPath(file), "utf8").catch(() => undefined)
    : undefined;
  if (lines.length === 0 && certificates === undefined) return undefined;
  return { text: lines.join(""), certificates };
}
