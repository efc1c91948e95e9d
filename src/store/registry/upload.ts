import { Readable } from "node:stream";
import type { Digest } from "../../oci/digest.ts";
import { type ByteStream, collect } from "../../std/byte.ts";
import { type Cargo, type Loaded, Loading } from "./cargo.ts";
import { hasBlob } from "./download.ts";
import { brokenFault, oddFault, refusedFault } from "./failure.ts";
import { headerOf, type Reply } from "./reply.ts";
import { actionOn, ask, type Repository } from "./repository.ts";
import { attemptLimit, isCut, isPassing } from "./retry.ts";

/** An upload a registry waits for. */
export interface Session {
  readonly location: URL;
  /** The least a chunk should have, in bytes, when the registry says so. */
  readonly chunkMinimum: number | undefined;
}

/** How far a registry got with an upload. */
interface Stand {
  readonly session: Session;
  readonly offset: number;
}

/** How blobs are sent. */
export interface UploadOptions {
  /** The most one request carries, in bytes; without it a blob goes in one. */
  readonly chunkSize?: number | undefined;
  /** Told of every piece sent: how many bytes are there now. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** Blobs of a known size up to this many bytes go with the request that ends their upload. */
const smallBlob = 1 << 20;
/** The size of chunks when a proxy refuses larger requests, in bytes. */
const fallbackChunk = 8 << 20;

/** What stopped an upload without ending it: it may be overcome by looking how far the registry got. */
class Interruption extends Error {
  readonly fault: unknown;
  readonly status: number | undefined;
  /** How far the registry got, when it said so itself. */
  readonly stand: Stand | undefined;

