import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { collect } from "../../std/byte.ts";
import { type Json, parseJson } from "../../std/json.ts";
import type { Connection } from "./connect.ts";
import { connectionFault, DaemonRefusal } from "./failure.ts";

/** The longest JSON answer we take into memory, in bytes. */
const answerLimit = 64 * 1024 * 1024;

/** One request to the API. */
export interface Question {
  readonly method: "GET" | "POST" | "DELETE";
  /** With the version in front, without a query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readable;
  /** What it is for, as in "Cannot <what> at …". */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

interface DialError extends Error {
  readonly statusCode?: number;
}

/** The daemon's words in an error of the client library, which puts its own around them. */
function wordsOf(error: DialError): string {
  const front = `(HTTP code ${error.statusCode}) unexpected - `;
  return error.message.startsWith(front) ? error.message.slice(front.length) : error.message;
}

/** Sends a request and gives the answer's bytes as they come. Throws `DaemonRefusal` for any status but 2xx, else a connection's fault. */
export async function askStream(connection: Connection, question: Question): Promise<IncomingMessage> {
  const { method, path, query, body, what, signal } = question;
  signal?.throwIfAborted();
  const { docker, place } = connection;
  // Always as a stream: otherwise the library waits for ever when the daemon dies in mid-answer.
  const request = {
    method,
    path: query ? `${path}?` : path,
    ...(query && { options: { _query: query, _body: {} } }),
    ...(body && { file: body }),
    ...(signal && { abortSignal: signal }),
    isStream: true,
    statusCodes: { 200: true, 201: true, 204: true },
  };
  return new Promise((resolve, reject) => {
    docker.modem.dial(request, (error: DialError | null, answer: unknown) => {
      if (!error) return resolve(answer as IncomingMessage);
      if (signal?.aborted) return reject(signal.reason);
      if (error.statusCode !== undefined)
        return reject(new DaemonRefusal(what, place, error.statusCode, wordsOf(error)));
      reject(connectionFault(what, place, error));
    });
  });
}

/** Sends a request and gives its JSON answer, undefined for an empty one and for status 404. */
export async function ask(connection: Connection, question: Question): Promise<Json | undefined> {
  const { what, signal } = question;
  try {
    const bytes = await collect(await askStream(connection, question), answerLimit);
    return bytes.length === 0 ? undefined : parseJson(bytes.toString("utf8"), `answer of ${connection.place}`);
  } catch (error) {
    if (error instanceof DaemonRefusal && error.status === 404) return undefined;
    if (signal?.aborted) throw signal.reason;
    throw connectionFault(what, connection.place, error);
  }
}
