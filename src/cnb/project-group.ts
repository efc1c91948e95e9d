import { Fault } from "../std/fault.ts";
import { pathOf, type TomlTable } from "../std/toml.ts";
import { requiredStringIn, stringIn, tableIn, tablesIn } from "../std/toml-read.ts";
import { parseApi } from "./api.ts";
import { parseExecEnv } from "./exec-env.ts";
import { idIn, versionIn } from "./order-file.ts";
import type { SchemaVersion } from "./project-shape.ts";

/** A buildpack that is written in the project descriptor itself: its build script; it takes part in every build. */
export interface InlineScript {
  /** The Buildpack API it is run by. */
  readonly api: string;
  /** The program that runs it. */
  readonly shell: string;
  /** Its text, without the first line. */
  readonly inline: string;
}

/** A buildpack the project asks for: where it is (`uri`, an `id` or `id@version`), or what it does. */
export type ProjectBuildpack = (
  | { readonly kind: "located"; readonly locator: string }
  | { readonly kind: "inline"; readonly id: string; readonly script: InlineScript }
) & {
  /** Execution environments it is limited to; empty for no limit. */
  readonly execEnv: readonly string[];
};

/**
 * The buildpacks listed under a key of a project descriptor. Throws Fault `project.buildpack` for one that is nothing or two things at
 * once, and what its parts throw.
 */
export function parseProjectGroup(
  table: TomlTable,
  key: string,
  schema: SchemaVersion,
  place: string,
): readonly ProjectBuildpack[] {
  return tablesIn(table, key, place).map((item) => buildpackOf(item, schema, place));
}

function buildpackOf(item: TomlTable, schema: SchemaVersion, place: string): ProjectBuildpack {
  const [id, version, uri] = ["id", "version", "uri"].map((key) => stringIn(item, key, place) || undefined);
  const script = tableIn(item, "script", place);
  const refuse = (found: string) =>
    new Fault("project.buildpack", `Cannot read ${pathOf(item, "id").replace(/\.id$/, "")} at ${place}: ${found}`, {
      exit: "usage",
      hint: "a buildpack is named by its id, its id and version, its uri, or its id and a script",
    });
  const said = [version && "version", uri && "uri", script && "script"].filter(Boolean);
  if (said.length > 1) throw refuse(`it has ${said.join(" and ")}, of which only one may be there`);
  if (schema === "0.1" && id && uri) throw refuse("it has id and uri, of which only one may be there");
  if (!id && !uri) throw refuse("it has neither id nor uri");
  const execEnv = schema === "0.3" ? parseExecEnv(item, place) : [];
  if (script) return { kind: "inline", id: idIn(item, place), script: scriptOf(script, place), execEnv };
  if (uri) return { kind: "located", locator: uri, execEnv };
  const name = idIn(item, place);
  return { kind: "located", locator: version ? `${name}@${versionIn(item, place)}` : name, execEnv };
}

function scriptOf(script: TomlTable, place: string): InlineScript {
  const api = requiredStringIn(script, "api", place);
  parseApi(api, `${place}, ${pathOf(script, "api")}`);
  const shell = stringIn(script, "shell", place) || "/bin/sh";
  if (/[\n\0]/.test(shell))
    throw new Fault("project.shell", `Cannot read ${pathOf(script, "shell")} at ${place}: it is more than one line`, {
      exit: "usage",
    });
  return { api, shell, inline: requiredStringIn(script, "inline", place) };
}
