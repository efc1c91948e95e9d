import type Docker from "dockerode";
import { Fault, reasonOf } from "../../std/fault.ts";

/** A container engine somebody has connected us with: Docker, Podman, or what speaks their API. */
export interface Engine extends Disposable {
  readonly docker: Docker;
  /** Where it is, for people. */
  readonly place: string;
}

/** Connects with the engine that is meant; throws a Fault when there is none. */
export type Dial = () => Promise<Engine>;

/** The fault of an engine that does not do something: `Cannot <what> at <place>: …`; a Fault stays what it is. */
export function engineFault(what: string, { place }: Engine, error: unknown): Fault {
  if (error instanceof Fault) return error;
  // The client library puts its own words around the engine's.
  const words = reasonOf(error).replace(/^\(HTTP code \d+\) [^-]*- /, "");
  return new Fault("sandbox.docker", `Cannot ${what} at ${place}: ${words.trim().replace(/\.$/, "")}`, {
    hint: "see the engine's log, or choose another sandbox with --sandbox",
    cause: error,
  });
}

/** The HTTP status an engine has answered with; undefined for other errors. */
export function statusOf(error: unknown): number | undefined {
  return typeof error === "object" && error !== null && "statusCode" in error ? Number(error.statusCode) : undefined;
}
