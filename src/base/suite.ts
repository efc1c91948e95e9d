import { Fault } from "../std/fault.ts";
import { formatParagraph } from "./paragraph.ts";
import type { Source } from "./source.ts";

/** A place to fetch packages from instead of the machine's own sources; without `suite` it serves every suite. */
export interface Mirror {
  readonly suite?: string;
  readonly url: string;
}

/** `[SUITE=]URL` to mirror; throws Fault `base.mirror` (usage) unless the URL is http, https or file. */
export function parseMirror(text: string): Mirror {
  const found = /^(?:([A-Za-z0-9][A-Za-z0-9._/-]*)=)?((?:https?|file):\/\/?[^\s]+)$/.exec(text);
  if (!found)
    throw new Fault(
      "base.mirror",
      `Cannot use mirror "${redacted(text)}": expected [SUITE=]URL with http, https or file`,
      {
        exit: "usage",
        hint: "for example --mirror https://archive.example/debian --mirror security=https://archive.example/debian-security",
      },
    );
  return { ...(found[1] && { suite: found[1] }), url: found[2]! };
}

/** One suite of one archive, ready to be written for apt. */
export interface Archive {
  readonly suite: string;
  readonly uri: string;
  readonly components: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

/** What decides which archives a base is made from. */
export interface Wish {
  /** Suites as written: names, or `release`, `updates`, `security`, `backports` of the release. */
  readonly suites: readonly string[];
  /** The release's code name; undefined when neither the definition nor the machine says it. */
  readonly release: string | undefined;
  readonly components: readonly string[] | undefined;
  /** Debian's name of the architecture. */
  readonly architecture: string;
  readonly mirrors: readonly Mirror[];
  /** A file of keys the mirrors must be signed with. */
  readonly keyring: string | undefined;
}

const roles: Readonly<Record<string, string>> = {
  release: "",
  updates: "-updates",
  security: "-security",
  backports: "-backports",
};
const aliases = ["stable", "oldstable", "oldoldstable", "testing", "unstable"];

/** The names a suite may have in the sources, best first. */
function namesOf(word: string, release: string | undefined): string[] {
  const suffix = roles[word];
  if (suffix === undefined) return [word];
  return [...(release === undefined ? [] : [release]), ...aliases].map((name) => name + suffix);
}

function fits(source: Source, suite: string, architecture: string): boolean {
  return source.suites.includes(suite) && (source.architectures?.includes(architecture) ?? true);
}

function fromMachine(word: string, wish: Wish, sources: readonly Source[]): Archive[] {
  for (const suite of namesOf(word, wish.release)) {
    const found = sources
      .filter((source) => fits(source, suite, wish.architecture))
      .flatMap(({ uris, components, options }) =>
        uris.map((uri) => ({ suite, uri, components: wish.components ?? components, options })),
      );
    if (found.length) return found;
  }
  const known = [
    ...new Set(
      sources.filter((source) => fits(source, source.suites[0]!, wish.architecture)).flatMap(({ suites }) => suites),
    ),
  ];
  throw new Fault(
    "base.suite",
    `Cannot find suite "${word}" in apt's sources: ${known.length ? `they have ${known.join(", ")}` : `they have nothing for ${wish.architecture}`}`,
    { hint: "add it to apt's sources, name one of these in `suites`, or give a mirror that has it" },
  );
}

function fromMirror(word: string, mirror: Mirror, wish: Wish, sources: readonly Source[]): Archive {
  const names = namesOf(word, wish.release);
  const twin = names.map((suite) => sources.find((source) => source.suites.includes(suite))).find(Boolean);
  const suite = names[0]!;
  if (roles[word] !== undefined && wish.release === undefined)
    throw new Fault(
      "base.suite",
      `Cannot tell which suite "${word}" is: neither the definition nor this machine names a release`,
      {
        hint: 'set `release = "<code name>"` in the definition',
      },
    );
  return {
    suite,
    uri: mirror.url,
    components: wish.components ?? twin?.components ?? (suite.endsWith("/") ? [] : ["main"]),
    options: wish.keyring === undefined ? (twin?.options ?? new Map()) : new Map([["Signed-By", wish.keyring]]),
  };
}

/**
 * Decides which archives to resolve against: for each wanted suite its mirror, or else every source of the machine that has it.
 * A mirror is held to the keys the machine trusts for that suite unless the wish names a keyring. Throws Fault `base.suite`.
 */
export function planArchives(wish: Wish, sources: readonly Source[]): Archive[] {
  return wish.suites.flatMap((word) => {
    const names = [word, ...namesOf(word, wish.release)];
    const mirror =
      wish.mirrors.find(({ suite }) => suite !== undefined && names.includes(suite)) ??
      wish.mirrors.find(({ suite }) => suite === undefined);
    return mirror ? [fromMirror(word, mirror, wish, sources)] : fromMachine(word, wish, sources);
  });
}

/** The archives as a deb822 sources file that asks apt for package lists and nothing else. */
export function formatArchives(archives: readonly Archive[], architecture: string): string {
  return archives
    .map(({ suite, uri, components, options }) =>
      formatParagraph([
        ["Types", "deb"],
        ["URIs", uri],
        ["Suites", suite],
        ...(components.length ? ([["Components", components.join(" ")]] as const) : []),
        ["Architectures", architecture],
        ["Targets", "Packages"],
        ...options,
      ]),
    )
    .join("");
}

/** The URL without what may be a secret in it. */
export function redacted(url: string): string {
  return url.replace(/\/\/[^/@\s]*@/, "//");
}
