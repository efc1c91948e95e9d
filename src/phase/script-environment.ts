import type { Buildpack } from "../cnb/buildpack.ts";
import { buildConfigEnv, type EnvFile, type Environment, platformEnv } from "../cnb/environment.ts";

/** The environment of a buildpack's script, made from what earlier layers left (Buildpack spec, "Environment"). */
export interface ScriptEnvironment {
  /** What every script starts from: the build environment's own variables. */
  readonly base: Environment;
  (env: Environment, buildpack: Buildpack): Environment;
}

/** Adds the user's variables (not for a buildpack with `clear-env`), then the operator's. */
export function scriptEnvironment(
  base: Environment,
  userVariables: Environment,
  buildConfig: readonly EnvFile[],
): ScriptEnvironment {
  const make = (env: Environment, buildpack: Buildpack) =>
    buildConfigEnv(platformEnv(env, userVariables, { clearEnv: buildpack.clearEnv }), buildConfig);
  return Object.assign(make, { base });
}
