import { spawn } from "node:child_process";
import { Agent } from "node:http";
import { Duplex } from "node:stream";
import { Fault } from "../../std/fault.ts";
import type { DaemonAddress } from "./address.ts";

/** Words of the ssh program that end in a connection to the daemon's API (docker/cli, "connhelper"). */
export function sshWords(address: DaemonAddress & { readonly kind: "ssh" }): string[] {
  const user = address.user === undefined ? [] : ["-l", address.user];
  const port = address.port === undefined ? [] : ["-p", String(address.port)];
  return ["-o", "ConnectTimeout=30", "-T", ...user, ...port, "--", address.host, "docker", "system", "dial-stdio"];
}

/** What Node's HTTP client calls on a socket and a pipe does not have. */
const socketHabits = {
  setKeepAlive: () => undefined,
  setNoDelay: () => undefined,
  setTimeout: () => undefined,
  ref: () => undefined,
  unref: () => undefined,
};

function dial(program: string, address: DaemonAddress & { readonly kind: "ssh" }): Duplex {
  const child = spawn(program, sshWords(address), { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (part: Buffer) => {
    said = `${said}${part}`.slice(-2000);
  });
  const pipe = Duplex.from({ readable: child.stdout, writable: child.stdin });
  const fail = (found: string, cause?: unknown) =>
    pipe.destroy(
      new Fault("daemon.ssh", `Cannot reach daemon at ssh://${address.host}: ${found}`, {
        hint: "try `ssh` to that host by hand: it must let you in without asking, and have Docker's client installed",
        cause,
      }),
    );
  child.once("error", (error) => fail(`${program} cannot be started`, error));
  child.once("close", (code) => {
    if (code !== 0 && code !== null) fail(said.trim().split("\n").at(-1) || `ssh ended with code ${code}`);
  });
  pipe.once("close", () => child.kill());
  return Object.assign(pipe, socketHabits);
}

/**
 * Connections to a daemon through the ssh program, so that the user's own configuration, keys and known hosts count. It runs
 * `docker system dial-stdio` on the other side.
 */
export class SshAgent extends Agent {
  readonly #dial: () => Duplex;

  constructor(address: DaemonAddress & { readonly kind: "ssh" }, program: string) {
    super({ keepAlive: true, maxSockets: 2 });
    this.#dial = () => dial(program, address);
  }

  /** A connection of its own for each socket the HTTP client asks for. */
  override createConnection(): Duplex {
    return this.#dial();
  }
}
