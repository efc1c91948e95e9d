import { createHash } from "node:crypto";
import { fdatasync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import type { Bytes } from "../../std/byte.ts";
import { systemFault } from "../failure.ts";

/** What has been written, and its digest in hexadecimal. */
export interface Written {
  readonly hex: string;
  readonly size: number;
}

const datasync = promisify(fdatasync);

const slotSize = 1 << 20;
/** How many pieces of a file are on their way; one that needs no more memory is not worth a thread. */
const slotCount = 4;
/** As many files are hashed and written at the same time; more wait for each other. */
const threadCount = 2;

// A text, because it runs as it is wherever the program stands: in its sources, its modules, or in one file.
const program = `
const { createHash } = require("node:crypto");
const { writeSync } = require("node:fs");
const { parentPort } = require("node:worker_threads");
const hashes = new Map();
parentPort.on("message", ({ id, fd, algorithm, slot, length }) => {
  try {
    const hash = hashes.get(id) ?? createHash(algorithm);
    hashes.set(id, hash);
    const piece = new Uint8Array(slot, 0, length);
    hash.update(piece);
    for (let at = 0; at < length; ) at += writeSync(fd, piece, at, length - at);
    const hex = length < ${slotSize} ? hash.digest("hex") : undefined;
    if (hex !== undefined) hashes.delete(id);
    parentPort.postMessage({ hex });
  } catch ({ message, code }) {
    hashes.delete(id);
    parentPort.postMessage({ error: { message, code } });
  }
});
`;

interface Answer {
  readonly hex?: string;
  readonly error?: { readonly message: string; readonly code?: string };
}

/** A piece of a file; one that is not full is the last. */
interface Piece {
  readonly id: number;
  readonly fd: number;
  readonly algorithm: string;
  readonly slot: SharedArrayBuffer;
  readonly length: number;
}

/** A thread, which answers each piece in the order they came. */
class Thread {
  /** How many files it has in work. */
  files = 0;
  readonly #worker = new Worker(program, { eval: true });
  readonly #waiting: { resolve(hex: string | undefined): void; reject(error: Error): void }[] = [];

  constructor() {
    this.#worker.on("message", ({ hex, error }: Answer) => {
      const asked = this.#waiting.shift()!;
      // It keeps nobody from ending while it has nothing to do.
      if (this.#waiting.length === 0) this.#worker.unref();
      if (error === undefined) asked.resolve(hex);
      else asked.reject(Object.assign(new Error(error.message), { code: error.code }));
    });
    this.#worker.on("error", (error) => {
      for (const asked of this.#waiting.splice(0)) asked.reject(error);
    });
  }

  /** Resolves once the piece is written: to the digest when it was the last one. */
  take(piece: Piece): Promise<string | undefined> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(piece);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Memory that no file needs now: new memory is cleared first, which takes longer than most files do. */
const free: SharedArrayBuffer[] = [];

function freshSlot(): SharedArrayBuffer {
  return free.pop() ?? new SharedArrayBuffer(slotSize);
}

/** As many pieces go to the disk at once. */
const flushCount = 32;

/** Brings a file to the disk while it is written: who waits for that afterwards waits for its last pieces only. */
class Disk {
  readonly #fd: number;
  #pieces = 0;
  #flushing: Promise<void> | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** One more piece is written. */
  more(): void {
    this.#pieces += 1;
    if (this.#pieces < flushCount || this.#flushing !== undefined) return;
    this.#pieces = 0;
    // Whether it worked is asked again before the file gets its name.
    this.#flushing = datasync(this.#fd)
      .catch(() => {})
      .finally(() => {
        this.#flushing = undefined;
      });
  }

  /** Resolves when nothing is done with the file any more. */
  async rest(): Promise<void> {
    await this.#flushing;
  }
}

/** Writes bytes to files and hashes them, many of them in threads of its own: then they are read, or made, at the same time. */
export class Sink implements AsyncDisposable {
  readonly #threads: Thread[] = [];
  #count = 0;

  /**
   * Writes all bytes to an open file. A piece is not used any more once the next one is asked for. Throws what the source throws, and Fault `store.system`
   * when the system refuses; then nothing writes to the file any more.
   */
  async write({ fd, path }: { fd: number; path: string }, bytes: Bytes, algorithm: string): Promise<Written> {
    const refuse = (error: unknown): never => {
      throw systemFault("write blob", path, error);
    };
    const id = this.#count++;
    const held: SharedArrayBuffer[] = [];
    const sent: Promise<SharedArrayBuffer>[] = [];
    let slot = freshSlot();
    let used = 0;
    let size = 0;
    let thread: Thread | undefined;
    const disk = new Disk(fd);
    const send = (full: SharedArrayBuffer) => {
      thread ??= this.#begin();
      const taken = thread.take({ id, fd, algorithm, slot: full, length: slotSize }).then(() => {
        disk.more();
        return full;
      }, refuse);
      // Its failure is found when the slot is needed again.
      taken.catch(() => {});
      sent.push(taken);
    };
    try {
      for await (const piece of bytes) {
        for (let at = 0; at < piece.length; ) {
          const part = piece.subarray(at, at + slotSize - used);
          new Uint8Array(slot, used).set(part);
          used += part.length;
          at += part.length;
          size += part.length;
          if (used < slotSize) break;
          used = 0;
          if (sent.length > 0) send(slot);
          else if (held.push(slot) === slotCount) for (const full of held.splice(0)) send(full);
          slot = sent.length < slotCount ? freshSlot() : await sent.shift()!;
        }
      }
      if (sent.length === 0)
        return { hex: attempt(() => writeHere(fd, [...held, slot], used, algorithm), refuse), size };
      for (const taken of sent) await taken;
      return { hex: (await thread!.take({ id, fd, algorithm, slot, length: used }).catch(refuse))!, size };
    } finally {
      for (const result of await Promise.allSettled(sent)) if (result.status === "fulfilled") held.push(result.value);
      free.push(...held, slot);
      free.splice(threadCount * slotCount + 1);
      if (thread) thread.files -= 1;
      await disk.rest();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end()));
  }

  /** The thread for one more file: the one with the fewest. */
  #begin(): Thread {
    if (this.#threads.length < threadCount && this.#threads.every((thread) => thread.files > 0))
      this.#threads.push(new Thread());
    const thread = this.#threads.reduce((least, other) => (other.files < least.files ? other : least));
    thread.files += 1;
    return thread;
  }
}

function attempt<T>(work: () => T, refuse: (error: unknown) => never): T {
  try {
    return work();
  } catch (error) {
    return refuse(error);
  }
}

/** Writes and hashes pieces at once, all of them full but the last one. */
function writeHere(fd: number, slots: readonly SharedArrayBuffer[], used: number, algorithm: string): string {
  const hash = createHash(algorithm);
  for (const [at, slot] of slots.entries()) {
    const piece = new Uint8Array(slot, 0, at === slots.length - 1 ? used : slotSize);
    hash.update(piece);
    for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done, piece.length - done);
  }
  return hash.digest("hex");
}
