import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Option } from "commander";
import type { OutsideOptions } from "../reach/outside.ts";
import type { Keeper } from "../reach/place.ts";
import { parsePullPolicy } from "../reach/pull-policy.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import type { Context } from "./context.ts";

/** Collects the values of a flag that may be given several times; `a,b` counts as two. */
export function repeated(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, ...value.split(",").filter((part) => part !== "")];
}

/** Collects the values of a flag that may be given several times, each as it is. */
export function repeatedWhole(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}

/** A path as the user means it: relative to where the command was called. */
export function pathFrom(cwd: HostPath, text: string): HostPath {
  return hostPath(resolve(cwd, text));
}

/** `NAME=value` pairs; a bare NAME takes the caller's own value, and is left out when there is none. Throws Fault `usage.env`. */
export function parseEnv(
  pairs: readonly string[],
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (name === "" || name.includes("/") || name.includes("\0") || name === "." || name === "..") {
      throw new Fault("usage.env", `Cannot set environment variable: "${name}" is not a name`, {
        exit: "usage",
        hint: "write NAME=value",
      });
    }
    const value = equals < 0 ? own[name] : pair.slice(equals + 1);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

/** `NAME=value` pairs of a flag such as --label, both parts as they are. Throws Fault `usage.pair`. */
export function parsePairs(flag: string, pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals > 0) return [pair.slice(0, equals), pair.slice(equals + 1)];
      throw new Fault("usage.pair", `Cannot use --${flag} "${pair}": it is not NAME=value`, { exit: "usage" });
    }),
  );
}

/** A user's or group's id. Throws Fault `usage.id`. */
export function parseId(flag: string, text: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (id <= 2_147_483_647) return id;
  throw new Fault("usage.id", `Cannot use --${flag} "${text}": it is no number from 0 to 2147483647`, {
    exit: "usage",
  });
}

/** The pairs of an env file: one a line, taken as it is; blank lines are skipped (as pack reads them). */
export async function readEnvFile(path: HostPath): Promise<string[]> {
  try {
    const text = await readFile(path, "utf8");
    return text.split(/\r?\n/).filter((line) => line.trim() !== "");
  } catch (cause) {
    throw new Fault("usage.env-file", `Cannot read env file at ${path}: ${reasonOf(cause)}`, { cause, exit: "usage" });
  }
}

/** Seconds since 1970 from `now` or a number; undefined stays undefined. Throws Fault `usage.time`. */
export function parseCreationTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === "now") return Math.floor(Date.now() / 1000);
  if (!/^\d{1,12}$/.test(text)) {
    throw new Fault(
      "usage.time",
      `Cannot use creation time "${text}": it is neither "now" nor a number of seconds since 1970`,
      { exit: "usage" },
    );
  }
  return Number(text);
}

/** One `HOST:GUEST[:ro|rw]` of --volume; read-only unless it says otherwise. Throws Fault `usage.volume`. */
export function parseVolume(text: string, cwd: HostPath): { host: HostPath; guest: string; access: "ro" | "rw" } {
  const [host, guest, option, ...more] = text.split(":");
  if (
    !host ||
    !guest?.startsWith("/") ||
    more.length > 0 ||
    (option !== undefined && option !== "ro" && option !== "rw")
  ) {
    throw new Fault(
      "usage.volume",
      `Cannot use volume "${text}": expected HOST:GUEST or HOST:GUEST:ro|rw, with an absolute GUEST`,
      { exit: "usage" },
    );
  }
  return { host: pathFrom(cwd, host), guest, access: option ?? "ro" };
}

/** The number of --depth. Throws Fault `usage.depth`. */
export function parseDepth(text: string): number {
  if (/^-?\d{1,6}$/.test(text)) return Number(text);
  throw new Fault("usage.depth", `Cannot use depth "${text}": it is no whole number`, { exit: "usage" });
}

/** `--compression`, the same wherever layers leave the local store. */
export function compressionFlag(): Option {
  return new Option(
    "--compression <kind>",
    "of layers that leave the local store (default: gzip); reference: the gzip bytes of the reference",
  ).choices(["none", "gzip", "zstd", "reference"]);
}

/** `--insecure-registry`, collected by `collect`. */
export function insecureFlag(collect: (value: string, earlier?: readonly string[]) => string[]): Option {
  return new Option(
    "--insecure-registry <host[:port]>",
    "a registry without TLS, or whose certificate is not checked (repeatable)",
  ).argParser((value: string, earlier: string[] | undefined) => collect(value, earlier));
}

/** `--pull-policy`, the same for every image that may be fetched. */
export function pullPolicyFlag(): Option {
  return new Option(
    "--pull-policy <policy>",
    "when images are fetched: always, if-not-present, never, hourly, daily, weekly or interval=1d12h30m",
  ).argParser(parsePullPolicy);
}

/** Whether the value of --output names a keeper of images, not a directory or file. */
export function isKeeper(output: string | undefined): output is Keeper {
  return output === "local" || output === "registry" || output === "daemon";
}

/** Where an image of this name goes in a directory or file; an archive without a name of its own gets it. */
export function placeFor(output: string, image: string): string {
  if (/^layout:[^:]*$/.test(output)) return `${output}:${image}`;
  return /^(oci|docker-archive|oci-archive):/.test(output) || !/\.tar$/.test(output)
    ? output
    : `docker-archive:${output}:${image}`;
}

/** How registries and the daemon are reached, as the environment and the flags say. */
export function outsideOptions(
  context: Pick<Context, "env" | "home">,
  flags: { readonly insecureRegistry?: readonly string[]; readonly dockerHost?: string },
): OutsideOptions {
  return {
    env: context.env,
    mirrors: async () => {
      const [{ readConfig }, { registryMirrorsOf }] = await Promise.all([
        import("../config/file.ts"),
        import("../config/config.ts"),
      ]);
      return registryMirrorsOf(await readConfig(context.home));
    },
    ...(flags.insecureRegistry && { insecureRegistries: flags.insecureRegistry }),
    ...(flags.dockerHost && { dockerHost: flags.dockerHost }),
  };
}
