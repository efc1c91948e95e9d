import { type ExitName, Fault } from "../std/fault.ts";

/** An API version: `major.minor`, both within 64 bits; `text` is how it was written. */
export interface Api {
  readonly major: bigint;
  readonly minor: bigint;
  readonly text: string;
}

/** The Platform API this lifecycle follows. */
export const platformApi = "0.15";

/** The Platform API versions this lifecycle can follow when the launcher of an image knows no newer one, oldest first. */
export const platformApis = ["0.12", "0.13", "0.14", platformApi] as const;

/** The Buildpack API versions this lifecycle implements, oldest first. */
export const buildpackApis = ["0.7", "0.8", "0.9", "0.10", "0.11", "0.12"] as const;

/**
 * Text to version; a bare `1` is `1.0` (Buildpack spec, "Buildpack API Version"). Throws Fault `api.parse` that names
 * `place`; `exit` is 12 unless said.
 */
export function parseApi(text: string, place: string, exit: ExitName = "buildpackApi"): Api {
  const match = /^(\d{1,20})(?:\.(\d{1,20}))?$/.exec(text);
  const [major, minor] = [BigInt(match?.[1] ?? 0), BigInt(match?.[2] ?? 0)];
  if (match === null || major >= 2n ** 64n || minor >= 2n ** 64n) {
    const found = text === "" ? "it is missing" : `${JSON.stringify(text)} is not major.minor`;
    throw new Fault("api.parse", `Cannot read API version at ${place}: ${found}`, {
      exit,
      hint: `write a version such as api = "${buildpackApis.at(-1)}"`,
    });
  }
  return { major, minor, text };
}

/** Negative, zero or positive as `a` is older than, equal to or newer than `b`. */
export function compareApis(a: Api, b: Api): number {
  const [left, right] = a.major === b.major ? [a.minor, b.minor] : [a.major, b.major];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether an engine for `offered` serves `asked`: from 1.0 on a newer minor does, below only the same version does. */
export function isServedBy(asked: Api, offered: Api): boolean {
  const order = compareApis(asked, offered);
  return asked.major === offered.major && (asked.major === 0n ? order === 0 : order <= 0);
}

/** Whether this lifecycle implements a Buildpack API version. */
export function isSupported(api: Api): boolean {
  return buildpackApis.some((text) => isServedBy(api, parseApi(text, "buildpackApis")));
}

/** What a Buildpack API version brings; the one place that compares versions. */
const since = {
  /** `CNB_PLATFORM_DIR`, `CNB_BUILD_PLAN_PATH`, `CNB_LAYERS_DIR`, `CNB_BP_PLAN_PATH`. */
  pathVariables: "0.8",
  /** `working-dir` of a process is honoured. */
  workingDirectory: "0.8",
  /** The id `sbom` is reserved. */
  reservesSbom: "0.8",
  /** The command of a process is a list, `direct` is gone, no shell is involved. */
  commandList: "0.9",
  /** The user's arguments replace `args` and leave the rest of the command alone. */
  overridableArgs: "0.9",
  /** The id `generated` is reserved. */
  reservesGenerated: "0.9",
  /** `CNB_TARGET_*`. */
  targetVariables: "0.10",
  /** `[[targets]]` replace stacks; bionic among several stacks still counts as a target. */
  targets: "0.10",
  /** `CNB_EXEC_ENV`, and `exec-env` of the descriptor is honoured. */
  execEnv: "0.12",
} as const;

/** What a buildpack of some Buildpack API version may expect. */
export type Abilities = Readonly<Record<keyof typeof since, boolean>>;

const names = Object.keys(since) as (keyof typeof since)[];

/** What a Buildpack API version brings, whether this lifecycle implements it or not. */
export function abilitiesOf(api: Api): Abilities {
  const has = (name: keyof typeof since) => compareApis(api, parseApi(since[name], name)) >= 0;
  return Object.fromEntries(names.map((name) => [name, has(name)])) as Record<keyof typeof since, boolean>;
}

/**
 * What a buildpack may expect of us. `name` is its `id@version`. Throws Fault `api.unsupported` (exit 12) when this
 * lifecycle does not implement its Buildpack API.
 */
export function buildpackAbilities(api: Api, name: string): Abilities {
  if (isSupported(api)) return abilitiesOf(api);
  throw new Fault("api.unsupported", `Cannot use buildpack ${name}: Buildpack API ${api.text} is not supported`, {
    exit: "buildpackApi",
    hint: `supported are ${buildpackApis[0]} to ${buildpackApis.at(-1)}; use another version of the buildpack`,
  });
}

/** Whether images of this Platform API are judged by their target; older ones are judged by their stack (Platform spec, "Rebase"). */
export function judgesByTarget(platform: Api): boolean {
  return compareApis(platform, parseApi("0.12", "judgesByTarget")) >= 0;
}
