import { Readable } from "node:stream";
import type { ByteStream } from "../../std/byte.ts";
import { errnoOf } from "../../std/fault.ts";
import { isObject } from "../../std/json.ts";
import { askStream } from "./ask.ts";
import { connectionFault, DaemonRefusal } from "./failure.ts";
import type { Line } from "./image.ts";

/** The longest line of a load's progress that is kept, in characters; what is longer is no message. */
const lineLimit = 1 << 20;

/** What went wrong, in a line of the progress stream (Docker's `jsonmessage`); undefined for anything else. */
export function errorIn(line: string): string | undefined {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(message)) return undefined;
  const { errorDetail, error } = message;
  const detail = isObject(errorDetail) ? errorDetail["message"] : undefined;
  if (typeof detail === "string") return detail;
  return typeof error === "string" ? error : undefined;
}

/** The lines of a stream of messages. */
export async function* linesOf(bytes: ByteStream): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const part of bytes) {
    const lines = `${rest}${decoder.decode(part, { stream: true })}`.split(/\r?\n/);
    rest = (lines.pop() ?? "").slice(0, lineLimit);
    yield* lines;
  }
  yield rest;
}

/**
 * Sends a tar to `docker load`. The answer begins before the work is done, with status 200: an error within it is found and
 * thrown as `DaemonRefusal`. Throws first what the tar's own source threw. `onSent` hears of each piece that was handed over.
 */
export async function load(line: Line, tar: ByteStream, what: string, onSent: (bytes: number) => void): Promise<void> {
  const { connection, engine, signal } = line;
  let broken: { readonly error: unknown } | undefined;
  async function* watched(): ByteStream {
    try {
      for await (const part of tar) {
        yield part;
        onSent(part.length);
      }
    } catch (error) {
      broken = { error };
      throw error;
    }
  }
  const body = Readable.from(watched(), { objectMode: false, highWaterMark: 1 << 20 });
  try {
    const query = { quiet: "1" };
    const path = `/v${engine.api}/images/load`;
    const answer = await askStream(connection, { method: "POST", path, query, body, what, signal });
    for await (const text of linesOf(answer)) {
      const found = errorIn(text);
      if (found !== undefined) throw new DaemonRefusal(what, connection.place, 200, found);
    }
  } catch (error) {
    if (broken) throw broken.error;
    if (signal?.aborted) throw signal.reason;
    if (error instanceof DaemonRefusal || errnoOf(error) === undefined) throw error;
    throw connectionFault(what, connection.place, error);
  } finally {
    body.destroy();
  }
}
