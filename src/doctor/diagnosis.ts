import type { OutsideOptions } from "../reach/outside.ts";

/** What a look around goes by. */
export interface DoctorOptions {
  /** Where Plinth keeps what is its own; `~/.pack` unless said. */
  readonly home?: string;
  readonly outside?: OutsideOptions;
}

/** How one thing is: as it should be, worth knowing, in the way of builds, or not there and not needed. */
export type State = "ok" | "warn" | "fail" | "none";

/** One thing that was looked at. Nothing of it is a secret. */
export interface Finding {
  /** What it belongs to, as `sandbox`. */
  readonly area: string;
  readonly name: string;
  readonly state: State;
  /** A clause: what was found. */
  readonly found: string;
  /** What would make it better. */
  readonly hint?: string;
}

/** Everything that was looked at; `isHealthy` unless something is in the way of builds. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly isHealthy: boolean;
}

/** Findings of one area. */
export function areaOf(area: string): (name: string, state: State, found: string, hint?: string) => Finding {
  return (name, state, found, hint) => ({ area, name, state, found, ...(hint !== undefined && { hint }) });
}
