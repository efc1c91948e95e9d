import { compareBytes } from "../std/byte.ts";
import type { Abilities } from "./api.ts";
import type { Target } from "./target.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string>>;

/** One file of an `env` directory: its name without the directory, and its content byte for byte. */
export interface EnvFile {
  readonly name: string;
  readonly content: string;
}

/** The sub-directories of a layer that are there, as absolute guest paths. */
export interface LayerPaths {
  readonly bin?: string;
  readonly lib?: string;
  readonly include?: string;
  readonly pkgconfig?: string;
}

/** What one layer gives to the environment of later builds (Buildpack spec, "Provided by the Buildpacks"). */
export interface BuildLayer {
  readonly paths: LayerPaths;
  readonly env: readonly EnvFile[];
  readonly envBuild: readonly EnvFile[];
}

const separator = ":";
const pathVariables = {
  bin: { build: ["PATH"], launch: ["PATH"] },
  lib: { build: ["LD_LIBRARY_PATH", "LIBRARY_PATH"], launch: ["LD_LIBRARY_PATH"] },
  include: { build: ["CPATH"], launch: [] },
  pkgconfig: { build: ["PKG_CONFIG_PATH"], launch: [] },
} as const;
const pathNames: readonly string[] = Object.values(pathVariables).flatMap((variables) => variables.build);
const inherited: readonly string[] = [
  "CNB_STACK_ID",
  "HOSTNAME",
  "HOME",
  "HTTPS_PROXY",
  "https_proxy",
  "HTTP_PROXY",
  "http_proxy",
  "NO_PROXY",
  "no_proxy",
  ...pathNames,
];

function withPath(env: Environment, name: string, path: string): Environment {
  return { ...env, [name]: env[name] ? path + separator + env[name] : path };
}

/**
 * The little that buildpack scripts see of their surroundings: of each source (a build image's variables, the proxies of
 * the machine, …; later ones win) only `CNB_STACK_ID`, `HOSTNAME`, `HOME`, the proxy and the path variables.
 */
export function baseEnvironment(...sources: readonly Environment[]): Environment {
  return Object.fromEntries(
    inherited.flatMap((name) => {
      const source = sources.findLast((env) => Object.hasOwn(env, name));
      return source ? [[name, source[name]!]] : [];
    }),
  );
}

/**
 * The environment after the files of one `env` directory, in byte order of their names: `<VARIABLE>[.<action>]` with the actions
 * append, default, delim, override, prepend; no action means `fallback`, an unknown one is ignored
 * (Buildpack spec, "Environment Variable Modification Rules").
 */
export function applyEnvFiles(
  env: Environment,
  files: readonly EnvFile[],
  fallback: "override" | "default",
): Environment {
  const delimiters = new Map(files.map((file) => [file.name, file.content]));
  const result = new Map(Object.entries(env));
  for (const file of [...files].sort((a, b) => compareBytes(a.name, b.name))) {
    const dot = file.name.indexOf(".");
    const name = dot < 0 ? file.name : file.name.slice(0, dot);
    if (name === "") continue;
    const action = dot < 0 ? fallback : file.name.slice(dot + 1);
    const old = result.get(name) ?? "";
    const delimiter = delimiters.get(`${name}.delim`);
    if (action === "override") result.set(name, file.content);
    else if (action === "default" && old === "") result.set(name, file.content);
    else if (action === "append") result.set(name, old === "" ? file.content : old + (delimiter ?? "") + file.content);
    else if (action === "prepend") result.set(name, old === "" ? file.content : file.content + (delimiter ?? "") + old);
    else if (action === "") result.set(name, old === "" ? file.content : file.content + (delimiter ?? separator) + old);
  }
  return Object.fromEntries(result);
}

/** The environment with a layer's directories in front of the path variables of that phase (Buildpack spec, "Layer Paths"). */
export function withLayerPaths(env: Environment, paths: LayerPaths, phase: "build" | "launch"): Environment {
  let result = env;
  for (const directory of ["bin", "lib", "include", "pkgconfig"] as const) {
    const path = paths[directory];
    if (path === undefined) continue;
    for (const name of pathVariables[directory][phase]) result = withPath(result, name, path);
  }
  return result;
}

