/** What a base is for: to run apps on, or to build them in. */
export const baseKinds = ["run", "build"] as const;

/** One of `baseKinds`. */
export type BaseKind = (typeof baseKinds)[number];

/** Sets of packages by what one does with them. */
export const tools = {
  core: [
    "base-files",
    "base-passwd",
    "bash",
    "bzip2",
    "coreutils",
    "dash",
    "debianutils",
    "diffutils",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "libc-bin",
    "libc6",
    "mawk",
    "sed",
    "tar",
    "tzdata",
    "unzip",
    "xz-utils",
  ],
  fetch: ["ca-certificates", "curl"],
  git: ["git"],
  c: ["g++", "gcc", "libc6-dev", "make", "patch", "pkg-config"],
  node: ["nodejs", "npm"],
  python: ["python3"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The name of a set of `tools`. */
export type Tool = keyof typeof tools;

/** The sets a base has unless its definition chooses. */
export const usualTools: Readonly<Record<BaseKind, readonly Tool[]>> = { run: [], build: ["core", "fetch", "git"] };

/** Packages whose work is done by their scripts, which nobody runs here. */
const scripted: readonly string[] = ["debconf", "dpkg"];

/** Names of packages to take in, and of those to leave out. */
interface Wanted {
  readonly tools: readonly Tool[];
  readonly packages: readonly string[];
  readonly without: readonly string[];
}

/** The definition with the packages of its tools among its own; where there are tools, what only scripts would need stays out unless it is wanted. */
export function withTools<T extends Wanted>(definition: T): T {
  if (definition.tools.length === 0) return definition;
  const kept = definition.tools.flatMap((name): readonly string[] => tools[name]);
  const packages = [...new Set([...definition.packages, ...kept])].filter((name) => !definition.without.includes(name));
  const without = [...definition.without, ...scripted.filter((name) => !packages.includes(name))];
  return { ...definition, packages, without: [...new Set(without)] };
}

/** Directories a build works in, below the root: those of the platform are root's, the others the user's (Platform spec, "Build Image"). */
export const buildDirectories: readonly (readonly [path: string, whose: "root" | "user"])[] = [
  ["cnb", "root"],
  ["cnb/buildpacks", "root"],
  ["layers", "user"],
  ["platform", "root"],
  ["platform/env", "root"],
  ["workspace", "user"],
];
