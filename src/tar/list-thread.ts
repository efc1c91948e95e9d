import fileSystem from "node:fs";
import { Worker } from "node:worker_threads";
import type { HostPath } from "../std/path.ts";
import { type Lister, listed, listTree, type TreeList, type Unlisted } from "./list.ts";
import { byteString } from "./name.ts";

// A text, because it runs as it is wherever the program stands: in its sources, its modules, or in one file.
// Some compilers put `__name` around functions.
const program = `
const { parentPort } = require("node:worker_threads");
const fileSystem = require("node:fs");
const __name = (made) => made;
const list = ${listTree};
parentPort.on("message", ({ root, without }) => {
  const found = list(fileSystem, root, without);
  parentPort.postMessage(found, found.table ? [found.table.buffer] : []);
});
`;

/** What lists make is garbage at once: with a larger place for it to gather it is looked through less often. */
const resourceLimits = { maxYoungGenerationSizeMb: 32 };

/** A thread that has had nothing to do for so long gives its memory back, some 15 MB: a layer may be on its way to a registry. */
const longestRestMs = 500;

interface Job {
  readonly root: string;
  readonly without: string | undefined;
  resolve(found: TreeList | Unlisted): void;
  reject(error: Error): void;
}

/** A thread that lists one tree after the other. */
class Thread {
  readonly #worker = new Worker(program, { eval: true, resourceLimits });
  readonly #next: () => Job | undefined;
  readonly #lost: (thread: Thread) => void;
  #job: Job | undefined;
  #rest: NodeJS.Timeout | undefined;

  /** `next` gives it its jobs; `lost` is called when it breaks down, or ends because it has had nothing to do for a while. */
  constructor(next: () => Job | undefined, lost: (thread: Thread) => void) {
    this.#next = next;
    this.#lost = lost;
    this.#worker.on("message", (found: TreeList | Unlisted) => {
      this.#job?.resolve(found);
      this.#job = undefined;
      this.wake();
    });
    this.#worker.on("error", (error) => {
      this.#job?.reject(error);
      lost(this);
    });
    this.wake();
  }

  get isIdle(): boolean {
    return this.#job === undefined;
  }

  /** Takes the next job, if there is one. It keeps nobody from ending while it has nothing to do. */
  wake(): void {
    clearTimeout(this.#rest);
    this.#job = this.#next();
    if (this.#job === undefined) {
      this.#worker.unref();
      this.#rest = setTimeout(() => {
        this.#lost(this);
        void this.end();
      }, longestRestMs).unref();
      return;
    }
    this.#worker.ref();
    const { root, without } = this.#job;
    this.#worker.postMessage({ root, without });
  }

  async end(): Promise<void> {
    clearTimeout(this.#rest);
    this.#job?.reject(new Error("its thread was ended"));
    await this.#worker.terminate();
  }
}

/** As many trees are listed at once. */
const most = 2;
/** A tree of so many entries is listed before a thread has begun. */
const little = 250;

/** Lists trees in threads of their own: looking at ten thousand files takes longer than starting one, and there is enough to do meanwhile. */
export class Listers implements AsyncDisposable {
  readonly #threads: Thread[] = [];
  readonly #waiting: Job[] = [];

  readonly list: Lister = async (root: HostPath, { without, signal } = {}) => {
    signal?.throwIfAborted();
    const few = listTree(fileSystem, byteString(root), without, little);
    if (few !== undefined) return listed(few);
    const found = await new Promise<TreeList | Unlisted>((resolve, reject) => {
      this.#waiting.push({ root: byteString(root), without, resolve, reject });
      const idle = this.#threads.find((thread) => thread.isIdle);
      if (idle) idle.wake();
      else if (this.#threads.length < most) this.#start();
    });
    signal?.throwIfAborted();
    return listed(found);
  };

  #start(): void {
    const lost = (thread: Thread) => {
      this.#threads.splice(this.#threads.indexOf(thread), 1);
      if (this.#waiting.length > 0) this.#start();
    };
    this.#threads.push(new Thread(() => this.#waiting.shift(), lost));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const job of this.#waiting.splice(0)) job.reject(new Error("its thread was ended"));
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end()));
  }
}
