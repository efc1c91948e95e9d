import { Agent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { join } from "node:path";
import type Docker from "dockerode";
import { Fault, reasonOf } from "../../std/fault.ts";
import { readText } from "../../std/file.ts";
import { type DaemonAddress, formatDaemonAddress, type TlsFiles } from "./address.ts";
import { SshAgent } from "./ssh.ts";

/** A way to a daemon; dispose of it to close its connections. */
export interface Connection extends Disposable {
  readonly docker: Docker;
  readonly place: string;
}

async function tlsAgent({ folder, verify }: TlsFiles, place: string): Promise<TlsAgent> {
  const read = async (name: string) => {
    try {
      return folder === "" ? undefined : await readText(join(folder, name));
    } catch (cause) {
      throw new Fault("daemon.tls", `Cannot reach daemon at ${place}: ${join(folder, name)} cannot be read`, { cause });
    }
  };
  const [ca, cert, key] = [await read("ca.pem"), await read("cert.pem"), await read("key.pem")];
  return new TlsAgent({
    keepAlive: true,
    rejectUnauthorized: verify,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  });
}

async function agentFor(address: DaemonAddress, ssh: string): Promise<Agent> {
  if (address.kind === "ssh") return new SshAgent(address, ssh);
  const isSecure = address.kind === "tcp" && address.tls !== undefined;
  return isSecure ? await tlsAgent(address.tls, formatDaemonAddress(address)) : new Agent({ keepAlive: true });
}

/** Prepares the way to the daemon at `address`; nothing is dialled yet. `ssh` is the program behind `ssh://`. */
export async function connect(address: DaemonAddress, ssh = "ssh"): Promise<Connection> {
  const place = formatDaemonAddress(address);
  const agent = await agentFor(address, ssh);
  // Loading it takes longer than most commands that need no daemon.
  const { default: Client } = await import("dockerode");
  const secure = address.kind === "tcp" && address.tls !== undefined;
  // The client library looks into the environment for everything that is not said; all of it is.
  const options = {
    host: address.kind === "socket" ? undefined : address.host,
    port: address.kind === "tcp" ? address.port : undefined,
    socketPath: address.kind === "socket" ? address.path : undefined,
    protocol: secure ? "https" : "http",
    pathPrefix: "/",
    ca: undefined,
    cert: undefined,
    key: undefined,
    timeout: undefined,
    username: undefined,
    agent,
  };
  try {
    const docker = new Client(options as unknown as Docker.DockerOptions);
    return { docker, place, [Symbol.dispose]: () => agent.destroy() };
  } catch (cause) {
    throw new Fault("daemon.tls", `Cannot reach daemon at ${place}: ${reasonOf(cause)}`, {
      hint: "check DOCKER_CERT_PATH",
      cause,
    });
  }
}
