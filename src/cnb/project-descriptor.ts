import { Fault } from "../std/fault.ts";
import { parseToml, pathOf, type TomlTable } from "../std/toml.ts";
import { requiredStringIn, stringIn, stringsIn, tableIn, tablesIn, valueIn } from "../std/toml-read.ts";
import type { License } from "./buildpack.ts";
import { parseExecEnv } from "./exec-env.ts";
import { type ProjectBuildpack, parseProjectGroup } from "./project-group.ts";
import { type SchemaVersion, schemaVersions, unknownKeys } from "./project-shape.ts";

/** Which files of the app go into the build: patterns in the words of gitignore(5). */
export interface FileChoice {
  readonly kind: "include" | "exclude";
  readonly patterns: readonly string[];
}

/** A variable the project gives to its buildpacks. */
export interface ProjectVariable {
  readonly name: string;
  readonly value: string;
  /** Execution environments it is limited to; empty for no limit. */
  readonly execEnv: readonly string[];
}

/** What a project says of itself. */
export interface ProjectAbout {
  readonly id?: string;
  readonly name?: string;
  readonly version?: string;
  readonly authors: readonly string[];
  readonly documentationUrl?: string;
  readonly sourceUrl?: string;
  readonly licenses: readonly License[];
  readonly metadata?: TomlTable;
}

/** What a `project.toml` says (Project Descriptor spec). */
export interface ProjectDescriptor {
  readonly schema: SchemaVersion;
  readonly about: ProjectAbout;
  readonly builder?: string;
  readonly files?: FileChoice;
  /** Buildpacks to use instead of the builder's order; empty when it says none. */
  readonly group: readonly ProjectBuildpack[];
  /** Buildpacks before and after those of each group of the builder's order. */
  readonly pre: readonly ProjectBuildpack[];
  readonly post: readonly ProjectBuildpack[];
  readonly env: readonly ProjectVariable[];
  /** Lines about what is ignored, in the words of pack. */
  readonly warnings: readonly string[];
}

/**
 * The text of a project.toml to its value. Throws Fault `toml.*`, `project.schema` for a version we do not know, `project.files` when
 * files are both included and excluded, `project.license` for a licence that says nothing, `project.env` for a variable that cannot be set,
 * and what `parseProjectGroup` throws.
 */
export function parseProject(text: string, place: string): ProjectDescriptor {
  const table = parseToml(text, place);
  const part = (parent: TomlTable, key: string): TomlTable => tableIn(parent, key, place) ?? {};
  const head = part(table, "_");
  const said = stringIn(head, "schema-version", place) || undefined;
  const schema = schemaOf(said, place);
  const isOld = schema === "0.1";
  const build = isOld ? part(table, "build") : part(part(table, "io"), "buildpacks");
  const about = isOld ? part(table, "project") : head;
  const group = (parent: TomlTable, key: string) => parseProjectGroup(parent, key, schema, place);
  const builder = stringIn(build, "builder", place);
  const files = filesOf(build, place);
  const metadata = tableIn(isOld ? table : head, "metadata", place);
  return {
    schema,
    about: { ...aboutOf(about, place), ...(metadata && { metadata }) },
    ...(builder && { builder }),
    ...(files && { files }),
    group: group(build, isOld ? "buildpacks" : "group"),
    pre: group(part(build, "pre"), "group"),
    post: group(part(build, "post"), "group"),
    env: variablesOf(build, schema, place).map((item) => variableOf(item, schema, place)),
    warnings: [
      ...(said ? [] : ["No schema version declared in project.toml, defaulting to schema version 0.1"]),
      ...warningsOf(unknownKeys(table, schema), schema),
    ],
  };
}

function schemaOf(text: string | undefined, place: string): SchemaVersion {
  if (text === undefined) return "0.1";
  const schema = schemaVersions.find((version) => version === text);
  if (schema) return schema;
  throw new Fault("project.schema", `Cannot read project descriptor at ${place}: unknown schema version ${text}`, {
    exit: "usage",
    hint: `known are ${schemaVersions.join(", ")}`,
  });
}

function aboutOf(table: TomlTable, place: string): ProjectAbout {
  const optional = (name: keyof ProjectAbout, key: string) => {
    const text = stringIn(table, key, place);
    return text ? { [name]: text } : {};
  };
  return {
    ...optional("id", "id"),
    ...optional("name", "name"),
    ...optional("version", "version"),
    authors: stringsIn(table, "authors", place) ?? [],
    ...optional("documentationUrl", "documentation-url"),
    ...optional("sourceUrl", "source-url"),
    licenses: tablesIn(table, "licenses", place).map((license) => {
      const [type, uri] = [stringIn(license, "type", place), stringIn(license, "uri", place)];
      if (type || uri) return { ...(type && { type }), ...(uri && { uri }) };
      throw new Fault(
        "project.license",
        `Cannot read ${pathOf(license, "type").replace(/\.type$/, "")} at ${place}: it has neither type nor uri`,
        { exit: "usage", hint: 'name the licence, such as type = "MIT", or say where its text is' },
      );
    }),
  };
}

function filesOf(build: TomlTable, place: string): FileChoice | undefined {
  const include = stringsIn(build, "include", place);
  const exclude = stringsIn(build, "exclude", place);
  if (include && exclude)
    throw new Fault(
      "project.files",
      `Cannot read ${pathOf(build, "include")} at ${place}: there is "exclude" as well`,
      {
        exit: "usage",
        hint: "say which files there are, or which there are not",
      },
    );
  if (include?.length) return { kind: "include", patterns: include };
  return exclude?.length ? { kind: "exclude", patterns: exclude } : undefined;
}

/** Where the variables are: in 0.2 also under the name it had at first. */
function variablesOf(build: TomlTable, schema: SchemaVersion, place: string): readonly TomlTable[] {
  if (schema === "0.1") return tablesIn(build, "env", place);
  const inner = tableIn(build, "build", place);
  if (schema === "0.3" || (inner && valueIn(inner, "env") !== undefined)) return tablesIn(inner ?? {}, "env", place);
  return tablesIn(tableIn(build, "env", place) ?? {}, "build", place);
}

function variableOf(item: TomlTable, schema: SchemaVersion, place: string): ProjectVariable {
  const name = requiredStringIn(item, "name", place);
  if (/[=/\0]/.test(name) || name === "." || name === "..")
    throw new Fault(
      "project.env",
      `Cannot read ${pathOf(item, "name")} at ${place}: ${JSON.stringify(name)} is no name of a variable`,
      { exit: "usage" },
    );
  const execEnv = schema === "0.3" ? parseExecEnv(item, place) : [];
  return { name, value: stringIn(item, "value", place) ?? "", execEnv };
}

function warningsOf(keys: readonly string[], schema: SchemaVersion): readonly string[] {
  if (keys.length === 0) return [];
  return [
    `The following keys declared in project.toml are not supported in schema version ${schema}:`,
    ...keys.map((key) => `- ${key}`),
    "The above keys will be ignored. If this is not intentional, try updating your schema version.",
  ];
}
