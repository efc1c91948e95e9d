import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { Agent } from "node:http";
import { Duplex } from "node:stream";
import { Fault } from "../../std/fault.ts";
import { type DaemonAddress, formatDaemonAddress } from "./address.ts";

type SshAddress = DaemonAddress & { readonly kind: "ssh" };

/** Words of the ssh program that end in a connection to the daemon's API (docker/cli, "connhelper"). */
export function sshWords(address: SshAddress): string[] {
  const user = address.user === undefined ? [] : ["-l", address.user];
  const port = address.port === undefined ? [] : ["-p", String(address.port)];
  return ["-o", "ConnectTimeout=30", "-T", ...user, ...port, "--", address.host, "docker", "system", "dial-stdio"];
}

/** A process's input and output as the socket that Node's HTTP client wants; its end waits for the exit code, which says why. */
class ProcessSocket extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(child: ChildProcessWithoutNullStreams, faultOf: (found: string, cause?: unknown) => Fault) {
    super();
    this.#child = child;
    let said = "";
    child.stderr.on("data", (part: Buffer) => {
      said = `${said}${part}`.slice(-2000);
    });
    child.stdout.on("data", (part: Buffer) => {
      if (!this.push(part)) child.stdout.pause();
    });
    // A process that no longer reads is one that ends, and its end tells more.
    child.stdin.on("error", () => undefined);
    child.once("error", (error) => this.destroy(faultOf(`${child.spawnfile} cannot be started`, error)));
    child.once("close", (code) => {
      if (this.destroyed) return;
      if (code)
        this.destroy(faultOf(said.trim().split("\n").at(-1)?.replace(/\.$/, "") || `ssh ended with code ${code}`));
      else this.push(null);
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }

  // What the HTTP client asks of a socket has no meaning for a process.
  setKeepAlive(): void {}
  setNoDelay(): void {}
  setTimeout(): void {}
  ref(): void {}
  unref(): void {}
}

function dial(program: string, address: SshAddress): Duplex {
  const child = spawn(program, sshWords(address), { stdio: ["pipe", "pipe", "pipe"] });
  return new ProcessSocket(
    child,
    (found, cause) =>
      new Fault("daemon.ssh", `Cannot reach daemon at ${formatDaemonAddress(address)}: ${found}`, {
        hint: "try `ssh` to that host by hand: it must let you in without asking, and have Docker's client installed",
        cause,
      }),
  );
}

/**
 * Connections to a daemon through the ssh program, so that the user's own configuration, keys and known hosts count. It runs
 * `docker system dial-stdio` on the other side.
 */
export class SshAgent extends Agent {
  readonly #dial: () => Duplex;

  constructor(address: SshAddress, program: string) {
    super({ keepAlive: true, maxSockets: 2 });
    this.#dial = () => dial(program, address);
  }

  /** A connection of its own for each socket the HTTP client asks for. */
  override createConnection(): Duplex {
    return this.#dial();
  }
}
