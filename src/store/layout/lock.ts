import { lock } from "proper-lockfile";
import { errnoOf, Fault } from "../../std/fault.ts";
import { systemFault } from "../failure.ts";

/** Tells whether a lock was lost to another process, as after a long sleep of the machine. */
export interface Held {
  readonly isLost: () => boolean;
}

/** After how long without a sign of life a lock counts as left behind, in milliseconds. */
const staleAfter = 10_000;
const patience = { retries: 600, factor: 1.3, minTimeout: 5, maxTimeout: 100, randomize: true };

function isTaken(error: unknown): boolean {
  return errnoOf(error) === "ELOCKED";
}

/** Takes the lock directory `path` and keeps it fresh; `wait` is how to go on when another holds it. */
async function take(path: string, onLost: () => void, stale: number, retries: typeof patience | 0) {
  return lock(path, { lockfilePath: path, realpath: false, stale, retries, onCompromised: onLost });
}

/** Runs `work` while no other process and no other caller holds the lock at `path`; throws Fault `store.lock` after a minute or two of waiting. */
export async function withLock<T>(path: string, work: (held: Held) => Promise<T>): Promise<T> {
  let lost = false;
  const onLost = () => {
    lost = true;
  };
  const refuse = (error: unknown): never => {
    if (!isTaken(error)) throw systemFault("take lock", path, error);
    throw new Fault("store.lock", `Cannot take lock at ${path}: another process holds it`, {
      hint: "wait for it to end, or end it",
    });
  };
  // The retries of the library also repeat errors that will not pass, so they begin only once the lock is known to be taken.
  const release = await take(path, onLost, staleAfter, 0)
    .catch((error) => (isTaken(error) ? take(path, onLost, staleAfter, patience) : refuse(error)))
    .catch(refuse);
  try {
    return await work({ isLost: () => lost });
  } finally {
    if (!lost) await release().catch(() => undefined);
  }
}

/** Holds the lock at `path`, which nobody else asks for, as a sign of life until it is released. */
export async function signOfLife(path: string, stale: number) {
  let lost = false;
  const release = await take(
    path,
    () => {
      lost = true;
    },
    stale,
    0,
  );
  return { isLost: () => lost, release: async () => (lost ? undefined : release().catch(() => undefined)) };
}
