import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { shown } from "./name.ts";

const reasons: Record<string, string> = {
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOENT: "it is not there",
  ENOTDIR: "a part of its path is not a directory",
  EISDIR: "it is a directory",
  ELOOP: "it is a symbolic link",
  EEXIST: "it is there already",
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EIO: "the disk reports an error",
  EMFILE: "too many open files",
  ENAMETOOLONG: "its name is too long for this file system",
};

/** What the system answered, in words where it is a usual error. */
function systemReason(error: unknown): string {
  return reasons[errnoOf(error) ?? ""] ?? reasonOf(error);
}

/** Fault `tar.read`: a file or directory that goes into a layer cannot be read; `path` is a byte string. */
export function unreadable(path: string, error: unknown): Fault {
  return new Fault("tar.read", `Cannot read ${shown(path)}: ${systemReason(error)}`, {
    cause: error,
    ...(errnoOf(error) === "EACCES" && { hint: "make it readable for the user who runs the build" }),
  });
}

/** Fault `tar.write`: an entry of an archive cannot be written to disk; `path` is a byte string. */
export function unwritable(path: string, error: unknown): Fault {
  return new Fault("tar.write", `Cannot write ${shown(path)}: ${systemReason(error)}`, { cause: error });
}

/** Fault `tar.corrupt`: the bytes are not a tar archive, or no longer. */
export function corrupt(found: string, at?: number): Fault {
  return new Fault("tar.corrupt", `Cannot read archive${at === undefined ? "" : ` at byte ${at}`}: ${found}`, {
    hint: "the archive is damaged or is not a tar archive",
  });
}

/** Fault `tar.truncated`: the bytes end before the archive does. */
export function truncated(found: string, at: number): Fault {
  return new Fault("tar.truncated", `Cannot read archive at byte ${at}: ${found}`, {
    hint: "the archive is incomplete; get it again",
  });
}

/** Fault `tar.unsupported`: a sparse file, whose content is a map and pieces. */
export function sparse(): Fault {
  return new Fault("tar.unsupported", "Cannot read archive: it holds a sparse file", {
    hint: "make the archive again without the option for sparse files",
  });
}

/** Fault `tar.unsupported`: an entry is of a kind that has no place here; `name` is a byte string. */
export function unsupported(name: string, found: string): Fault {
  return new Fault("tar.unsupported", `Cannot extract ${shown(name)}: ${found}`);
}

/**
 * Fault `tar.escape`: an entry would be written, or would link, outside of where the archive belongs; `name` is a byte
 * string.
 */
export function escaping(name: string, found: string): Fault {
  return new Fault("tar.escape", `Cannot extract ${shown(name)}: ${found}`, {
    hint: "the archive tries to write outside of its place; do not trust it",
  });
}
