import { Fault } from "../std/fault.ts";
import { parseToml, pathOf, type TomlTable } from "../std/toml.ts";
import { requiredStringIn, stringIn, tableIn, tablesIn } from "../std/toml-read.ts";

/** Which image a Dockerfile extends. */
export type ExtendKind = "build" | "run";

/** An argument of a Dockerfile. */
export interface DockerfileArgument {
  readonly name: string;
  readonly value: string;
}

/** `extend-config.toml`: arguments for the Dockerfiles of each kind (Image Extension spec, "extend-config.toml"). */
export type ExtendConfig = Readonly<Record<ExtendKind, readonly DockerfileArgument[]>>;

/** The arguments that the platform gives to every Dockerfile. */
export const platformArguments = ["base_image", "build_id", "user_id", "group_id"] as const;

function argumentOf(item: TomlTable, place: string): DockerfileArgument {
  const name = requiredStringIn(item, "name", place);
  const value = stringIn(item, "value", place);
  if (value === undefined)
    throw new Fault("toml.missing", `Cannot read ${pathOf(item, "value")} at ${place}: it is missing`);
  const found = !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
    ? `${JSON.stringify(name)} is no name of an argument`
    : (platformArguments as readonly string[]).includes(name) && `"${name}" is given by the platform`;
  if (found) throw new Fault("extend.config", `Cannot read ${pathOf(item, "name")} at ${place}: ${found}`);
  return { name, value };
}

/**
 * The file's text to its value; an absent file is an empty one. Throws Fault `toml.*`, `toml.missing` for an argument without name or value, and
 * `extend.config` for a name that is none or that is the platform's.
 */
export function parseExtendConfig(text: string, place: string): ExtendConfig {
  const table = parseToml(text, place);
  const read = (kind: ExtendKind) =>
    tablesIn(tableIn(table, kind, place) ?? {}, "args", place).map((item) => argumentOf(item, place));
  return { build: read("build"), run: read("run") };
}
