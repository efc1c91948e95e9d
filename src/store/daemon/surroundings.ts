import { access, constants, stat } from "node:fs/promises";
import { posix } from "node:path";
import { errnoOf, Fault } from "../../std/fault.ts";
import { readText } from "../../std/file.ts";
import {
  contextFolders,
  contextName,
  type DaemonChoice,
  type DaemonSurroundings,
  dockerFolder,
  type Environment,
  type SocketState,
  settleDaemon,
  usualSockets,
} from "./settle.ts";

async function stateOf(path: string): Promise<SocketState> {
  try {
    if (!(await stat(path)).isSocket()) return "absent";
    await access(path, constants.R_OK | constants.W_OK);
    return "usable";
  } catch (error) {
    const errno = errnoOf(error);
    return errno === "EACCES" || errno === "EPERM" ? "denied" : "absent";
  }
}

/** Gathers what `settleDaemon` decides by: Docker's configuration, the context in force, the sockets of this machine. */
export async function readSurroundings(env: Environment, host?: string): Promise<DaemonSurroundings> {
  const folder = dockerFolder(env);
  const configText = folder ? await readText(posix.join(folder, "config.json")) : undefined;
  const context = contextName(env, configText);
  const text = folder && context ? await readText(contextFolders(folder, context).meta) : undefined;
  const paths = usualSockets(env).map(({ path }) => path);
  const states = new Map(await Promise.all(paths.map(async (path) => [path, await stateOf(path)] as const)));
  return {
    host,
    env,
    configText,
    contextText: (name) => (name === context ? text : undefined),
    socketState: (path) => states.get(path) ?? "absent",
  };
}

/** The daemon that is meant in this environment; throws Fault `daemon.none` that lists what was tried when there is none. */
export async function findDaemon(env: Environment, host?: string): Promise<Required<DaemonChoice>> {
  const { chosen, passedOver } = settleDaemon(await readSurroundings(env, host));
  if (chosen) return { chosen, passedOver };
  const denied = passedOver.some(({ because }) => because === "permission denied");
  const tried = passedOver.map(({ origin, address, because }) => `${origin} (${address}): ${because}`).join("; ");
  throw new Fault("daemon.none", `Cannot find a Docker daemon: ${tried}`, {
    hint: denied
      ? "add yourself to the group docker with `sudo usermod -aG docker $USER` and log in again, or set DOCKER_HOST"
      : "start Docker, Podman's service or Colima, or set DOCKER_HOST",
  });
}
