import type { TomlTable } from "../std/toml.ts";
import { type Shape, strayKeys } from "../std/toml-shape.ts";

/** The versions of the project descriptor that are understood (Project Descriptor spec; 0.3 is a draft that pack reads). */
export const schemaVersions = ["0.1", "0.2", "0.3"] as const;

/** One of `schemaVersions`. */
export type SchemaVersion = (typeof schemaVersions)[number];

const about = {
  id: true,
  name: true,
  version: true,
  authors: true,
  "documentation-url": true,
  "source-url": true,
  licenses: { type: true, uri: true },
} satisfies Shape;
const script = { api: true, inline: true, shell: true } satisfies Shape;
const entry = { id: true, version: true, uri: true, script } satisfies Shape;
const variable = { name: true, value: true } satisfies Shape;
const choice = { include: true, exclude: true, builder: true } satisfies Shape;

/** A side of the builder's order, as 0.2 has it. */
const sides = (group: Shape) => ({ pre: { group }, post: { group } });
const inner = (group: Shape, env: Shape) => ({ ...choice, group, build: { env }, ...sides(group) });

const limited = { "exec-env": true } satisfies Shape;
const head = { ...about, "schema-version": true, metadata: true } satisfies Shape;
const old = { env: { build: variable } } satisfies Shape;

const shapes: Readonly<Record<SchemaVersion, Shape>> = {
  "0.1": {
    project: about,
    build: { ...choice, buildpacks: entry, env: variable, ...sides(entry) },
    io: { buildpacks: {} },
  },
  "0.2": { _: head, io: { buildpacks: { ...inner(entry, variable), ...old } } },
  "0.3": { _: head, io: { buildpacks: inner({ ...entry, ...limited }, { ...variable, ...limited }) } },
};

const ours = /^(_|project|build|io\.buildpacks)\./;

/** The keys of the schema's own tables that it does not know; all other tables belong to somebody else. */
export function unknownKeys(table: TomlTable, schema: SchemaVersion): readonly string[] {
  return strayKeys(table, shapes[schema]).filter((path) => ours.test(path));
}
