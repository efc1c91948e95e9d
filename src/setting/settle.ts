import { isInExecEnv } from "../cnb/exec-env.ts";
import type { ProjectDescriptor } from "../cnb/project-descriptor.ts";

/** Where the value of a setting comes from, the strongest first: `flag` is what the command line or the library's caller says. */
export const origins = ["flag", "project", "environment", "config", "default"] as const;

/** One of `origins`. */
export type Origin = (typeof origins)[number];

/** What each origin says; what it leaves undefined or as an empty list it leaves to the next. */
export type Written<T> = {
  readonly [O in Origin]?: { readonly [K in keyof T]?: T[K] | undefined };
};

/** The values that hold, and where each comes from. */
export interface Settled<T> {
  readonly values: Partial<T>;
  readonly from: Readonly<Partial<Record<keyof T, Origin>>>;
}

function isSaid(value: unknown): boolean {
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
}

/** Takes each value from the first origin that says it. */
export function settle<T extends object>(written: Written<T>): Settled<T> {
  const values: Partial<T> = {};
  const from: Partial<Record<keyof T, Origin>> = {};
  for (const origin of origins)
    for (const key of Object.keys(written[origin] ?? {}) as (keyof T)[])
      if (!(key in from) && isSaid(written[origin]![key])) {
        values[key] = written[origin]![key] as T[keyof T];
        from[key] = origin;
      }
  return { values, from };
}

/** The variables a project gives to its builds in this execution environment; a later one replaces an earlier one. */
export function projectVariables(project: ProjectDescriptor | undefined, execEnv: string): Record<string, string> {
  const here = (project?.env ?? []).filter((variable) => isInExecEnv(variable.execEnv, execEnv));
  return Object.fromEntries(here.map(({ name, value }) => [name, value]));
}