/** The environment for later builds after one `build = true` layer: its paths, then `env`, then `env.build`. */
export function withBuildLayer(env: Environment, layer: BuildLayer): Environment {
  const withPaths = withLayerPaths(env, layer.paths, "build");
  return applyEnvFiles(applyEnvFiles(withPaths, layer.env, "override"), layer.envBuild, "override");
}

/**
 * The environment with the user's variables (`<platform>/env`): path variables go in front of the old value, others replace it.
 * For a buildpack with `clear-env` it stays as it is.
 */
export function platformEnv(
  env: Environment,
  userVariables: Environment,
  options: { readonly clearEnv: boolean },
): Environment {
  if (options.clearEnv) return env;
  let result = env;
  for (const [name, value] of Object.entries(userVariables)) {
    result = pathNames.includes(name) ? withPath(result, name, value) : { ...result, [name]: value };
  }
  return result;
}

/** The environment with the operator's variables (`<build-config>/env`): suffix rules, a bare name only fills an empty variable. */
export function buildConfigEnv(env: Environment, files: readonly EnvFile[]): Environment {
  return applyEnvFiles(env, files, "default");
}

/** What a buildpack's API says about its variables. */
export type VariableAbilities = Pick<Abilities, "pathVariables" | "targetVariables" | "execEnv">;

/** Where a buildpack's script finds its inputs (absolute guest paths), and what it builds for. */
export interface ScriptInputs {
  /** The directory of the buildpack, or of the extension. */
  readonly buildpackDir: string;
  readonly isExtension?: boolean;
  readonly platformDir: string;
  /** The build plan to write in detect, the buildpack plan to read in build. */
  readonly planPath: string;
  readonly target: Target;
  readonly execEnv: string;
}

function scriptVariables(abilities: VariableAbilities, inputs: ScriptInputs, paths: Environment): Environment {
  const { target } = inputs;
  const optional = {
    CNB_TARGET_ARCH_VARIANT: target.variant,
    CNB_TARGET_DISTRO_NAME: target.distro?.name,
    CNB_TARGET_DISTRO_VERSION: target.distro?.version,
  };
  return {
    [inputs.isExtension ? "CNB_EXTENSION_DIR" : "CNB_BUILDPACK_DIR"]: inputs.buildpackDir,
    ...(abilities.pathVariables && { CNB_PLATFORM_DIR: inputs.platformDir, ...paths }),
    ...(abilities.targetVariables && {
      CNB_TARGET_OS: target.os,
      CNB_TARGET_ARCH: target.arch,
      ...Object.fromEntries(Object.entries(optional).flatMap(([name, value]) => (value ? [[name, value]] : []))),
    }),
    ...(abilities.execEnv && { CNB_EXEC_ENV: inputs.execEnv }),
  };
}

/** The `CNB_*` variables of `bin/detect`, by the buildpack's API (Buildpack spec, "Detection"). */
export function detectVariables(abilities: VariableAbilities, inputs: ScriptInputs): Environment {
  return scriptVariables(abilities, inputs, { CNB_BUILD_PLAN_PATH: inputs.planPath });
}

/** The `CNB_*` variables of `bin/build`, by the buildpack's API (Buildpack spec, "Build"). */
export function buildVariables(
  abilities: VariableAbilities,
  inputs: ScriptInputs & { readonly layersDir: string },
): Environment {
  return scriptVariables(abilities, inputs, { CNB_BP_PLAN_PATH: inputs.planPath, CNB_LAYERS_DIR: inputs.layersDir });
}

/** The `CNB_*` variables of `bin/generate`, by the extension's API (Image Extension spec, "Generation"). */
export function generateVariables(
  abilities: VariableAbilities,
  inputs: ScriptInputs & { readonly outputDir: string },
): Environment {
  return scriptVariables(abilities, inputs, { CNB_BP_PLAN_PATH: inputs.planPath, CNB_OUTPUT_DIR: inputs.outputDir });
}
