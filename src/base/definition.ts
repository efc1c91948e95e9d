import { posix } from "node:path";
import { compareBytes } from "../std/byte.ts";
import { Fault } from "../std/fault.ts";
import { parseToml, pathOf, type TomlTable } from "../std/toml.ts";
import { booleanIn, integerIn, requiredStringIn, stringIn, stringsIn, tableIn, tablesIn } from "../std/toml-read.ts";
import { type BaseKind, baseKinds, type Tool, tools, usualTools } from "./tools.ts";

/** Who the app runs as. */
export interface BaseUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Who apps run as when nothing else is said. */
export const defaultUser: BaseUser = { name: "cnb", uid: 1000, gid: 1000, home: "/home/cnb" };

/** A file or symbolic link to put into the base, by absolute path; it replaces what a package ships there. */
type BaseFile =
  | { readonly path: string; readonly content: string; readonly mode: number }
  | { readonly path: string; readonly link: string };

/** Everything `base.toml` says, complete. */
export interface BaseDefinition {
  readonly kind: BaseKind;
  /** Sets of packages that are taken in besides `packages`. */
  readonly tools: readonly Tool[];
  /** What becomes the labels `io.buildpacks.base.<key>`. */
  readonly about: Readonly<Record<string, string>>;
  /** The stack id for platforms and buildpacks that still ask for one. */
  readonly stack?: string;
  readonly rebasable: boolean;
  /** The code name the suite words `release`, `updates`, `security` refer to; the machine's own when undefined. */
  readonly release?: string;
  readonly suites: readonly string[];
  readonly components?: readonly string[];
  /** OCI's name of the architecture; the machine's own when undefined. */
  readonly architecture?: string;
  readonly packages: readonly string[];
  /** Packages to count as installed, so that neither they nor what only they need is taken in. */
  readonly without: readonly string[];
  /** Package name to version; `*` and `?` match as in a file name. */
  readonly pins: ReadonlyMap<string, string>;
  /** Whether manuals, translations and package documentation stay in. */
  readonly documentation: boolean;
  /** Undefined: the user with id 1000 the base already has, else `defaultUser`. */
  readonly user?: BaseUser;
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly BaseFile[];
}

const rootKeys = [
  "kind",
  "tools",
  "base",
  "release",
  "suites",
  "components",
  "architecture",
  "packages",
  "without",
  "pins",
  "documentation",
  "user",
  "env",
  "files",
];
const aboutKeys = ["id", "description", "homepage", "maintainer", "released"];
const packageName = /^[a-z0-9][a-z0-9+.-]*[a-z0-9+]$/;
const word = /^[A-Za-z0-9][A-Za-z0-9._/+-]*$/;
/** What stands for a user or group in /etc/passwd. */
const accountName = /^[a-z_][a-z0-9_-]{0,31}$/;

function wrong(table: TomlTable, key: string, place: string, found: string, hint?: string): Fault {
  return new Fault("base.definition", `Cannot use ${pathOf(table, key)} at ${place}: ${found}`, {
    ...(hint && { hint }),
  });
}

function onlyKeys(table: TomlTable, known: readonly string[], place: string): void {
  for (const key of Object.keys(table))
    if (!known.includes(key)) throw wrong(table, key, place, "there is no such key", `known here: ${known.join(", ")}`);
}

function words(table: TomlTable, key: string, place: string, pattern: RegExp, what: string): string[] | undefined {
  const found = stringsIn(table, key, place);
  const bad = found?.find((item) => !pattern.test(item));
  if (bad !== undefined) throw wrong(table, key, place, `"${bad}" is not ${what}`);
  return found && [...new Set(found)];
}

function choice<T extends string>(table: TomlTable, key: string, place: string, known: readonly T[]): T | undefined {
  const text = stringIn(table, key, place);
  const found = known.find((one) => one === text);
  if (text === undefined || found !== undefined) return found;
  throw wrong(table, key, place, `"${text}" is none of ${known.join(", ")}`);
}

function toolsOf(root: TomlTable, kind: BaseKind, place: string): readonly Tool[] {
  const known = Object.keys(tools) as Tool[];
  const names = stringsIn(root, "tools", place);
  const bad = names?.find((name) => !known.some((one) => one === name));
  if (bad !== undefined) throw wrong(root, "tools", place, `"${bad}" is none of ${known.join(", ")}`);
  return names === undefined ? usualTools[kind] : known.filter((one) => names.includes(one));
}

function pinsOf(root: TomlTable, place: string): Map<string, string> {
  const table = tableIn(root, "pins", place) ?? {};
  return new Map(
    Object.keys(table)
      .sort(compareBytes)
      .map((name) => {
        if (!packageName.test(name)) throw wrong(table, name, place, "it is not the name of a package");
        const version = requiredStringIn(table, name, place);
        if (!/^[A-Za-z0-9.+:~*?-]+$/.test(version)) throw wrong(table, name, place, `"${version}" is not a version`);
        return [name, version];
      }),
  );
}

function pathIn(table: TomlTable, key: string, place: string): string | undefined {
  const path = stringIn(table, key, place);
  if (path === undefined) return undefined;
  if (
    !path.startsWith("/") ||
    path === "/" ||
    posix.normalize(path) !== path ||
    path.endsWith("/") ||
    path.includes("\0")
  )
    throw wrong(table, key, place, `"${path}" is not a plain absolute path`);
  return path;
}

