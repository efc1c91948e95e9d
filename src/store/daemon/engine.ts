import { Fault } from "../../std/fault.ts";
import { isObject, type Json, type JsonObject } from "../../std/json.ts";
import { ask } from "./ask.ts";
import type { Connection } from "./connect.ts";

/**
 * How a daemon keeps images: `classic`, as layers below a graph driver, an image's ID its config's digest; `containerd`, as blobs, an image's ID
 * its manifest's digest; `podman`, as layers, the ID the config's digest.
 */
export type StoreKind = "classic" | "containerd" | "podman";

/** What a daemon says of itself. */
export interface Engine {
  readonly kind: StoreKind;
  readonly version: string;
  /** The API version we speak with it, as `1.41`. */
  readonly api: string;
}

/** The oldest API whose inspect tells an image's layers and whose load tells what became of it (Docker 1.12). */
const oldestApi = "1.24";
/** The newest API this was written against; a newer daemon is spoken to in this one. */
const newestApi = "1.51";
const containerdDriver = "io.containerd.snapshotter.v1";
const patience = 20_000;

/** Orders two API versions. */
export function compareApi(a: string, b: string): number {
  const [major = 0, minor = 0] = a.split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = b.split(".").map(Number);
  return major - otherMajor || minor - otherMinor;
}

/** The API version both sides speak, undefined when there is none. */
export function settleApi(newest: string, oldest: string): string | undefined {
  if (compareApi(newest, oldestApi) < 0) return undefined;
  const wanted = compareApi(newest, newestApi) < 0 ? newest : newestApi;
  return compareApi(wanted, oldest) < 0 ? oldest : wanted;
}

function textOf(document: JsonObject, key: string): string {
  const value = document[key];
  return typeof value === "string" ? value : "";
}

function isPodman(version: JsonObject): boolean {
  const components = version["Components"];
  return (
    Array.isArray(components) && components.some((one: Json) => isObject(one) && /podman/i.test(textOf(one, "Name")))
  );
}

function isContainerd(info: Json | undefined): boolean {
  const status = isObject(info) ? info["DriverStatus"] : undefined;
  return Array.isArray(status) && status.some((pair: Json) => Array.isArray(pair) && pair[1] === containerdDriver);
}

/** Asks a daemon what it is. Throws Fault `daemon.version` when its API is too old, and what a connection throws. */
export async function readEngine(connection: Connection, signal?: AbortSignal): Promise<Engine> {
  const { place } = connection;
  const limit = AbortSignal.timeout(patience);
  const both = signal ? AbortSignal.any([signal, limit]) : limit;
  const what = "reach daemon";
  try {
    const version = await ask(connection, { method: "GET", path: "/version", what, signal: both });
    const api = isObject(version) ? textOf(version, "ApiVersion") : "";
    if (!isObject(version) || api === "")
      throw new Fault("daemon.version", `Cannot use daemon at ${place}: what answers there is no Docker daemon`, {
        hint: "say where the daemon is with DOCKER_HOST or a Docker context",
      });
    const settled = settleApi(api, textOf(version, "MinAPIVersion") || api);
    if (settled === undefined)
      throw new Fault("daemon.version", `Cannot use daemon at ${place}: its API is ${api}, ${oldestApi} is needed`, {
        hint: "update the daemon, or write the image to an archive and load that",
      });
    if (isPodman(version)) return { kind: "podman", version: textOf(version, "Version"), api: settled };
    const info = await ask(connection, { method: "GET", path: `/v${settled}/info`, what, signal: both });
    return { kind: isContainerd(info) ? "containerd" : "classic", version: textOf(version, "Version"), api: settled };
  } catch (error) {
    if (!limit.aborted || signal?.aborted) throw error;
    throw new Fault(
      "daemon.unreachable",
      `Cannot reach daemon at ${place}: it did not answer in ${patience / 1000} s`,
      {
        hint: "restart the daemon, or check the network on the way to it",
      },
    );
  }
}
