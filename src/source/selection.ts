import type { FileChoice } from "../cnb/project-descriptor.ts";
import type { Selects } from "./app.ts";
import { dockerSelection } from "./docker-ignore.ts";
import { matcherOf } from "./matcher.ts";

/**
 * Says of a directory whether something inside may match: it lies above what a pattern names from the root. A pattern without a slash
 * matches anywhere.
 */
function abovePatterns(patterns: readonly string[]): (directory: string) => boolean {
  const ways = patterns.filter((text) => !/^\s*(#|!|$)/.test(text)).map(wayOf);
  return (directory) => {
    const names = directory.split("/").slice(0, -1);
    return ways.some((way) => leadsOn(way, names));
  };
}

/** What the parts of a pattern match, one after the other; undefined from where they may match at any depth. */
function wayOf(pattern: string): readonly (((name: string) => boolean) | undefined)[] {
  const parts = pattern.trim().replace(/\/$/, "").split("/");
  if (parts.length === 1) return [undefined];
  return parts.filter((part) => part !== "").map((part) => (part === "**" ? undefined : matcherOf(`/${part}`)));
}

function leadsOn(way: ReturnType<typeof wayOf>, names: readonly string[]): boolean {
  for (const [at, name] of names.entries()) {
    const matches = way[at];
    if (matches === undefined) return at < way.length;
    if (!matches(name)) return false;
  }
  return names.length < way.length;
}

function included(patterns: readonly string[]): Selects {
  const matches = matcherOf(patterns);
  const isAbove = abovePatterns(patterns);
  return (path) => matches(path) || (path.endsWith("/") && isAbove(path) ? "within" : false);
}

function excluded(patterns: readonly string[] | string): Selects {
  const matches = matcherOf(patterns);
  return (path) => !matches(path);
}

/** An ignore file: its name tells whose rules it follows. */
export interface IgnoreFile {
  readonly name: string;
  readonly text: string;
}

/**
 * Says which paths go into the build: those the project chooses (Project Descriptor spec, "include" and "exclude") and no ignore file
 * leaves out. Files called `.dockerignore` follow Docker's rules, all others gitignore(5). Undefined when everything goes in.
 */
export function selectionOf(choice: FileChoice | undefined, files: readonly IgnoreFile[]): Selects | undefined {
  const rules = [
    ...(choice ? [choice.kind === "include" ? included(choice.patterns) : excluded(choice.patterns)] : []),
    ...files.map(({ name, text }) => (name.endsWith(".dockerignore") ? dockerSelection(text) : excluded(text))),
  ];
  if (rules.length === 0) return undefined;
  return (path) => {
    const verdicts = rules.map((rule) => rule(path));
    if (verdicts.includes(false)) return false;
    return verdicts.includes("within") ? "within" : true;
  };
}
