import type { Descriptor } from "../../oci/descriptor.ts";
import type { Digest } from "../../oci/digest.ts";
import { type ByteStream, collect } from "../../std/byte.ts";
import { Fault } from "../../std/fault.ts";
import { corruptBlob, missingBlob, verified } from "../verify.ts";
import type { Clock } from "./clock.ts";
import { brokenFault, oddFault } from "./failure.ts";
import { headerOf, type Reply } from "./reply.ts";
import { actionOn, ask, type Purpose, placeOf, type Repository } from "./repository.ts";
import { attemptLimit, isCut } from "./retry.ts";

/** Whether the repository has a blob. */
export async function hasBlob(at: Repository, digest: Digest, purpose: Purpose = "pull"): Promise<boolean> {
  const reply = await ask(at, purpose, { method: "HEAD", to: `blobs/${digest}` }, [200, 404]);
  return reply.status === 200;
}

/** A body that brings fewer bytes than this in a window is as good as silent. */
const slowest = { bytes: 4096, ms: 60_000 };

/** The same bytes, ended with an error like that of a cut connection when they drip. */
async function* watched(bytes: ByteStream, clock: Clock): ByteStream {
  let start = clock.now();
  let length = 0;
  for await (const part of bytes) {
    yield part;
    length += part.length;
    const now = clock.now();
    if (now - start < slowest.ms) continue;
    if (length < slowest.bytes) throw Object.assign(new Error("it sends too slowly"), { code: "UND_ERR_BODY_TIMEOUT" });
    [start, length] = [now, 0];
  }
}

type Streamed = Reply & Required<Pick<Reply, "stream">>;

const isStreamed = (reply: Reply): reply is Streamed => reply.stream !== undefined;

async function requestFrom(at: Repository, { digest, size }: Descriptor, offset: number): Promise<Streamed> {
  const headers = offset > 0 ? { range: `bytes=${offset}-` } : {};
  const statuses = offset > 0 ? [200, 206, 404, 416] : [200, 404];
  const reply = await ask(at, "pull", { method: "GET", to: `blobs/${digest}`, headers, streams: true }, statuses);
  if (isStreamed(reply)) return reply;
  if (reply.status === 404) throw missingBlob(digest, placeOf(at));
  throw corruptBlob(digest, placeOf(at), `it has ${offset} bytes, expected ${size}`);
}

/** How many bytes of an answer were had already. */
function overlap(at: Repository, reply: Reply, offset: number): number {
  if (reply.status === 200) return offset;
  const start = Number(/^bytes (\d+)-/.exec(headerOf(reply, "content-range") ?? "")?.[1]);
  if (start <= offset) return offset - start;
  throw oddFault(actionOn(at, "pull"), `asked for bytes from ${offset} on, it sends those from ${start} on`);
}

/** The bytes as they come, gone on with where a connection was cut. */
async function* received(at: Repository, descriptor: Descriptor): ByteStream {
  const { gate } = at.client;
  let offset = 0;
  for (let failures = 0; ; ) {
    const reply = await requestFrom(at, descriptor, offset);
    const { stream } = reply;
    let skip = overlap(at, reply, offset);
    try {
      for await (const part of watched(stream, gate.clock)) {
        const fresh = part.subarray(Math.min(skip, part.length));
        skip -= part.length - fresh.length;
        if (fresh.length === 0) continue;
        offset += fresh.length;
        failures = 0;
        yield fresh;
      }
      return;
    } catch (error) {
      failures += 1;
      if (gate.signal?.aborted || error instanceof Fault || !isCut(error) || failures >= attemptLimit)
        throw brokenFault(actionOn(at, "pull"), error, gate.signal);
      await gate.pause(failures);
    } finally {
      // A body that was cut off tells so with an error nobody waits for any more.
      stream.on("error", () => undefined).destroy();
    }
  }
}

/** The largest blob that is asked for in one piece, in bytes. */
const smallBlob = 1 << 20;

/** The bytes of a document, verified; one that comes in one piece is not made a stream of. Throws as `openBlob`. */
export async function readBlob(at: Repository, descriptor: Descriptor): Promise<Buffer> {
  const { digest, size } = descriptor;
  if (size > smallBlob) return collect(openBlob(at, descriptor));
  const reply = await ask(at, "pull", { method: "GET", to: `blobs/${digest}`, hold: smallBlob }, [200, 404]);
  if (reply.status === 404) throw missingBlob(digest, placeOf(at));
  return collect(verified([reply.body], descriptor, placeOf(at)));
}

/**
 * The bytes of a blob, verified; a cut connection is taken up again by a range. Throws Fault `blob.missing`, `blob.corrupt` (as every
 * `BlobSource`), and what a registry can be at fault with.
 */
export function openBlob(at: Repository, descriptor: Descriptor): ByteStream {
  return verified(received(at, descriptor), descriptor, placeOf(at));
}
