import { errnoOf, Fault, reasonOf } from "../../std/fault.ts";

const absent = new Set([
  "ENOENT",
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
]);
const broken = new Set(["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"]);

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

/** What the daemon answered instead of doing it. */
export class DaemonRefusal extends Fault {
  /** The HTTP status; 200 for an error that came within a reply that had begun well. */
  readonly status: number;

  constructor(what: string, place: string, status: number, words: string) {
    super("daemon.refused", `Cannot ${what} at ${place}: the daemon answers: ${words.trim().replace(/\.$/, "")}`, {
      hint: "see the daemon's log; `docker system df` shows what its disk holds",
    });
    this.status = status;
  }
}

/** The fault of a conversation with a daemon that broke off: `Cannot <what> at <place>: …`; a Fault stays what it is. */
export function connectionFault(what: string, place: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  const code = codeOf(error);
  const errno = errnoOf(error);
  const fault = (kind: string, found: string, hint: string) =>
    new Fault(`daemon.${kind}`, `Cannot ${what} at ${place}: ${found}`, { hint, cause: error });
  if (errno === "EACCES" || errno === "EPERM")
    return fault(
      "denied",
      "permission denied on its socket",
      "add yourself to the group docker with `sudo usermod -aG docker $USER` and log in again, or use a rootless daemon",
    );
  if (absent.has(code))
    return fault(
      "unreachable",
      `no daemon answers (${code})`,
      "start the daemon, or say where it is with DOCKER_HOST or a Docker context",
    );
  if (broken.has(code))
    return fault("gone", "the daemon closed the connection", "see the daemon's log; what it had before is as it was");
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO|HOSTNAME_MISMATCH)/.test(code))
    return fault(
      "tls",
      `the TLS connection fails: ${reasonOf(error)}`,
      "check ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH, and that this address speaks TLS",
    );
  return fault("failed", reasonOf(error), "see the daemon's log");
}
