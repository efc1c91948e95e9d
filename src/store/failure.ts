import { errnoOf, Fault, reasonOf } from "../std/fault.ts";

const found: Record<string, string> = {
  ENOSPC: "no space is left on the device",
  EDQUOT: "the disk quota is used up",
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  EROFS: "the file system is read-only",
  ENOTDIR: "a part of the path is not a directory",
  EISDIR: "it is a directory",
  ENOENT: "it is not there",
};
const hints: Record<string, string> = {
  ENOSPC: "free some space, for instance with `pack prune`; what was stored before is intact",
  EDQUOT: "free some space; what was stored before is intact",
  EACCES: "choose a place this user may use",
};

/** The fault of an operation the system refused: `Cannot <what> at <place>: …`; a Fault stays what it is. */
export function systemFault(what: string, place: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  const errno = errnoOf(error);
  const hint = errno && hints[errno];
  return new Fault(
    "store.system",
    `Cannot ${what} at ${place}: ${errno && found[errno] ? found[errno] : reasonOf(error)}`,
    {
      cause: error,
      ...(hint && { hint }),
    },
  );
}
