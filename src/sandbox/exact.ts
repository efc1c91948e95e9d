import type { Job } from "./contract.ts";

// A shell in between adds or interprets these, and drops names that are none of its variables: env gives them as they are.
const touchedByShell = /^(?:PWD|OLDPWD|SHLVL|_|IFS|OPT(?:IND|ARG|ERR)|PPID|PS[0-4]|E?UID|SHELLOPTS|BASH.*|LINENO)$/;
const isShellName = (name: string) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !touchedByShell.test(name);
const addedByShell = ["PWD", "OLDPWD", "SHLVL", "_"];

/** A job's command for a shell that is started with `env` alone, such that the program gets exactly the job's environment. */
export interface Exact {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Keeps a job's environment from what stands between: shells, and whoever adds variables of these names. */
export function exactly(job: Job, env: string, added: readonly string[] = []): Exact {
  const pairs = Object.entries(job.env);
  const aside = pairs.filter(([name]) => !isShellName(name)).map(([name, value]) => `${name}=${value}`);
  const foreign = added.filter((name) => job.env[name] === undefined);
  const unset = [...new Set([...addedByShell, ...foreign])].flatMap((name) => ["-u", name]);
  return {
    argv: [env, ...unset, ...aside, ...job.argv],
    env: Object.fromEntries(pairs.filter(([name]) => isShellName(name))),
  };
}
