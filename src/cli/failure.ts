import { errnoOf, exitCodes, Fault, reasonOf } from "../std/fault.ts";
import type { Style } from "./render/style.ts";

const systemHints: Record<string, string> = {
  ENOSPC:
    "the disk is full: free some room, or point PACK_HOME at another disk; `pack prune` removes what no image needs",
  EACCES: "check who owns the path and its permissions",
  EROFS: "the file system is mounted read-only",
  EMFILE: "raise the limit of open files (ulimit -n)",
};

/** How a failed command ends: what to print, and with which exit code. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly exit: number;
}

/** Everything thrown, as a failure a person can read: faults as they are, system errors with a hint, the rest marked as a defect. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Fault) {
    const hint = error.hint ?? systemHints[errnoOf(error.cause) ?? ""];
    return { code: error.code, message: error.message, hint, exit: exitCodes[error.exit] };
  }
  const errno = errnoOf(error);
  if (errno)
    return {
      code: `system.${errno}`,
      message: `Cannot go on: ${reasonOf(error)}`,
      hint: systemHints[errno],
      exit: exitCodes.general,
    };
  return {
    code: "defect",
    message: `Cannot go on: ${reasonOf(error)}`,
    hint: "this is a defect of Plinth: please report it with what --verbose prints",
    exit: exitCodes.general,
  };
}

/** The lines printed for a failure. */
export function failureText(failure: Failure, style: Style): string {
  const hint = failure.hint ? `\n${style.faint(`hint: ${failure.hint}`)}` : "";
  return `${style.failure("ERROR: ")}${failure.message}${hint}`;
}