function idIn(table: TomlTable, key: "uid" | "gid", place: string): number | undefined {
  const id = integerIn(table, key, place);
  if (id === undefined) return undefined;
  // Root's group is what some platforms run everything in.
  const least = key === "uid" ? 1n : 0n;
  if (id < least || id > 0xfffffffen)
    throw wrong(table, key, place, `${id} is not an id from ${least} to 4294967294`, "apps must not run as root");
  return Number(id);
}

function userOf(root: TomlTable, place: string): BaseUser | undefined {
  const table = tableIn(root, "user", place);
  if (!table) return undefined;
  onlyKeys(table, ["name", "uid", "gid", "home"], place);
  const name = stringIn(table, "name", place) ?? defaultUser.name;
  if (!accountName.test(name)) throw wrong(table, "name", place, `"${name}" is not a user name`);
  const uid = idIn(table, "uid", place) ?? defaultUser.uid;
  const home = pathIn(table, "home", place) ?? `/home/${name}`;
  if (/[:\n]/.test(home)) throw wrong(table, "home", place, "it cannot stand in /etc/passwd");
  return { name, uid, gid: idIn(table, "gid", place) ?? uid, home };
}

function envOf(root: TomlTable, place: string): Record<string, string> {
  const table = tableIn(root, "env", place) ?? {};
  const pairs = Object.keys(table).map((name) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw wrong(table, name, place, "it is not the name of a variable");
    if (/^CNB_/.test(name)) throw wrong(table, name, place, "variables that begin with CNB_ are set by the platform");
    return [name, stringIn(table, name, place)!] as const;
  });
  return Object.fromEntries(pairs);
}

function fileOf(table: TomlTable, place: string): BaseFile {
  onlyKeys(table, ["path", "content", "mode", "link"], place);
  const path = pathIn(table, "path", place);
  if (path === undefined) throw wrong(table, "path", place, "it is missing");
  const content = stringIn(table, "content", place);
  const link = stringIn(table, "link", place);
  if ((content === undefined) === (link === undefined))
    throw wrong(table, "path", place, `${path} needs either content or link`);
  if (link !== undefined) {
    if (link === "" || link.includes("\0")) throw wrong(table, "link", place, "it is not a path");
    return { path, link };
  }
  const mode = integerIn(table, "mode", place) ?? 0o644n;
  if (mode < 0n || mode > 0o7777n)
    throw wrong(table, "mode", place, `${mode} is not a file mode`, "write modes in octal: mode = 0o755");
  return { path, content: content!, mode: Number(mode) };
}

/**
 * Text of a `base.toml` to definition. Throws Fault `toml.parse` or `toml.type` for what is no such document, and
 * `base.definition` for a key we do not know or a value that cannot be meant; both name `place` and the key.
 */
export function parseDefinition(text: string, place: string): BaseDefinition {
  const root = parseToml(text, place);
  onlyKeys(root, rootKeys, place);
  const base = tableIn(root, "base", place) ?? {};
  onlyKeys(base, [...aboutKeys, "stack", "rebasable"], place);
  const about = Object.fromEntries(
    aboutKeys.flatMap((key) => [[key, stringIn(base, key, place)]]).filter(([, text]) => text),
  );
  const stack = stringIn(base, "stack", place);
  for (const [key, id] of [
    ["id", about["id"]],
    ["stack", stack],
  ] as const)
    if (id !== undefined && !/^[A-Za-z0-9./-]+$/.test(id))
      throw wrong(base, key, place, `"${id}" has other characters than letters, digits, ".", "/" and "-"`);
  const kind = choice(root, "kind", place, baseKinds) ?? "run";
  const packages = words(root, "packages", place, packageName, "the name of a package") ?? [];
  const without = words(root, "without", place, packageName, "the name of a package") ?? [];
  const both = packages.find((name) => without.includes(name));
  if (both) throw wrong(root, "without", place, `${both} is wanted by packages too`);
  const release = stringIn(root, "release", place);
  if (release !== undefined && !word.test(release))
    throw wrong(root, "release", place, `"${release}" is not a code name`);
  const architecture = stringIn(root, "architecture", place);
  if (architecture !== undefined && !/^[a-z0-9]+$/.test(architecture))
    throw wrong(root, "architecture", place, `"${architecture}" is not an architecture`, "for example amd64 or arm64");
  const components = words(root, "components", place, word, "the name of a component");
  const suites = words(root, "suites", place, word, "the name of a suite") ?? ["release"];
  if (suites.length === 0) throw wrong(root, "suites", place, "it is empty");
  const user = userOf(root, place);
  return {
    kind,
    tools: toolsOf(root, kind, place),
    about,
    ...(stack && { stack }),
    rebasable: booleanIn(base, "rebasable", place) ?? true,
    ...(release && { release }),
    suites,
    ...(components && { components }),
    ...(architecture && { architecture }),
    packages,
    without,
    pins: pinsOf(root, place),
    documentation: booleanIn(root, "documentation", place) ?? false,
    ...(user && { user }),
    env: envOf(root, place),
    files: tablesIn(root, "files", place).map((table) => fileOf(table, place)),
  };
}