  constructor(fault: unknown, status?: number, stand?: Stand) {
    super("the upload was interrupted");
    this.fault = fault;
    this.status = status;
    this.stand = stand;
  }
}

/** The session an answer opened. */
export function sessionOf(at: Repository, reply: Reply): Session {
  const minimum = Number(headerOf(reply, "oci-chunk-min-length"));
  return {
    location: at.client.locationOf(reply, actionOn(at, "push")),
    chunkMinimum: minimum > 0 ? minimum : undefined,
  };
}

/** Opens an upload. */
export async function beginUpload(at: Repository): Promise<Session> {
  const headers = { "content-length": "0" };
  const reply = await ask(at, "push", { method: "POST", to: "blobs/uploads/", headers }, [202]);
  return sessionOf(at, reply);
}

/** Opens an upload and takes it back: proves that one may write. */
export async function tryUpload(at: Repository): Promise<void> {
  const { location } = await beginUpload(at);
  const { scopes } = actionOn(at, "push");
  // A registry that cannot take it back forgets it by itself.
  await at.client.send({ method: "DELETE", to: location, scopes }).catch((error) => {
    at.client.gate.signal?.throwIfAborted();
    return error;
  });
}

/** The session an answer says to go on with, the same if it does not. */
function nextSession(at: Repository, session: Session, reply: Reply): Session {
  if (headerOf(reply, "location") === undefined) return session;
  return { ...session, location: sessionOf(at, reply).location };
}

/** How many bytes an answer says were received, undefined when it does not. */
function receivedBytes(reply: Reply): number | undefined {
  const range = /^(?:bytes=)?0-(\d+)$/.exec(headerOf(reply, "range")?.trim() ?? "");
  return range ? Number(range[1]) + 1 : undefined;
}

/** Refusals after which the upload can be gone on with from where the registry stands, or from the beginning. */
const overcome = new Set([400, 401, 404, 409, 413, 416]);

/** Sends a piece of an upload once; `position` is where the upload stands after it. */
async function patch(
  at: Repository,
  session: Session,
  body: Readable,
  headers: Readonly<Record<string, string>>,
  position: () => number,
): Promise<Session> {
  const action = actionOn(at, "push");
  const { signal } = at.client.gate;
  let reply: Reply;
  try {
    const all = { "content-type": "application/octet-stream", ...headers };
    reply = await at.client.send({ method: "PATCH", to: session.location, scopes: action.scopes, headers: all, body });
  } catch (error) {
    const fault = brokenFault(action, error, signal);
    throw isCut(error) && !signal?.aborted ? new Interruption(fault) : fault;
  }
  if (![201, 202, 204].includes(reply.status)) {
    const { status } = reply;
    const fault = refusedFault(action, reply);
    throw overcome.has(status) || isPassing(status) ? new Interruption(fault, status) : fault;
  }
  const next = nextSession(at, session, reply);
  const received = receivedBytes(reply);
  if (received === undefined || received === position()) return next;
  const fault = oddFault(action, `it has ${received} bytes of an upload after ${position()} were sent`);
  throw new Interruption(fault, undefined, { session: next, offset: received });
}

/** Sends what is left of a loading, in one request or in chunks. */
async function sendRest(
  at: Repository,
  session: Session,
  loading: Loading,
  size: number | undefined,
  options: UploadOptions,
): Promise<Session> {
  const chunkSize = options.chunkSize && Math.max(options.chunkSize, session.chunkMinimum ?? 0);
  let current = session;
  while (!(await loading.isAtEnd())) {
    const start = loading.position;
    const chunk = chunkSize === undefined ? undefined : await loading.take(chunkSize);
    const end = chunk ? start + chunk.length : size;
    const known = end !== undefined && {
      "content-length": String(end - start),
      "content-range": `${start}-${end - 1}`,
    };
    // A chunk goes as a stream too, so that nobody sends it again before asking how much of it arrived.
    const body = Readable.from(chunk ? [chunk] : reported(loading, options), { objectMode: false });
    current = await patch(at, current, body, { ...known }, () => loading.position);
    options.onProgress?.(loading.position);
  }
  return current;
}

async function* reported(loading: Loading, options: UploadOptions): ByteStream {
  for await (const piece of loading.all()) {
    yield piece;
    options.onProgress?.(loading.position);
  }
}

/** Ends an upload; the registry has the blob when it resolves, and an Interruption says that it has not. */
async function commit(at: Repository, session: Session, digest: Digest, bytes?: Uint8Array): Promise<void> {
  const to = new URL(session.location);
  to.searchParams.set("digest", digest);
  const action = actionOn(at, "push");
  const headers = bytes ? { "content-type": "application/octet-stream" } : { "content-length": "0" };
  let reply: Reply;
  try {
    reply = await at.client.send({ method: "PUT", to, scopes: action.scopes, headers, ...(bytes && { body: bytes }) });
  } catch (error) {
    throw brokenFault(action, error, at.client.gate.signal);
  }
  if ([201, 202, 204].includes(reply.status)) return;
  const { status } = reply;
  const fault = refusedFault(action, reply);
  if (!overcome.has(status) || status === 401 || status === 413) throw fault;
  // An answer may have been lost on the way: then the upload is over, and the blob there.
  if (!(await hasBlob(at, digest, "push"))) throw new Interruption(fault, status);
}

/** How far the registry got with an upload, undefined when it knows nothing of it any more. */
async function standOf(at: Repository, session: Session): Promise<Stand | undefined> {
  const action = actionOn(at, "push");
  const reply = await at.client.send({ method: "GET", to: session.location, scopes: action.scopes }).catch((error) => {
    throw brokenFault(action, error, at.client.gate.signal);
  });
  if (![200, 202, 204].includes(reply.status)) return undefined;
  // Some registries write 0-0 for nothing at all.
  const received = receivedBytes(reply) ?? 0;
  return { session: nextSession(at, session, reply), offset: received === 1 ? 0 : received };
}

/** How often an upload is begun again after the registry refused to end it. */
const refusalLimit = 2;

/**
 * Uploads a blob into a session (a new one unless given) and ends it; what was cut is taken up where the registry got, or begun again.
 * Resolves to what was uploaded; throws what the source threw, or a Fault.
 */
export async function upload(at: Repository, cargo: Cargo, options: UploadOptions, start?: Session): Promise<Loaded> {
  const small = cargo.expected && cargo.expected.size <= smallBlob ? await collect(cargo.open()) : undefined;
  let session = start ?? (await beginUpload(at));
  let { chunkSize } = options;
  let [offset, furthest, failures, refusals] = [0, 0, 0, 0];
  for (;;) {
    const loading = new Loading(cargo);
    let ended = false;
    try {
      if (small && cargo.expected) {
        ended = true;
        await commit(at, session, cargo.expected.digest, small);
        return cargo.expected;
      }
      await loading.skip(offset);
      session = await sendRest(at, session, loading, cargo.expected?.size, { ...options, chunkSize });
      const loaded = loading.finish();
      ended = true;
      await commit(at, session, loaded.digest);
      return loaded;
    } catch (error) {
      if (loading.failure) throw loading.failure.error;
      if (!(error instanceof Interruption)) throw error;
      failures += 1;
      refusals += ended ? 1 : 0;
      if (failures >= attemptLimit || refusals > refusalLimit) throw error.fault;
      if (error.status === 413) {
        if (chunkSize !== undefined && chunkSize <= fallbackChunk) throw error.fault;
        chunkSize = fallbackChunk;
      }
      if (error.status !== 401 && error.status !== 413) await at.client.gate.pause(failures);
      const stand = ended ? undefined : (error.stand ?? (await standOf(at, session)));
      const isUsable = stand !== undefined && stand.offset <= loading.position;
      session = isUsable ? stand.session : await beginUpload(at);
      offset = isUsable ? stand.offset : 0;
      if (offset > furthest) [furthest, failures] = [offset, 0];
    } finally {
      await loading.close();
    }
  }
}
