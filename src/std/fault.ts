/** Exit codes in the ranges of the Platform specification ("Exit Codes"); what has no range of its own ends with 1. */
export const exitCodes = {
  general: 1,
  usage: 2,
  platformApi: 11,
  buildpackApi: 12,
  detectNone: 20,
  detectError: 21,
  detect: 22,
  analyze: 32,
  restore: 42,
  buildpackFailed: 51,
  build: 52,
  export: 62,
  rebase: 72,
  launch: 82,
  generateFailed: 91,
  generate: 92,
  extend: 102,
  interrupted: 130,
} as const;

/** A name in the table of exit codes. */
export type ExitName = keyof typeof exitCodes;

/** What a `Fault` may carry beside its sentence. */
export interface FaultDetail {
  /** Which exit code the program ends with; `general` unless said. */
  readonly exit?: ExitName;
  /** One sentence: what the reader can do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * The one error this library throws on purpose: work that cannot go on.
 * `code` is stable and dotted (`blob.corrupt`), the message follows "Cannot <verb> <thing> [at <place>]: <what we found>".
 */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: string;
  readonly exit: ExitName;
  readonly hint: string | undefined;

  constructor(code: string, message: string, detail: FaultDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.exit = detail.exit ?? "general";
    this.hint = detail.hint;
  }
}

/** The number the process ends with for this fault. */
export function exitCodeOf(fault: Fault): number {
  return exitCodes[fault.exit];
}

/** The same fault with the exit code of the phase it surfaced in, unless it already has a specific one. */
export function withExit(error: unknown, exit: ExitName): unknown {
  if (!(error instanceof Fault) || error.exit !== "general") return error;
  return new Fault(error.code, error.message, { exit, cause: error.cause, ...(error.hint && { hint: error.hint }) });
}

/** The system's error name (`ENOENT`, `EACCES`, …) of anything thrown, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** What was found, as the tail of a fault's sentence: the error's own words, without a capital "Cannot" and without a trailing stop. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\.$/, "").replace(/^Cannot /, "cannot ");
}
